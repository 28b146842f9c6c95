//! Honest sign-ins: what every verdict stands on.

use std::time::Instant;

use futures_util::future::join_all;
use mock_idp::flow::record::{Event, Stamp};

use super::{
    first_failure::{self, wanted},
    ledger::Ledger,
    options::Listener,
    preflight,
    seed::seed_of,
    stage::Stage,
};
use crate::{
    case::{Case, Variant},
    check::{
        Check,
        crowd::{NOBODY_AS_ANOTHER, OTHERS_DO_NOT_WAIT},
        sign_in::SIGNS_IN_AS_USER,
    },
    evidence::{EXPERIMENT, Evidence, Leg, Probe, ResponseMode, Shows},
    feature::Seen,
    outcome::{Outcome, Verdict},
    run::Control,
    script::{AFTER, Act, Crowd, FOURTH, Hold, MAIN, OTHER, SIGN_IN, Step, THIRD, Who, attacker, user, victim},
    target::{Config, Target},
    verdict::{Cause, Control as Walked, controls},
    walk::{World, walk},
};

/// Two people sign in, one of them out again: everything that a target can do is seen here.
const LEARN: &[Step] = &[
    user(Act::Probe("anonymous")),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
    victim(Act::SignIn(OTHER)),
    victim(Act::Probe("other-user")),
    user(Act::LearnCookies),
    user(Act::SignOut(&[])),
    user(Act::FollowSignOut(&[])),
    user(Act::Probe("signed-out")),
    attacker(Act::DeepLink(THIRD, "?conformance=1")),
    victim(Act::StartAgain(FOURTH)),
];

/// The same without sign-out, for targets that have none.
const LEARN_WITHOUT_SIGN_OUT: &[Step] = &[
    user(Act::Probe("anonymous")),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
    victim(Act::SignIn(OTHER)),
    victim(Act::Probe("other-user")),
    user(Act::LearnCookies),
    attacker(Act::DeepLink(THIRD, "?conformance=1")),
    victim(Act::StartAgain(FOURTH)),
];

/// Replies come in another order than they were asked for: tokens in the first round, userinfo in the second.
const REPLIES_CROSS: &[Step] = &[user(Act::Crowd(Crowd {
    size: 4,
    faulty_every: 0,
    hold: Hold::Reversed,
    rounds: 2,
}))];

/// What the control has shown.
pub(super) struct Known {
    evidence: Evidence,
    target: Target,
}

impl Known {
    /// The control that this was.
    pub(super) fn before(&self) -> Walked {
        Walked::Worked(controls::walked(&self.evidence))
    }

    /// Whether a variant applies; otherwise the verdict that it gets without being walked.
    pub(super) fn lacks(&self, case: &Case, variant: &Variant) -> Option<Verdict> {
        let needs = case.needs.iter().chain(variant.needs);
        needs
            .map(|feature| feature.seen(&self.evidence, &self.target))
            .find_map(|seen| match seen {
                Seen::Yes => None,
                Seen::No(reason) => Some(Verdict::Skipped(reason)),
                Seen::Unknown(reason) => Some(Verdict::Inconclusive(reason)),
            })
    }
}

/// Walks the control, learns the session cookies, and says what the target can do.
///
/// # Errors
/// One sentence that says what the control did not show; then nothing may be judged.
pub(super) async fn learn(
    stage: &mut Stage,
    config: &Config,
    seed: u64,
    ledger: &mut Ledger,
    on: &mut Listener<'_>,
) -> Result<Known, String> {
    let began = Instant::now();
    let script = if config.target.sign_out.is_some() {
        LEARN
    } else {
        LEARN_WITHOUT_SIGN_OUT
    };
    let mark = stage.printed();
    let mut evidence = walk(&stage.world, script, &[], seed_of(seed, "learn")).await;
    let app_start = stage.world.idp.unbound(Stamp(0)).into_iter();
    // What the app fetched while it started belongs to what it does.
    evidence
        .records
        .extend(app_start.filter(|record| record.server == stage.world.server));
    let trouble = trouble_of(&evidence);
    let failure = trouble
        .is_some()
        .then(|| first_failure::of(&evidence, config, &stage.output_since(mark)));
    let control = Control {
        lane: "main".to_owned(),
        ok: trouble.is_none(),
        text: trouble.clone().unwrap_or_else(|| praise(&evidence, config)),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        failure,
    };
    ledger.control(control, on);
    if trouble.is_none() {
        for check in preflight::after_control(stage, config, &evidence, seed).await {
            ledger.preflight(check, on);
        }
    }
    evidence.target.response_mode = response_mode(&evidence);
    stage.learn(&evidence.target);
    ledger.set_target(
        evidence.target.app.origin().ascii_serialization(),
        super::preflight::guess_framework(&evidence, config),
    );
    ledger.watch(evidence.clone());
    match trouble {
        Some(trouble) => {
            let cause = Cause::limit_in(evidence.app_hops()).and_then(|cause| cause.notice(stage.world.pace.below()));
            let fix = cause.map(|notice| format!(": {notice}")).unwrap_or_default();
            Err(format!("the control sign-in failed: {trouble}{fix}"))
        }
        None => Ok(Known {
            evidence,
            target: config.target.clone(),
        }),
    }
}

/// What the control shows that it must not, or the other way round.
fn trouble_of(evidence: &Evidence) -> Option<String> {
    if let Some(obstacle) = evidence.obstacles.first() {
        return Some(obstacle.clone());
    }
    // Who is still signed in after a sign-out was signed in rightly: that is a finding (`logout/session-dead`), and the rest
    // can be judged.
    let ends_nothing =
        |probe: &Probe| probe.label == "signed-out" && probe.shows == Shows::Person(Who::User.name().to_owned());
    let asked = evidence.probes.iter().filter(|probe| probe.label != EXPERIMENT);
    let mut wrong = asked.filter(|probe| probe.shows != wanted(probe));
    let wrong = wrong.find(|probe| !ends_nothing(probe))?;
    let moment = match wrong.label.as_str() {
        "anonymous" => "before any sign-in",
        AFTER => "after an ordinary sign-in",
        "other-user" => "after another user's sign-in in another browser",
        _ => "after sign-out",
    };
    let page = &evidence.hops[wrong.hop];
    let status = page.status().map_or_else(
        || page.response.problem_text().to_owned(),
        |status| format!("status {status}"),
    );
    let server_error = evidence.app_hops().find(|hop| hop.is_server_error()).map(|hop| {
        let path = hop.request.target.split('?').next().unwrap_or_default();
        let answer = hop
            .status()
            .map_or_else(|| hop.response.problem_text().to_owned(), |status| status.to_string());
        format!("; on the way {path} answered {answer}")
    });
    let refusal = evidence.records.iter().find_map(|record| match &record.event {
        Event::Refused { error, text, .. } => Some(format!("; the authorization server refused: {error} ({text})")),
        _ => None,
    });
    Some(format!(
        "{moment} the protected page {} must show {}, and shows {} ({status}){}{}",
        page.request.target,
        say(&wanted(wrong)),
        say(&wrong.shows),
        server_error.unwrap_or_default(),
        refusal.unwrap_or_default(),
    ))
}

pub(super) fn say(shows: &Shows) -> String {
    match shows {
        Shows::Nobody => "nobody".to_owned(),
        Shows::Person(name) => format!("the {name}"),
        Shows::Several(names) => names.join(" and "),
        Shows::Nameless => "a signed-in page without a name".to_owned(),
        Shows::Unclear(what) => what.clone(),
    }
}

fn praise(evidence: &Evidence, config: &Config) -> String {
    let email = evidence
        .people
        .first()
        .map(|person| person.persona.email.as_str())
        .unwrap_or_default();
    let end = if config.target.sign_out.is_some() {
        ", signed out"
    } else {
        ""
    };
    let still = evidence
        .probe("signed-out")
        .is_some_and(|probe| probe.shows == Shows::Person(Who::User.name().to_owned()));
    let end = match (still, evidence.no_way_out()) {
        (true, Some(_)) => ", NOT signed out: no sign-out form or button was found",
        (true, None) => ", signed out and is STILL signed in",
        (false, _) => end,
    };
    format!("{email} signed in, {} shows her{end}", config.target.session.probe)
}

/// How the app asks for its authorization responses; where its parameters travel by reference, how they came.
fn response_mode(evidence: &Evidence) -> ResponseMode {
    let posted = evidence
        .hops
        .iter()
        .any(|hop| hop.leg == Leg::Callback && hop.request.method == "POST");
    let request = evidence
        .flow(MAIN)
        .and_then(|flow| flow.authorization_request.as_deref());
    match request {
        _ if posted => ResponseMode::FormPost,
        Some(request) => ResponseMode::of_request(request),
        None => ResponseMode::default(),
    }
}

/// An ordinary sign-in; `Err` says how it failed.
pub(super) async fn sign_in(world: &World, seed: u64) -> (Evidence, Result<(), String>) {
    let evidence = walk(world, SIGN_IN, &[], seed).await;
    let accepted = accepted(&evidence, SIGNS_IN_AS_USER);
    (evidence, accepted)
}

/// Whether anybody can sign in, told by single requests where those are enough: what real browsers make of this app's
/// sign-in was seen before, and a server that works answers without one. In a browser where it does not work so.
pub(super) async fn works(world: &World, seed: u64) -> (Evidence, Result<(), String>) {
    if world.browsers.is_some() && !world.site.javascript {
        let plain = World {
            browsers: None,
            ..world.clone()
        };
        let signed_in = sign_in(&plain, seed_of(seed, "by single requests")).await;
        if signed_in.1.is_ok() {
            return signed_in;
        }
    }
    sign_in(world, seed).await
}

pub(super) fn accepted(evidence: &Evidence, check: Check) -> Result<(), String> {
    if let Some(obstacle) = evidence.obstacles.first() {
        return Err(obstacle.clone());
    }
    match (check.ask)(evidence) {
        Outcome::Holds | Outcome::HoldsWith(_) => Ok(()),
        Outcome::Broken(why) | Outcome::CannotTell(why) | Outcome::Absent(why) => Err(why),
    }
}

/// How many sign-ins at once the app bears, at most `wanted`.
pub(super) async fn bearable(
    stage: &Stage,
    wanted: usize,
    seed: u64,
    ledger: &mut Ledger,
    on: &mut Listener<'_>,
) -> usize {
    let mut jobs = wanted.max(1);
    while jobs > 1 {
        let world = &stage.world;
        let all =
            join_all((0..jobs).map(|index| sign_in(world, seed_of(seed, format!("bearable {jobs} {index}"))))).await;
        let failures: Vec<String> = all.into_iter().filter_map(|(_, outcome)| outcome.err()).collect();
        let Some(first) = failures.first() else { return jobs };
        let fewer = jobs / 2;
        let count = failures.len();
        ledger.notice(
            format!("{count} of {jobs} plain sign-ins at once failed ({first}): going on with {fewer} at a time"),
            on,
        );
        jobs = fewer;
    }
    jobs
}

/// What the app bears while token requests of it wait for their answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patient {
    /// So many may wait while it serves somebody else.
    pub(super) waiting: usize,
    /// So many may wait at the same time and no more; `None`: as many as there are people in a crowd.
    pub(super) at_once: Option<u16>,
}

/// How many token requests, up to `limit`, may wait for their answers while the app serves somebody else, and whether a
/// `crowd` of them may.
pub(super) async fn bears_waiting(stage: &Stage, limit: usize, crowd: usize, seed: u64) -> Patient {
    if serves_beside(stage, 1, seed).await.is_err() {
        return Patient {
            waiting: 0,
            at_once: None,
        };
    }
    let most = limit.max(crowd);
    let refused = match most > 1 {
        true => serves_beside(stage, most, seed).await.err(),
        false => None,
    };
    let Some(held) = refused else {
        return Patient {
            waiting: limit,
            at_once: None,
        };
    };
    // A small pool of workers, or of connections, bears fewer: one of them has to be left for the others.
    let fewer = usize::from(held).saturating_sub(1).min(limit);
    let bears_fewer = fewer > 1 && serves_beside(stage, fewer, seed).await.is_ok();
    Patient {
        waiting: if bears_fewer { fewer } else { 1 },
        at_once: Some(held),
    }
}

/// Whether the app serves somebody while so many others' token requests wait for their answers. `Err` says how many of them
/// waited at the same time.
async fn serves_beside(stage: &Stage, waiting: usize, seed: u64) -> Result<(), u16> {
    let world = small_crowd(stage);
    let crowd = Act::Crowd(Crowd {
        size: u16::try_from(waiting + 1).unwrap_or(u16::MAX),
        faulty_every: 0,
        hold: Hold::AllButLast,
        rounds: 1,
    });
    let evidence = walk(&world, &[user(crowd)], &[], seed_of(seed, format!("{waiting} wait"))).await;
    if evidence.obstacles.is_empty() && (OTHERS_DO_NOT_WAIT.ask)(&evidence) == Outcome::Holds {
        return Ok(());
    }
    let events = evidence.records.iter().map(|record| &record.event);
    let before_any_went_on = events.take_while(|event| !matches!(event, Event::Released { .. }));
    let held = before_any_went_on
        .filter(|event| matches!(event, Event::Held { .. }))
        .count();
    Err(u16::try_from(held).unwrap_or(u16::MAX))
}

/// Whether the app takes people who sign in at once for one another. Which cases such an app fails would be chance if
/// they were walked side by side; the concurrency group says what is wrong with it.
pub(super) async fn mixes_people_up(stage: &Stage, seed: u64, ledger: &mut Ledger, on: &mut Listener<'_>) -> bool {
    let world = small_crowd(stage);
    let evidence = walk(&world, REPLIES_CROSS, &[], seed_of(seed, "replies cross")).await;
    let Outcome::Broken(how) = (NOBODY_AS_ANOTHER.ask)(&evidence) else {
        return false;
    };
    ledger.notice(
        format!("people who sign in at once are mixed up ({how}): going on with one at a time"),
        on,
    );
    true
}

/// The stage's world, where a crowd is as large as its script says and no larger, and has no browsers.
fn small_crowd(stage: &Stage) -> World {
    World {
        crowd: 0,
        browsers: None,
        ..stage.world.clone()
    }
}
