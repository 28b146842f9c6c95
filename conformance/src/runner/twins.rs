//! For each hook that the selected cases use: whether the app accepts what it writes when the value is left valid.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use mock_idp::{
    Fault,
    flow::{
        fault::{Message, Reach},
        record::Event,
    },
};

use super::{
    control::{Known, accepted, say},
    options::Options,
    seed::seed_of,
    stage::Stage,
};
use crate::{
    case::{Case, Lane, Variant},
    check::sign_in::SIGNS_IN_AS_USER,
    edit::Edit,
    evidence::{Evidence, Shows},
    script::{AFTER, Act, MAIN, SIGN_IN, Step, user},
    verdict::{Cause, Control},
    walk::{World, walk},
};

/// Every request goes through the hook for edits, unchanged.
const TWIN_OF_EDITS: &[Step] = &[
    user(Act::Start(MAIN, &[Edit::Identity])),
    user(Act::Authorize(MAIN, &[Edit::Identity])),
    user(Act::Deliver(MAIN, &[Edit::Identity])),
    user(Act::Probe(AFTER)),
];

/// A good logout token ends the session.
const TWIN_OF_LOGOUT_TOKEN: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::Probe("before")),
    user(Act::LogoutToken(MAIN)),
    user(Act::Probe(AFTER)),
];

/// A sign-out goes to the end-session endpoint and back.
const TWIN_OF_END_SESSION: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::Probe("before")),
    user(Act::SignOut(&[])),
    user(Act::FollowSignOut(&[])),
    user(Act::Probe(AFTER)),
];

/// What the twins of a run came to.
pub(super) struct Twins {
    messages: HashMap<Message, Control>,
    edits: Control,
    /// The limit on requests that they met.
    pub(super) limit: Option<Cause>,
}

impl Twins {
    /// Walks every twin that the cases need, as many at a time as the app bears. One that fails is walked again alone: a
    /// twin is to show that the hook does no harm, not how the app behaves in a crowd. An app that limits requests is
    /// started afresh before, where that is possible.
    pub(super) async fn walk(
        stage: &mut Stage,
        cases: &[&'static Case],
        known: &Known,
        options: &Options,
        jobs: usize,
    ) -> Self {
        let twins = wanted(cases, known);
        let seed = options.seed;
        let mut limit = None;
        let world = &stage.world;
        let walks = twins.iter().map(|twin| async move {
            let walked = walk_twin(world, *twin, seed_of(seed, twin.id())).await;
            (*twin, walked)
        });
        let walked: Vec<_> = stream::iter(walks).buffer_unordered(jobs).collect().await;
        let mut messages = HashMap::new();
        for (twin, (evidence, mut control)) in walked {
            if control.refusal().is_some() {
                make_room(stage, &evidence, &mut limit).await;
                let again = seed_of(seed, format!("{} alone", twin.id()));
                control = walk_twin(&stage.world, twin, again).await.1;
            }
            messages.insert(twin.message(), control);
        }
        let mut edits = walk(&stage.world, TWIN_OF_EDITS, &[], seed_of(seed, "edits")).await;
        if Cause::limit_in(edits.app_hops()).is_some() {
            make_room(stage, &edits, &mut limit).await;
            edits = walk(&stage.world, TWIN_OF_EDITS, &[], seed_of(seed, "edits alone")).await;
        }
        Self {
            messages,
            edits: Control::of(&edits, &accepted(&edits, SIGNS_IN_AS_USER)),
            limit,
        }
    }

    /// How many walks that were, that of the edits among them.
    pub(super) fn walks(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// What the twins of a variant came to; the first that was refused decides.
    pub(super) fn of(&self, variant: &Variant) -> Control {
        let mut used = Control::NotNeeded;
        for fault in variant.faults {
            match self.messages.get(&fault.message()) {
                None => {}
                Some(Control::Refused(why)) => {
                    return Control::Refused(format!("the twin {} was not accepted: {why}", fault.twin()));
                }
                Some(control) => used = control.clone(),
            }
        }
        if variant.script.iter().any(|step| !step.act.edits().is_empty()) {
            match &self.edits {
                Control::Refused(why) => {
                    return Control::Refused(format!("the unedited twin was not accepted: {why}"));
                }
                control => used = control.clone(),
            }
        }
        used
    }
}

/// The twins of all flow faults that are to be walked on the running app.
fn wanted(cases: &[&'static Case], known: &Known) -> Vec<Fault> {
    let mut twins: Vec<Fault> = Vec::new();
    let walked = cases
        .iter()
        .filter(|case| !matches!(case.lane, Lane::Watch | Lane::Server | Lane::Restart));
    for case in walked {
        let variants = case.variants.iter();
        for variant in variants.filter(|variant| known.lacks(case, variant).is_none()) {
            for fault in variant.faults {
                let twin = fault.twin();
                if twin.reach() == Reach::Flow && !twins.contains(&twin) {
                    twins.push(twin);
                }
            }
        }
    }
    twins
}

/// Starts an app afresh that has had enough requests.
async fn make_room(stage: &mut Stage, evidence: &Evidence, limit: &mut Option<Cause>) {
    let Some(cause) = Cause::limit_in(evidence.app_hops()) else {
        return;
    };
    limit.get_or_insert(cause);
    if stage.restartable() {
        // An app that does not start again is found out by the next sign-in.
        let _ = stage.restart().await;
    }
}

async fn walk_twin(world: &World, twin: Fault, seed: u64) -> (Evidence, Control) {
    let script = match twin.message() {
        Message::LogoutToken => TWIN_OF_LOGOUT_TOKEN,
        Message::EndSession => TWIN_OF_END_SESSION,
        // A refresh needs an expired token; its own positive variants are the twin.
        Message::RefreshResponse => return (Evidence::default(), Control::NotNeeded),
        _ => SIGN_IN,
    };
    let evidence = walk(world, script, &[twin], seed).await;
    let delivered = evidence
        .records
        .iter()
        .any(|record| matches!(&record.event, Event::Sent { fault, .. } if *fault == twin));
    let outcome = if !delivered {
        Err("the app never asked for the message".to_owned())
    } else if script == SIGN_IN {
        accepted(&evidence, SIGNS_IN_AS_USER)
    } else {
        match evidence.probe(AFTER).map(|probe| &probe.shows) {
            Some(Shows::Nobody) => Ok(()),
            Some(shows) => Err(format!("afterwards the protected page shows {}", say(shows))),
            None => Err("the protected page was not asked".to_owned()),
        }
    };
    let control = Control::of(&evidence, &outcome);
    (evidence, control)
}
