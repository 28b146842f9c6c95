//! Scripts: how browsers walk, as data. The [`walk`](crate::walk) interprets them; they decide nothing.
//!
//! A script is a list of steps; each step says who does what. Three people exist, each with a browser and a fresh
//! identity of their own. A flow lives in a [`Slot`] and may be started by one and finished by another: that is what
//! most attacks are.

use serde::Serialize;

use crate::edit::{CookieEdit, Edit};
pub use crate::slot::{FOURTH, MAIN, OTHER, Slot, THIRD};

/// Whose browser acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The person in the middle of an ordinary case.
    User,
    /// Who is attacked; faults named "victim" borrow this identity.
    Victim,
    /// Who attacks.
    Attacker,
}

/// One step of a script.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Whose browser.
    pub who: Who,
    /// What it does.
    pub act: Act,
}

/// What a browser does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Open the app's sign-in and stop before the authorization request is sent. The edits change the first request. An app
    /// that answers an edited request with a page instead of an authorization request has refused it: that is no obstacle,
    /// and later steps of the same flow are passed over.
    Start(Slot, &'static [Edit]),
    /// Send the authorization request (edited) to the authorization server, sign in on the hosted page as [`Step::who`],
    /// and stop before the authorization response is delivered.
    Authorize(Slot, &'static [Edit]),
    /// Deliver the authorization response of this flow (edited) to the redirection endpoint, in the browser of
    /// [`Step::who`], and follow the app's redirects until it answers with a page, leaves for another origin, or loops.
    Deliver(Slot, &'static [Edit]),
    /// `Start`, `Authorize` and `Deliver` without edits.
    SignIn(Slot),
    /// `SignIn` as this person although the browser is [`Step::who`]'s: somebody else uses the same browser.
    SignInAs(Who, Slot),
    /// `SignIn` with these query parameters or headers on the first request.
    SignInWith(Slot, &'static [Edit]),
    /// As `Deliver`; and whenever the app answers with a new authorization request, that one is answered too, with the same
    /// edits, at most so many times. For errors that come on every attempt.
    Insist(Slot, &'static [Edit], u16),
    /// Send a bare request to the redirection endpoint: only what the edits put there. Follows like `Deliver`.
    Callback(&'static [Edit]),
    /// Ask the protected page, with a copy of the jar, who is signed in. The label names the probe for checks.
    Probe(&'static str),
    /// Ask the protected page with the cookies that were saved under this name (second argument), whatever the jar holds.
    ProbeWith(&'static str, &'static str),
    /// Request every protected path of the target with these edits, each on its own, without following. Without cookies an
    /// unknown address and the app's root are asked in the same way: what the app answers to everybody opens nothing.
    ProbeProtected(&'static str, &'static [Edit]),
    /// Save the browser's app cookies under this name.
    Save(&'static str),
    /// Change the browser's app cookies.
    Cookies(CookieEdit),
    /// Sign out the way the target says, and stop at the first request that leaves the app. The edits change the request
    /// that ends the session (of a form: its submission). Where the page offers no sign-out, because nobody is signed in,
    /// the walk goes on: that is no obstacle.
    SignOut(&'static [Edit]),
    /// Follow the redirect that the last `SignOut` ended with: to the end-session endpoint and back to the app (edited).
    FollowSignOut(&'static [Edit]),
    /// Open the protected page as a deep link (this path-and-query suffix appended), signed out, so that the app starts
    /// a sign-in by itself; stops before the authorization request.
    DeepLink(Slot, &'static str),
    /// Open the initiate-login URI (OIDC Core §4) with the honest `iss`, edited; stops before the authorization request,
    /// as `Start` does.
    InitiateLogin(Slot, &'static [Edit]),
    /// Let this time pass. The times that the target declares only in lane `Slow`.
    Wait(Pause),
    /// Request this place of the app with these edits; no redirects are followed.
    Request(Place, &'static [Edit]),
    /// Write these bytes to the app's port, read the answer, close. `{host}`, `{callback}`, `{sign_in}` are filled in.
    RawBytes(&'static str),
    /// The authorization server posts a logout token for this flow's session to the app (faults of the variant apply).
    LogoutToken(Slot),
    /// Load the front-channel logout URI as a frame of the authorization server would, with these edits.
    FrontChannel(Slot, &'static [Edit]),
    /// Forget everything the browser knows: a new browser for the same person.
    NewBrowser,
    /// From now on the person is in these groups, from the next sign-in on.
    Groups(Membership),
    /// Open every page of `[[target.roles]]` with these edits, each on its own, with a copy of the jar, without following.
    Roles(&'static str, &'static [Edit]),
    /// Open the first page of `[[target.roles]]` and follow, so that a sign-in that the app begins there can be finished;
    /// stops before the authorization request. An app that answers with a page begins none: that is no obstacle, and later
    /// steps of the same flow are passed over.
    RoleSignIn(Slot),
    /// `Start` by somebody who is signed in, to learn whether the app begins a sign-in then. One that begins none is no
    /// obstacle.
    StartAgain(Slot),
    /// Find out which cookies carry the session of this person, who is signed in, and which carry a pending sign-in: each is
    /// taken away in turn. The names go into the target's facts.
    LearnCookies,
    /// The authorization server does something at this moment.
    Idp(IdpAct),
    /// Do these steps so many times; flows inside are numbered anew each time.
    Repeat(u16, &'static [Step]),
    /// Many people sign in at once.
    Crowd(Crowd),
    /// From now on the authorization server holds the token responses of new flows, until `DeliverTwice` lets them go.
    HoldTokens,
    /// Send the same authorization response twice in one browser: the second while the first one's code is being redeemed,
    /// when the token response is held, or else at the same moment.
    DeliverTwice(Slot),
    /// Request the protected page so many times at once while signing out.
    SignOutRace(u16),
    /// Start so many sign-ins at once and throw them away.
    Flood(u16),
}

/// The groups that a person is in, seen from the groups of `[[target.roles]]`. What `[target.people]` gives everybody beside
/// those stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// In none of them.
    Stranger,
    /// In none of them, but in `Everyone`, as everybody in an Okta org, and in one more.
    Elsewhere,
    /// In all of them.
    Member,
    /// In all of them, which stand between a dozen others.
    AmongOthers,
    /// In none, but in groups whose names begin with theirs.
    LongerNames,
    /// In none, but in groups whose names end with theirs.
    NamesAtTheEnd,
    /// In none, but in a group whose name is a list with theirs in it.
    ListAsName,
}

/// A place of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Where sign-in starts.
    SignIn,
    /// The redirection endpoint.
    Callback,
    /// Where sign-out happens.
    SignOut,
    /// The probe page.
    Protected,
    /// The registered post-logout page.
    PostLogout,
    /// The back-channel logout URI.
    BackChannel,
    /// The initiate-login URI.
    InitiateLogin,
    /// The app's root.
    Root,
}

/// A time that passes because a case is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// Two seconds: longer than the access token of `token-response.short-lived` lives. Allowed in every lane.
    TokenLife,
    /// Two seconds: a clock that counts seconds has moved on. Allowed in every lane.
    ClockTick,
    /// `session_idle` and a little more.
    SessionIdle,
    /// Two thirds of `session_idle`: apps that renew a session only in the second half of its time have done so then.
    WithinSessionIdle,
    /// `session_lifetime` and a little more.
    SessionLifetime,
}

/// What the authorization server does between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdpAct {
    /// Rotate to a new signing key; the old one is withdrawn.
    RotateKeys,
    /// From now on the variant's server-wide faults apply (they do from the start unless the script holds this act).
    Misbehave,
    /// From now on the server-wide faults are gone.
    Behave,
    /// Register the app under a client id and a secret that hold `: + % & =` and a space; the app is started with them.
    /// Only as the first step, in lane `Restart`.
    OddClient,
    /// Wait until the configured cool-down after the last key fetch has passed (restart lane: never needed).
    CoolDown,
}

/// Many people signing in at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Crowd {
    /// How many (the run's setting may raise it).
    pub size: u16,
    /// Every n-th flow carries the variant's faults; 0 for none, 1 for all.
    pub faulty_every: u16,
    /// How replies are held and released.
    pub hold: Hold,
    /// How many rounds.
    pub rounds: u16,
}

/// How replies of the authorization server are interleaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// Not at all.
    Free,
    /// All token replies are held until every flow has asked, then released in reverse order; then the same with userinfo.
    Reversed,
    /// As `Reversed`, in an order drawn from the seed.
    Shuffled,
    /// Only the first flow's token reply is held until all others are done.
    FirstOnly,
    /// Every flow's token reply but the last one's is held until that one is done.
    AllButLast,
    /// Not at all, but the others come back to the app only once the faulty ones have asked for their tokens.
    FaultyFirst,
}

impl Hold {
    /// Whether the replies of all flows are held at the same time.
    #[must_use]
    pub const fn is_for_all(self) -> bool {
        matches!(self, Self::Reversed | Self::Shuffled)
    }
}

/// A step of the user.
#[must_use]
pub const fn user(act: Act) -> Step {
    Step { who: Who::User, act }
}

/// A step of the victim.
#[must_use]
pub const fn victim(act: Act) -> Step {
    Step { who: Who::Victim, act }
}

/// A step of the attacker.
#[must_use]
pub const fn attacker(act: Act) -> Step {
    Step {
        who: Who::Attacker,
        act,
    }
}

/// The label of the probe at the end of a script, to which the usual checks look.
pub const AFTER: &str = "after";
/// The label of a probe before the attack.
pub const BEFORE: &str = "before";

/// One sign-in, then the probe.
pub const SIGN_IN: &[Step] = &[user(Act::SignIn(MAIN)), user(Act::Probe(AFTER))];
