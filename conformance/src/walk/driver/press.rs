//! What a person presses, and the request that a page's markup says it sends.

use std::time::Duration;

use url::Url;

use super::lead::read_page;
use crate::{
    browser::{
        http::Outgoing,
        page::{self, Clickable, Form},
    },
    target::Move,
};

/// Names that a field may have, and what is typed into it.
pub(in crate::walk) type Typed<'a> = (&'a [&'a str], &'a str);

/// What a person presses on a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) enum Press<'a> {
    /// What says exactly this.
    Text(&'a str),
    /// The button of the form that says one of these words (lower case, without blanks and dashes), or of the only form.
    Form(&'a [&'a str]),
    /// What says exactly this, after these fields were filled in.
    Filled(&'a str, &'a [(String, String)]),
    /// The form with this `action` path or `id`, after these fields were filled in.
    FilledForm(&'a str, &'a [(String, String)]),
    /// The button of a page of the authorization server, after the fields that it has were filled in.
    Hosted(&'a [Typed<'a>]),
}

impl<'a> Press<'a> {
    /// What this step presses; `None` for one that presses nothing.
    pub(in crate::walk) fn of_step(step: &'a Move, typed: &'a [(String, String)]) -> Option<Self> {
        match step {
            Move::Press(text) => Some(Press::Filled(text, typed)),
            Move::Submit(form) => Some(Press::FilledForm(form, typed)),
            Move::Open(_) | Move::Fill(_) => None,
        }
    }

    /// Where pressing it leads, as the markup of the page at this address tells. `None`: the page has no such thing, or
    /// only scripts tell.
    pub(in crate::walk) async fn on(self, html: &str, url: &Url, limit: Duration) -> Option<Clickable> {
        match self {
            Press::Text(text) => read_page(html, url, limit).await.ok()?.clickable(text),
            Press::Form(words) => {
                let form = read_page(html, url, limit).await.ok()?.form_saying(words);
                form.map(Clickable::Button)
            }
            Press::Filled(text, typed) => match page::pressable(html, url, text)? {
                Clickable::Button(form) => Some(Clickable::Button(filled(form, html, typed))),
                link @ Clickable::Link(_) => Some(link),
            },
            Press::FilledForm(name, typed) => {
                let form = page::form_named(html, url, name)?;
                Some(Clickable::Button(filled(form, html, typed)))
            }
            Press::Hosted(values) => {
                let page = read_page(html, url, limit).await.ok()?;
                let form = page.forms.into_iter().find(|form| form.method == "POST")?;
                signed(form, values).map(Clickable::Button)
            }
        }
    }
}

fn filled(mut form: Form, html: &str, typed: &[(String, String)]) -> Form {
    for (name, value) in typed {
        form.set(&page::field_called(html, name), value);
    }
    form
}

/// A page of the authorization server as a person sends it: with what it asks for, or with nothing but a click. `None` where
/// it asks for something else.
fn signed(mut form: Form, values: &[Typed<'_>]) -> Option<Form> {
    let mut is_filled = false;
    for (names, value) in values {
        for name in *names {
            if form.has(name) {
                form.set(name, value);
                is_filled = true;
            }
        }
    }
    (is_filled || form.only_hidden).then_some(form)
}

/// The request that a click sends.
pub(super) fn request_of(clickable: &Clickable) -> Outgoing {
    match clickable {
        Clickable::Link(url) => Outgoing::get(url),
        Clickable::Button(form) => form.request(),
    }
}
