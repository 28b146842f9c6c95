//! Why a plain sign-in failed after walks that should have left no trace. The cause is sought before anybody is accused.

use std::time::Duration;

use mock_idp::flow::record::Event;

use crate::evidence::{Answer, Evidence, Hop, Leg, Problem};

/// Why a control failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The app limits how many requests it answers: 429, or 503 with `Retry-After`.
    Limited {
        /// Where, with the status: `/login answered 429`.
        at: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A browser that the app has never seen is refused before it can begin, although the app is up.
    TurnedAway {
        /// Where, with the status.
        at: String,
    },
    /// Our authorization server still did what only the walk was to meet.
    OurServer {
        /// The fault that it still sent.
        fault: String,
    },
    /// The process that the harness started has ended.
    Ended,
    /// Nobody listens on the app's port.
    NotListening,
    /// The app takes connections and gives no answer in time.
    Silent,
    /// Nothing of the above; and without a restart the app cannot be told from one that was broken before.
    Unknown,
}

impl Cause {
    /// The cause that a failed control shows by itself. `ended` says whether the process that the harness started is gone.
    #[must_use]
    pub fn shown_by(control: &Evidence, ended: bool) -> Option<Self> {
        if let Some(limited) = Self::limit_in(control.app_hops()) {
            return Some(limited);
        }
        if ended {
            return Some(Cause::Ended);
        }
        let of = |wanted: Problem| {
            let is_it = |hop: &Hop| matches!(&hop.response, Answer::Broken { problem, .. } if *problem == wanted);
            control.app_hops().any(is_it)
        };
        if of(Problem::Refused) {
            return Some(Cause::NotListening);
        }
        if of(Problem::Timeout) {
            return Some(Cause::Silent);
        }
        let still = control.records.iter().find_map(|record| match &record.event {
            Event::Sent { fault, .. } if !fault.is_twin() && !fault.is_rule() => Some(fault.id().to_owned()),
            _ => None,
        });
        if let Some(fault) = still {
            return Some(Cause::OurServer { fault });
        }
        let mut starts = control.hops.iter().filter(|hop| hop.leg == Leg::SignInStart);
        starts
            .find(|hop| matches!(hop.status(), Some(400..=499)))
            .map(|hop| Cause::TurnedAway { at: answered(hop) })
    }

    /// The limit that some of these answers name.
    #[must_use]
    pub fn limit_in<'h>(mut hops: impl Iterator<Item = &'h Hop>) -> Option<Self> {
        let hop = hops.find(|hop| hop.is_limit())?;
        Some(Cause::Limited {
            at: answered(hop),
            retry_after: hop.header("retry-after").and_then(wait_of),
        })
    }

    /// Whether a walk met the same refusal when it began a sign-in: it was cut short, and what it showed says nothing.
    #[must_use]
    pub fn cut_short(&self, walk: &Evidence) -> bool {
        let (Cause::Limited { at, .. } | Cause::TurnedAway { at }) = self else {
            return false;
        };
        let mut starts = walk.hops.iter().filter(|hop| hop.leg == Leg::SignInStart);
        starts.any(|hop| answered(hop) == *at)
    }

    /// A word for `run.json`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Cause::Limited { .. } => "rate-limit",
            Cause::TurnedAway { .. } => "lockout",
            Cause::OurServer { .. } => "our-server",
            Cause::Ended => "app-ended",
            Cause::NotListening => "not-listening",
            Cause::Silent => "no-answer",
            Cause::Unknown => "unknown",
        }
    }

    /// Whether no experiment is needed: whatever was walked, such a control says nothing about it.
    #[must_use]
    pub const fn clears_the_walk(&self) -> bool {
        matches!(
            self,
            Cause::Limited { .. } | Cause::TurnedAway { .. } | Cause::OurServer { .. }
        )
    }

    /// What is to be said once for the whole run, with what fixes it. `below` is how many sign-ins a minute stay below the
    /// limit, as far as that was seen.
    #[must_use]
    pub fn notice(&self, below: Option<u32>) -> Option<String> {
        match self {
            Cause::Limited { at, retry_after } => {
                let asks = retry_after.map_or_else(String::new, |wait| format!(" (Retry-After: {})", wait.as_secs()));
                let switch = "Switch the limit off, or raise it, where the app is tested";
                let pace = match below {
                    Some(0) => "; it lets through about one sign-in a minute or less, too few for a run".to_owned(),
                    Some(pace) => format!(
                        "; or stay below it with `pace = {pace}` under [run] (or --pace {pace}), in sign-ins a minute"
                    ),
                    None => "; or stay below it with `pace` under [run] (or --pace), in sign-ins a minute".to_owned(),
                };
                Some(format!("the app limits requests: {at}{asks}. {switch}{pace}"))
            }
            Cause::TurnedAway { at } => Some(format!(
                "the app turns away browsers that it has never seen: {at}. This is how a lockout after refused sign-ins \
                 looks: switch it off, or raise it, where the app is tested"
            )),
            _ => None,
        }
    }

    /// Why a verdict is open.
    #[must_use]
    pub fn reason(&self, saw: &str) -> String {
        match self {
            // Whichever page it was: what has one cause is told as one.
            Cause::Limited { .. } => "the app limits requests; the notes of the run say how to fix that".to_owned(),
            Cause::TurnedAway { at } => {
                format!("the app turns away every browser ({at}); the notes of the run say how to fix that")
            }
            Cause::OurServer { fault } => format!(
                "the authorization server of this tool still sent {fault} after the walk: this is a defect of the tool, \
                 not of the app; please report it"
            ),
            Cause::Ended => format!(
                "the app ended during or after the walk ({saw}), and it could not be shown that the walk does it; look at \
                 the app's own output"
            ),
            Cause::NotListening => format!(
                "nobody listens on the app's port after the walk ({saw}); look at the app's own output, and whether its \
                 start command stays in the foreground"
            ),
            Cause::Silent => format!(
                "the app gave no answer after the walk ({saw}); raise `timeout` under [run] where it is only slow"
            ),
            Cause::Unknown => format!(
                "the control after failed ({saw}); with a [target.start] the app would be started afresh to find out why"
            ),
        }
    }
}

fn answered(hop: &Hop) -> String {
    let path = hop.request.target.split('?').next().unwrap_or_default();
    format!("{path} answered {}", hop.status().unwrap_or_default())
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
fn wait_of(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}
