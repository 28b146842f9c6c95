//! What a script, an edit and a check say in sentences: `explain` and failure blocks print from the literals themselves.

use crate::{
    case::{Case, Lane, Variant},
    edit::{Change, CookieEdit, Edit, Initiator, Text},
    script::{Act, Hold, IdpAct, MAIN, Membership, Pause, Place, Slot, Step, Who},
};

/// The sentences of a script, without full stops. A script without steps only watches.
#[must_use]
pub fn steps(script: &[Step]) -> Vec<String> {
    if script.is_empty() {
        return vec!["checks everything that this run recorded".to_owned()];
    }
    script.iter().map(step).collect()
}

/// What the authorization server does wrong in a variant, one sentence per fault with its id.
#[must_use]
pub fn faults(variant: &Variant) -> Vec<String> {
    variant
        .faults
        .iter()
        .map(|fault| format!("{} [{}]", fault.description(), fault.id()))
        .collect()
}

/// What decides a variant: level and sentence of each check.
#[must_use]
pub fn checks(case: &Case, variant: &Variant) -> Vec<String> {
    case.asks(variant)
        .iter()
        .map(|expect| format!("{}: {} [{}]", expect.level, expect.check.expects, expect.check.id))
        .collect()
}

/// Whether the harness has to be able to start the app, and what else a case needs, in words.
#[must_use]
pub fn needs(case: &Case) -> Vec<String> {
    case.needs
        .iter()
        .map(|feature| words(&format!("{feature:?}")))
        .collect()
}

/// Where a case runs and what it presupposes, one sentence each.
#[must_use]
pub fn terms(case: &Case) -> Vec<String> {
    let mut terms = vec![format!("It runs {}.", lane(case.lane))];
    if case.positive {
        terms.push("The app must accept this: a refusal is the failure.".to_owned());
    }
    let needs = needs(case);
    if !needs.is_empty() {
        terms.push(format!(
            "It is skipped unless the control sign-in showed: {}.",
            needs.join(", ")
        ));
    }
    for variant in case.variants.iter().filter(|variant| !variant.needs.is_empty()) {
        let needs: Vec<String> = variant
            .needs
            .iter()
            .map(|feature| words(&format!("{feature:?}")))
            .collect();
        terms.push(format!("Variant {} also needs: {}.", variant.name, needs.join(", ")));
    }
    if let Some(caveat) = replay_caveat(case) {
        terms.push(format!(
            "A replay with the same seed may come to something else: {caveat}."
        ));
    }
    terms
}

/// What the command that replays a case does not bring back; `None` where its seed decides everything that is sent.
#[must_use]
pub fn replay_caveat(case: &Case) -> Option<&'static str> {
    fn races(step: &Step) -> bool {
        match step.act {
            Act::Crowd(_) | Act::Flood(_) | Act::SignOutRace(_) | Act::DeliverTwice(_) => true,
            Act::Repeat(_, steps) => steps.iter().any(races),
            _ => false,
        }
    }
    if case.lane == Lane::Watch {
        return Some("it judges what other cases walk; alone it sees only the control");
    }
    let mut steps = case.variants.iter().flat_map(|variant| variant.script);
    steps
        .any(races)
        .then_some("the order of requests that are made at once is chance")
}

/// Where cases of a lane run.
const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Watch => "beside all other cases, which it only observes",
        Lane::Parallel => "in parallel with others against one app",
        Lane::Alone => "alone, because it is about load",
        Lane::Server => "alone on a fresh app with a fresh issuer (without a start command: alone, after the others)",
        Lane::Restart => "alone on a newly started app, so it needs a start command",
        Lane::Slow => "only when it is asked for (lane:slow), because it takes a long time",
    }
}

fn step(step: &Step) -> String {
    format!("{} {}", who(step.who), act(&step.act))
}

fn act(act: &Act) -> String {
    match act {
        Act::Start(slot, edits) => format!("starts {}{}", flow(*slot), with(edits)),
        Act::Authorize(slot, edits) => {
            format!(
                "signs in on the hosted page for {}{}, and the response is held",
                flow(*slot),
                with(edits)
            )
        }
        Act::Deliver(slot, edits) => format!(
            "delivers the authorization response of {} to the callback{}",
            flow(*slot),
            with(edits)
        ),
        Act::Insist(slot, edits, times) => format!(
            "delivers the authorization response of {} to the callback{}, again for every new authorization request, at most {times} times",
            flow(*slot),
            with(edits)
        ),
        Act::SignIn(slot) => format!("signs in ({})", flow(*slot)),
        Act::SignInAs(other, slot) => format!("signs in as {} in the same browser ({})", who(*other), flow(*slot)),
        Act::SignInWith(slot, edits) => format!("signs in ({}){}", flow(*slot), with(edits)),
        Act::Callback(edits) => format!("requests the callback by hand{}", with(edits)),
        Act::Probe(label) => format!("asks the protected page who is signed in ({label})"),
        Act::ProbeWith(label, saved) => {
            format!("asks the protected page with the cookies saved as \"{saved}\" ({label})")
        }
        Act::ProbeProtected(label, edits) => format!("requests every protected path{} ({label})", with(edits)),
        Act::Save(name) => format!("saves the cookies as \"{name}\""),
        Act::Cookies(edit) => format!("changes the cookies: {}", cookies(*edit)),
        Act::SignOut(edits) => format!("signs out{}", with(edits)),
        Act::FollowSignOut(edits) => format!(
            "follows the sign-out to the authorization server and back{}",
            with(edits)
        ),
        Act::DeepLink(slot, suffix) => format!(
            "opens the protected page{suffix} as a deep link, signed out ({})",
            flow(*slot)
        ),
        Act::InitiateLogin(slot, edits) => {
            format!("is sent to the initiate-login URI ({}){}", flow(*slot), with(edits))
        }
        Act::Request(place, edits) => format!("requests {}{}", place_name(*place), with(edits)),
        Act::RawBytes(bytes) => format!("sends these bytes: {}", bytes.escape_debug()),
        Act::LogoutToken(slot) => format!("is signed out by a logout token for {}", flow(*slot)),
        Act::FrontChannel(slot, edits) => format!(
            "loads the front-channel logout frame for {}{}",
            flow(*slot),
            with(edits)
        ),
        Act::NewBrowser => "switches to a new browser".to_owned(),
        Act::Groups(membership) => format!(
            "is put into these groups from the next sign-in on: {}",
            groups(*membership)
        ),
        Act::Roles(label, edits) => format!("opens the page of each group{} ({label})", with(edits)),
        Act::RoleSignIn(slot) => format!(
            "opens the page of the first group and follows, to see whether a sign-in begins ({})",
            flow(*slot)
        ),
        Act::StartAgain(slot) => format!(
            "starts {} although somebody is signed in, to see whether it begins",
            flow(*slot)
        ),
        Act::LearnCookies => "removes each cookie in turn, to see which ones carry the session".to_owned(),
        Act::Idp(act) => format!("waits while {}", idp(*act)),
        Act::Repeat(times, inner) => format!("does this {times} times: {}", steps(inner).join("; ")),
        Act::Crowd(crowd) => {
            let faulty = match crowd.faulty_every {
                0 => String::new(),
                1 => ", all with faults".to_owned(),
                every => format!(", every {every}th with faults"),
            };
            let hold = match crowd.hold {
                Hold::Free => "",
                Hold::Reversed => ", answers released in reverse order",
                Hold::Shuffled => ", answers released in random order",
                Hold::FirstOnly => ", the first one's answer released last",
                Hold::AllButLast => ", everybody's answer released after the last one's",
                Hold::FaultyFirst => ", those with faults first",
            };
            format!(
                "represents {} people who sign in at once{faulty}{hold}, {} rounds",
                crowd.size, crowd.rounds
            )
        }
        Act::HoldTokens => "waits until the authorization server holds token responses back".to_owned(),
        Act::DeliverTwice(slot) => format!(
            "delivers the authorization response of {} twice, the second time while the first one's code is being redeemed",
            flow(*slot)
        ),
        Act::SignOutRace(count) => format!("requests the protected page {count} times at once while signing out"),
        Act::Flood(count) => format!("starts {count} sign-ins at once and abandons them"),
        Act::Wait(Pause::ClockTick) => "waits two seconds".to_owned(),
        Act::Wait(Pause::TokenLife) => "waits until the access token has expired".to_owned(),
        Act::Wait(Pause::SessionIdle) => "does nothing until an idle session must have expired".to_owned(),
        Act::Wait(Pause::WithinSessionIdle) => "waits for two thirds of the time that a session may be idle".to_owned(),
        Act::Wait(Pause::SessionLifetime) => "waits until every session must have expired".to_owned(),
    }
}

/// What an edit changes.
#[must_use]
pub fn edit(edit: &Edit) -> String {
    match edit {
        Edit::Identity => "unchanged".to_owned(),
        Edit::Query(name, to) => change(name, *to),
        Edit::Form(name, to) => format!("{} beside the query (in the form body)", change(name, *to)),
        Edit::RawQuery(raw) => format!("`{raw}` appended to the query"),
        Edit::OtherMode => {
            "by the other response mode: in a form post, or in the query where the app takes a form post".to_owned()
        }
        Edit::Method(method) => format!("by {method}"),
        Edit::Header(name, value) => format!("header `{name}: {}`", text(*value)),
        Edit::Body(kind, body) => format!("a {kind} body: {}", text(*body)),
        Edit::PathSuffix(suffix) => format!("`{suffix}` after the path"),
        Edit::PathPrefix(prefix) => format!("`{prefix}` before the path"),
        Edit::PathUpper => "the path in upper case".to_owned(),
        Edit::Path(path) => format!("path {}", text(*path)),
        Edit::NoCookies => "without cookies".to_owned(),
        Edit::From(initiator) => match initiator {
            Initiator::CurrentDocument => "from the open page".to_owned(),
            Initiator::AddressBar => "typed as an address".to_owned(),
            Initiator::OtherSiteLink => "by a link on another site".to_owned(),
            Initiator::OtherSiteForm => "by a form of another site".to_owned(),
            Initiator::OtherSiteSubresource => "as an image or frame on another site".to_owned(),
        },
    }
}

fn change(name: &str, change: Change) -> String {
    match change {
        Change::Remove => format!("without `{name}`"),
        Change::Empty => format!("`{name}` empty"),
        Change::Set(value) => format!("`{name}` = {}", text(value)),
        Change::Append(suffix) => format!("`{name}` with `{}` appended", suffix.escape_debug()),
        Change::Prepend(prefix) => format!("`{name}` with `{}` before it", prefix.escape_debug()),
        Change::DropLast(1) => format!("`{name}` without its last character"),
        Change::DropLast(count) => format!("`{name}` without its last {count} characters"),
        Change::FlipCase => format!("`{name}` with upper and lower case swapped"),
        Change::Retarget(to) => format!("`{name}` with every URL of the app inside it replaced by `{to}`"),
        Change::Random => format!("`{name}` replaced by a random value of the same shape"),
        Change::Rename(to) => format!("`{name}` renamed to `{to}`"),
        Change::TwiceWrongFirst(value) => format!("`{name}` twice, {} first", text(value)),
        Change::TwiceWrongLast(value) => format!("`{name}` twice, {} last", text(value)),
        Change::Raw(raw) => format!("`{name}` = `{}`, not encoded", raw.escape_debug()),
        Change::Bytes(bytes) => format!("`{name}` = bytes `{bytes}`"),
    }
}

fn text(text: Text) -> String {
    match text {
        Text::Plain(plain) => format!("`{}`", plain.escape_debug()),
        Text::Random(length) => format!("{length} random characters"),
        Text::Repeat(unit, count) => format!("`{unit}` {count} times"),
        Text::ResponseOf(slot, name) => format!("the `{name}` of the authorization response of {}", flow(slot)),
        Text::RequestOf(slot, name) => format!("the `{name}` of the authorization request of {}", flow(slot)),
        Text::IdTokenOf(slot) => format!("the ID token of {}", flow(slot)),
        Text::AccessTokenOf(slot) => format!("the access token of {}", flow(slot)),
    }
}

fn cookies(edit: CookieEdit) -> String {
    match edit {
        CookieEdit::FlipBit => "one bit of each value flipped".to_owned(),
        CookieEdit::Truncate => "each value halved".to_owned(),
        CookieEdit::Empty => "each value empty".to_owned(),
        CookieEdit::Duplicate => "each sent twice, the first copy damaged".to_owned(),
        CookieEdit::Pad(size) => format!("each padded to {size} bytes"),
        CookieEdit::InvalidUtf8 => "each value replaced by bytes that are not UTF-8".to_owned(),
        CookieEdit::DropChunk => "one chunk missing".to_owned(),
        CookieEdit::FlowCookiesAsSession => {
            "values from before sign-in under the names of the session cookies".to_owned()
        }
        CookieEdit::Load(name) => format!("the ones saved as \"{name}\""),
        CookieEdit::Retarget(to) => format!("every URL of the app inside a value replaced by `{to}`"),
        CookieEdit::Add(name, value) => format!("`{name}` added with {}", text(value)),
        CookieEdit::Borrow(name) => {
            format!("those saved as \"{name}\" that carry neither a session nor a pending sign-in, added")
        }
        CookieEdit::Clear => "none".to_owned(),
        CookieEdit::Plant(value) => format!("session cookies planted with {}", text(value)),
    }
}

const fn groups(membership: Membership) -> &'static str {
    match membership {
        Membership::Stranger => "none of those in `[[target.roles]]`",
        Membership::Elsewhere => "`Everyone` and `Printer users`, and none of those in `[[target.roles]]`",
        Membership::Member => "those of `[[target.roles]]`",
        Membership::AmongOthers => "those of `[[target.roles]]` between a dozen others",
        Membership::LongerNames => "groups whose names begin with those of `[[target.roles]]`",
        Membership::NamesAtTheEnd => "groups whose names end with those of `[[target.roles]]`",
        Membership::ListAsName => "a group whose name is a list that holds those of `[[target.roles]]`",
    }
}

fn idp(act: IdpAct) -> &'static str {
    match act {
        IdpAct::RotateKeys => "the authorization server rotates its signing key",
        IdpAct::Misbehave => "the authorization server begins to misbehave",
        IdpAct::Behave => "the authorization server behaves again",
        IdpAct::CoolDown => "the cool-down after the last key fetch passes",
        IdpAct::OddClient => "the app is registered under an id and a secret that need encoding",
    }
}

fn with(edits: &[Edit]) -> String {
    let edits: Vec<String> = edits.iter().filter(|edit| **edit != Edit::Identity).map(edit).collect();
    let edits = edits.join(", ");
    match edits.as_str() {
        "" => String::new(),
        removed if removed.starts_with("without ") => format!(" {removed}"),
        changed => format!(" with {changed}"),
    }
}

const fn who(who: Who) -> &'static str {
    match who {
        Who::User => "the user",
        Who::Victim => "the victim",
        Who::Attacker => "the attacker",
    }
}

fn flow(slot: Slot) -> String {
    match slot {
        MAIN => "the flow".to_owned(),
        Slot(1) => "the other flow".to_owned(),
        Slot(2) => "the third flow".to_owned(),
        Slot(number) => format!("flow {number}"),
    }
}

const fn place_name(place: Place) -> &'static str {
    match place {
        Place::SignIn => "the sign-in path",
        Place::Callback => "the callback",
        Place::SignOut => "the sign-out path",
        Place::Protected => "the protected page",
        Place::PostLogout => "the post-logout page",
        Place::BackChannel => "the back-channel logout URI",
        Place::InitiateLogin => "the initiate-login URI",
        Place::Root => "the app's root",
    }
}

/// `RpInitiatedLogout` → `rp initiated logout`.
pub(crate) fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            if !text.is_empty() && text.ends_with(char::is_lowercase) {
                text.push(' ');
            }
            text.extend(c.to_lowercase());
        } else {
            text.push(c);
        }
    }
    text
}
