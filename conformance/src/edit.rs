//! Edits: what the harness does wrong on the browser side. Typed data; a [`script`](crate::script) carries them.
//!
//! An edit changes the first request of the act it stands on. It counts as delivered when the hop that carried it was
//! really sent and differs from what would have been sent without it.

use std::fmt;

use serde::Serialize;

use crate::slot::Slot;

/// One change to a request of the browser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Nothing is changed, but the request goes through the hook: the twin of every other edit.
    Identity,
    /// Change a query parameter; at the redirection endpoint: the parameter of the response, which is a form field where
    /// the app asks for `response_mode=form_post`.
    Query(&'static str, Change),
    /// Append this text verbatim, without encoding, to the query; at the redirection endpoint of an app that takes a form
    /// post: to the form.
    RawQuery(&'static str),
    /// Change a field of the form body (turns the request into a form post if it was none). At the redirection endpoint: a
    /// parameter at the place that the response mode does *not* use, which is the query where the app takes a form post.
    Form(&'static str, Change),
    /// Send the authorization response by the other response mode: as a form post where the app takes it from the query,
    /// in the query by GET where it takes a form post.
    OtherMode,
    /// Another method. GET, HEAD and OPTIONS have no body: the fields of a form post move to the query with them.
    Method(&'static str),
    /// Set a header; `{app}`, `{idp}`, `{second_origin}`, `{host}` are filled in.
    Header(&'static str, Text),
    /// Replace the body. The content type is the first argument.
    Body(&'static str, Text),
    /// Append this text to the path, verbatim.
    PathSuffix(&'static str),
    /// Put this text before the path, verbatim.
    PathPrefix(&'static str),
    /// The path in upper case.
    PathUpper,
    /// Replace the path (and query) of the request, verbatim.
    Path(Text),
    /// Send without any cookies.
    NoCookies,
    /// Send as a cross-site navigation or sub-resource of the second origin (decides which SameSite cookies go along).
    From(Initiator),
}

/// In words, as reports have it.
impl fmt::Display for Edit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edit::Identity => out.write_str("nothing changed"),
            Edit::Query(name, change) => write!(out, "query parameter {name} {change}"),
            Edit::RawQuery(text) => write!(out, "`{text}` behind the query, not encoded"),
            Edit::Form(name, change) => write!(out, "form field {name} {change}"),
            Edit::OtherMode => out.write_str("sent by the other response mode"),
            Edit::Method(method) => write!(out, "method {method}"),
            Edit::Header(name, text) => write!(out, "header {name} set to {text}"),
            Edit::Body(kind, text) => write!(out, "a body of {kind}: {text}"),
            Edit::PathSuffix(text) => write!(out, "`{text}` behind the path"),
            Edit::PathPrefix(text) => write!(out, "`{text}` before the path"),
            Edit::PathUpper => out.write_str("the path in upper case"),
            Edit::Path(text) => write!(out, "path {text}"),
            Edit::NoCookies => out.write_str("no cookies"),
            Edit::From(Initiator::CurrentDocument) => out.write_str("from the page that is open"),
            Edit::From(Initiator::AddressBar) => out.write_str("from the address bar"),
            Edit::From(Initiator::OtherSiteLink) => out.write_str("from a link on another site"),
            Edit::From(Initiator::OtherSiteForm) => out.write_str("from a form on another site"),
            Edit::From(Initiator::OtherSiteSubresource) => out.write_str("from an image or frame on another site"),
        }
    }
}

/// Behind the name of what is changed.
impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Remove => out.write_str("left out"),
            Change::Empty => out.write_str("left empty"),
            Change::Set(text) => write!(out, "set to {text}"),
            Change::Append(text) => write!(out, "with `{text}` behind its value"),
            Change::Prepend(text) => write!(out, "with `{text}` before its value"),
            Change::DropLast(1) => out.write_str("without its last character"),
            Change::DropLast(count) => write!(out, "without its last {count} characters"),
            Change::FlipCase => out.write_str("with upper and lower case exchanged"),
            Change::Random => out.write_str("set to a random value"),
            Change::Rename(name) => write!(out, "renamed to {name}"),
            Change::Retarget(text) => write!(out, "with each address of the app replaced by `{text}`"),
            Change::TwiceWrongFirst(text) => write!(out, "sent twice, first as {text}"),
            Change::TwiceWrongLast(text) => write!(out, "sent twice, last as {text}"),
            Change::Raw(text) => write!(out, "set to `{text}`, not encoded"),
            Change::Bytes(text) => write!(out, "set to the bytes `{text}`"),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text::Plain(text) => write!(out, "`{text}`"),
            Text::Random(count) => write!(out, "{count} random characters"),
            Text::Repeat(text, times) => write!(out, "{times} times `{text}`"),
            Text::ResponseOf(slot, name) => write!(out, "{name} of the authorization response of {slot}"),
            Text::RequestOf(slot, name) => write!(out, "{name} of the authorization request of {slot}"),
            Text::IdTokenOf(slot) => write!(out, "the ID token of {slot}"),
            Text::AccessTokenOf(slot) => write!(out, "the access token of {slot}"),
        }
    }
}

/// What started a request, as far as cookies care (RFC 6265bis §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initiator {
    /// A link or form of the document that is open now.
    #[default]
    CurrentDocument,
    /// The user typed the address.
    AddressBar,
    /// A link on a page of another site (top-level GET).
    OtherSiteLink,
    /// A form of another site (top-level POST).
    OtherSiteForm,
    /// An image or frame on a page of another site.
    OtherSiteSubresource,
}

/// How a parameter is changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is left out.
    Remove,
    /// It is there and empty.
    Empty,
    /// Another value (added when it was absent).
    Set(Text),
    /// Text after the value.
    Append(&'static str),
    /// Text before the value.
    Prepend(&'static str),
    /// Without its last characters.
    DropLast(usize),
    /// Upper case becomes lower case and the other way round.
    FlipCase,
    /// A random value of the same length and alphabet.
    Random,
    /// The same value under another name.
    Rename(&'static str),
    /// Every path or URL of the app inside the value, in clear, percent-encoded or base64url, becomes this text.
    Retarget(&'static str),
    /// The parameter comes twice: this value first, then the right one.
    TwiceWrongFirst(Text),
    /// The parameter comes twice: the right one, then this value.
    TwiceWrongLast(Text),
    /// Sent verbatim, not percent-encoded.
    Raw(&'static str),
    /// Raw bytes given as percent-encoded text (`%FF`), not encoded again.
    Bytes(&'static str),
}

/// A value that is filled in during the walk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Text {
    /// Literal text. `{app}`, `{idp}`, `{issuer}`, `{second_origin}`, `{host}`, `{client_id}`, `{user.email}`,
    /// `{victim.email}`, `{canary}` are filled in, and `{group}`: the group whose page is opened, else the first.
    Plain(&'static str),
    /// A random URL-safe string of this length.
    Random(usize),
    /// This text so many times.
    Repeat(&'static str, usize),
    /// A parameter of the authorization *response* that this flow received.
    ResponseOf(Slot, &'static str),
    /// A parameter of the authorization *request* of this flow.
    RequestOf(Slot, &'static str),
    /// The ID token that was issued in this flow.
    IdTokenOf(Slot),
    /// The access token that was issued in this flow.
    AccessTokenOf(Slot),
}

/// A change to the cookies that a browser holds for the app.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CookieEdit {
    /// Flip one bit in the middle of every cookie's value.
    FlipBit,
    /// Halve every value.
    Truncate,
    /// Every value empty.
    Empty,
    /// Every cookie sent twice, the first copy damaged.
    Duplicate,
    /// Every value padded to this many bytes.
    Pad(usize),
    /// Every value replaced by bytes that are no UTF-8.
    InvalidUtf8,
    /// Of cookies in numbered chunks drop the last; without chunks drop the longest.
    DropChunk,
    /// Values of the cookies that existed before sign-in, under the names of those that sign-in set.
    FlowCookiesAsSession,
    /// Replace all cookies by those saved under this name.
    Load(&'static str),
    /// In every value: every path or URL of the app, in clear, percent-encoded or base64url, becomes this text.
    Retarget(&'static str),
    /// One cookie more, as the user of a browser can put it there.
    Add(&'static str, Text),
    /// Of the cookies saved under this name, those that carry neither a session nor a pending sign-in, beside one's own.
    Borrow(&'static str),
    /// Take all app cookies away.
    Clear,
    /// Plant these values under the names of the session cookies learnt in the control: the saved jar's values.
    Plant(Text),
}
