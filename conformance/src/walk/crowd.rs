//! Many people, or many requests, at once. Interleavings are forced by barriers at the authorization server and proved
//! by its record; nothing here waits for time to pass.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, join, stream};
use mock_idp::{
    MockIdp,
    flow::{
        record::{Endpoint, Event, Stamp},
        scenario::{Barrier, FlowId, Point},
    },
};
use rand::{RngExt, seq::SliceRandom};
use tokio::sync::{Notify, broadcast::error::RecvError, watch};

use super::{
    Walker,
    driver::{Ability, leads_on},
    navigate::Purpose,
    persona, probe,
};
use crate::{
    browser::{http::Outgoing, rule::Owner},
    evidence::{Answer, IN_A_CROWD, Leg, Person, Probe},
    script::{Crowd, Hold, MAIN, OTHER, Slot},
};

/// How many flood requests are in flight at once.
const FLOOD_WIDTH: usize = 64;

/// How long the conductor waits for an app that asks one after the other; shorter than any app's own time-out.
const HOLD_LIMIT: Duration = Duration::from_secs(4);

/// One person of a crowd.
struct Member<'w> {
    name: String,
    slot: Slot,
    barrier: Option<Barrier>,
    walker: Walker<'w>,
}

impl Member<'_> {
    fn flow(&self) -> Option<FlowId> {
        self.walker.evidence.flows.first().map(|flow| flow.id)
    }
}

impl<'w> Walker<'w> {
    /// `size` people sign in at once, each in a browser of their own, and each asks who is signed in.
    pub(super) async fn crowd(&mut self, crowd: Crowd) {
        for round in 0..crowd.rounds.max(1) {
            // Every other round holds userinfo instead, when the app asks for it.
            let point = if round % 2 == 1 && self.saw_userinfo() {
                Point::Userinfo
            } else {
                Point::TokenResponse
            };
            if !self.crowd_round(crowd, point).await {
                // Another round would only wait as long again.
                return;
            }
        }
    }

    fn saw_userinfo(&self) -> bool {
        let asked = |event: &Event| {
            matches!(
                event,
                Event::Received {
                    endpoint: Endpoint::Userinfo,
                    ..
                }
            )
        };
        let flows = self.evidence.flows.iter();
        flows
            .flat_map(|flow| self.world.idp.records(flow.id))
            .any(|record| asked(&record.event))
    }

    /// One round of a crowd. Says whether every reply that was to be held was held with the others.
    async fn crowd_round(&mut self, crowd: Crowd, point: Point) -> bool {
        let size = self.size_of(crowd);
        let crowd = Crowd { size, ..crowd };
        let mut members: Vec<Member<'w>> = (0..size).map(|index| self.member(crowd, point, index)).collect();

        // Everybody is authorized first, so that what is raced is the app's own part: callback, tokens, session.
        join_all(members.iter_mut().map(|member| async {
            let Member { name, slot, walker, .. } = member;
            walker.start(name, name, *slot, &[]).await;
            walker.authorize(name, *slot, &[]).await;
        }))
        .await;

        let held: Vec<(FlowId, Barrier)> = members
            .iter()
            .filter_map(|member| Some((member.flow()?, member.barrier.clone()?)))
            .collect();
        let all: Vec<FlowId> = held.iter().map(|(flow, _)| *flow).collect();
        let mut order = held.clone();
        match crowd.hold {
            Hold::Shuffled => order.shuffle(&mut self.rng),
            _ => order.reverse(),
        }
        let others = usize::from(size) - held.len();
        let done = AtomicUsize::new(0);
        let news = Notify::new();
        let some_are_held = matches!(crowd.hold, Hold::FirstOnly | Hold::AllButLast);
        let (open, gate) = watch::channel(!some_are_held && crowd.hold != Hold::FaultyFirst);
        let faulty: Vec<FlowId> = members
            .iter()
            .filter(|member| member.slot == MAIN)
            .filter_map(Member::flow)
            .collect();
        let deliveries = join_all(members.iter_mut().map(|member| {
            let (done, news, mut gate) = (&done, &news, gate.clone());
            async move {
                let Member {
                    name,
                    slot,
                    walker,
                    barrier,
                } = member;
                if *slot != MAIN && barrier.is_none() {
                    // The sender outlives the deliveries.
                    let _ = gate.wait_for(|open| *open).await;
                }
                walker.deliver(name, *slot, &[]).await;
                done.fetch_add(1, Ordering::AcqRel);
                news.notify_one();
            }
        }));
        let idp = &self.world.idp;
        let conductor = async {
            if crowd.hold == Hold::FaultyFirst {
                let asked = |event: &Event| {
                    let endpoint = Endpoint::Token;
                    matches!(event, Event::Received { endpoint: reached, .. } if *reached == endpoint)
                };
                // Bounded: an app that refuses before it asks for tokens would never open the gate.
                let _ = tokio::time::timeout(HOLD_LIMIT, until(idp, &faulty, 1, asked)).await;
                open.send_replace(true);
            }
            let all_held = tokio::time::timeout(
                HOLD_LIMIT,
                until(idp, &all, 1, |event| matches!(event, Event::Held { .. })),
            );
            let complete = all_held.await.is_ok();
            open.send_replace(true);
            if some_are_held && complete {
                // Bounded: an app that lets the others wait for those that are held would wait for ever.
                let all_done = async {
                    while done.load(Ordering::Acquire) < others {
                        news.notified().await;
                    }
                };
                let _ = tokio::time::timeout(HOLD_LIMIT, all_done).await;
            }
            for (flow, barrier) in &order {
                barrier.release();
                if !complete {
                    // Those that are not held yet have no order.
                    continue;
                }
                // The next one goes only after this answer is out: that is what makes the order an order.
                let this = [*flow];
                let out = until(idp, &this, 1, |event| matches!(event, Event::Released { .. }));
                let _ = tokio::time::timeout(HOLD_LIMIT, out).await;
            }
            complete
        };
        let (_, complete) = join!(deliveries, conductor);
        if !complete {
            let text = "not every reply could be held at the same time: the app asks for fewer at once";
            self.obstacle(text);
        }
        join_all(members.iter_mut().map(|member| async {
            let Member { name, walker, .. } = member;
            walker.probe(name, "crowd").await;
        }))
        .await;
        for member in members {
            self.absorb(member);
        }
        self.read_probes_again();
        complete
    }

    /// How many people a crowd has. Where all replies are held, no more than the app waits for at the same time: two are enough
    /// to take one for the other.
    fn size_of(&self, crowd: Crowd) -> u16 {
        let wanted = crowd.size.max(self.world.crowd);
        match self.world.at_once {
            Some(at_once) if at_once >= 2 && crowd.hold.is_for_all() => wanted.min(at_once),
            _ => wanted,
        }
    }

    fn member(&mut self, crowd: Crowd, point: Point, index: u16) -> Member<'w> {
        let name = format!("{IN_A_CROWD}{}", self.evidence.people.len() + usize::from(index));
        let held = match crowd.hold {
            Hold::Free | Hold::FaultyFirst => false,
            Hold::FirstOnly => index == 0,
            Hold::AllButLast => index + 1 < crowd.size,
            Hold::Reversed | Hold::Shuffled => true,
        };
        let barrier = held.then(|| Barrier::new(point));
        let faulty = crowd.faulty_every > 0 && index.is_multiple_of(crowd.faulty_every);
        let mut walker = Walker::new(self.world, self.faults, self.rng.random());
        let person = Person {
            name: name.clone(),
            persona: persona::fresh(&mut walker.rng, &self.world.site.people),
        };
        // Everybody knows the three people of the script and himself; strangers are looked for once all are together.
        walker.evidence.people.clone_from(&self.evidence.people);
        walker.evidence.people.push(person);
        walker.step = self.step;
        walker.barrier.clone_from(&barrier);
        Member {
            name,
            slot: if faulty { MAIN } else { OTHER },
            barrier,
            walker,
        }
    }

    /// Takes a member's evidence into the whole; its flow gets a slot of its own.
    fn absorb(&mut self, member: Member<'w>) {
        let slot = self.fresh_slot();
        let mut evidence = member.walker.evidence;
        let base = self.evidence.hops.len();
        for flow in &mut evidence.flows {
            flow.slot = slot;
        }
        for hop in &mut evidence.hops {
            hop.flow = hop.flow.map(|_| slot);
        }
        self.evidence
            .people
            .extend(evidence.people.into_iter().filter(|person| person.name == member.name));
        self.evidence.flows.append(&mut evidence.flows);
        self.evidence.hops.append(&mut evidence.hops);
        self.evidence.obstacles.append(&mut evidence.obstacles);
        self.evidence
            .probes
            .extend(evidence.probes.into_iter().map(|probe| Probe {
                hop: probe.hop + base,
                ..probe
            }));
    }

    /// Reads every probe with all people known, so that one member's page that shows another's data is seen.
    fn read_probes_again(&mut self) {
        let oracle = &self.world.site.oracle;
        let reread: Vec<_> = self
            .evidence
            .probes
            .iter()
            .map(|probe| {
                let hop = &self.evidence.hops[probe.hop];
                probe::classify(oracle, &self.evidence, &hop.response, hop.rendered.as_deref())
            })
            .collect();
        for (probe, shows) in self.evidence.probes.iter_mut().zip(reread) {
            probe.shows = shows;
        }
    }

    /// Sends the same authorization response twice: the second when the app waits for the tokens of the first, if that can
    /// be had. They come when the second is answered, or redeems the code as well.
    pub(super) async fn deliver_twice(&mut self, who: &str, slot: Slot) {
        if self.is_beyond(who, Ability::SameMoment) {
            return;
        }
        let slot = self.slot(slot);
        let Some(response) = self.response_for(who, slot) else {
            return;
        };
        let purpose = Purpose {
            who,
            leg: Leg::Callback,
            flow: Some(slot),
        };
        let (outgoing, _) = self.prepare(who, response, &[]).await;
        let at = Stamp::now();
        let client = &self.world.client;
        let held = self.barrier.take().zip(self.evidence.flow(slot).map(|flow| flow.id));
        let (open, mut gate) = watch::channel(held.is_none());
        let (answered, mut answer) = watch::channel(false);
        let second = async {
            // The sender outlives this.
            let _ = gate.wait_for(|open| *open).await;
            let second = client.send(&outgoing).await;
            answered.send_replace(true);
            second
        };
        let idp = &self.world.idp;
        let conductor = async {
            let Some((barrier, flow)) = held else { return };
            let flows = [flow];
            let redeems = |event: &Event| matches!(event, Event::Held { .. });
            // Bounded: an app that refuses the response asks for no tokens, one that lets the second wait answers it late.
            let _ = tokio::time::timeout(HOLD_LIMIT, until(idp, &flows, 1, redeems)).await;
            open.send_replace(true);
            let decided = async {
                tokio::select! {
                    _ = answer.wait_for(|answered| *answered) => {}
                    () = until(idp, &flows, 2, redeems) => {}
                }
            };
            let _ = tokio::time::timeout(HOLD_LIMIT, decided).await;
            barrier.release();
        };
        let (first, second, ()) = join!(client.send(&outgoing), second, conductor);
        for answer in [&first, &second] {
            let seen = self.beside(at, outgoing.clone(), answer.clone());
            self.note_kept(purpose, seen);
        }
        for answer in [first, second] {
            self.go_on(purpose, &outgoing, &answer).await;
            self.end_callback(purpose).await;
        }
    }

    /// Follows an answer that was fetched beside the browser.
    async fn go_on(&mut self, purpose: Purpose<'_>, sent: &Outgoing, answer: &Answer) {
        let led = leads_on(sent, answer, self.world.client.limit()).await;
        let next = match led {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(unreadable) => return self.obstacle(unreadable),
        };
        match self.world.site.owner(&next.origin) {
            Owner::App => {
                let after = Purpose {
                    leg: Leg::AfterCallback,
                    ..purpose
                };
                self.visit(after, next, &[]).await;
            }
            owner => self.hold(purpose.who, owner, next),
        }
    }

    /// Requests the protected page many times while signing out. The answers' cookies are kept, as a browser does.
    pub(super) async fn sign_out_race(&mut self, who: &str, requests: u16) {
        if self.is_beyond(who, Ability::SameMoment) {
            return;
        }
        let page = self.probe_page();
        let (page, _) = self.prepare(who, page, &[]).await;
        let client = self.world.client.clone();
        let at = Stamp::now();
        let loads = join_all((0..requests).map(|_| client.send(&page)));
        let (answers, ()) = join!(loads, self.sign_out(who, &[]));
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        for answer in answers {
            let seen = self.beside(at, page.clone(), answer);
            self.note_kept(purpose, seen);
        }
    }

    /// Starts many sign-ins without cookies and throws them away; keeps a sample of the answers and every server error.
    pub(super) async fn flood(&mut self, who: &str, starts: u16) {
        if self.sees_scripts(who) {
            // Only scripts start a sign-in here; what is thrown away may as well be started one after the other.
            for _ in 0..starts {
                let slot = self.fresh_slot();
                self.start(who, who, slot, &[]).await;
            }
            return;
        }
        let page = Outgoing::get(&self.world.site.sign_in_page());
        let (page, _) = self.prepare(who, page, &[crate::edit::Edit::NoCookies]).await;
        let client = &self.world.client;
        let at = Stamp::now();
        let answers: Vec<_> = stream::iter(0..starts)
            .map(|_| async {
                self.world.pace.turn().await;
                client.send(&page).await
            })
            .buffer_unordered(FLOOD_WIDTH)
            .collect()
            .await;
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        for (index, answer) in answers.into_iter().enumerate() {
            let telling = !matches!(answer, Answer::Http { status, .. } if status < 500);
            if telling || index < 20 {
                let seen = self.beside(at, page.clone(), answer);
                self.note(purpose, seen, None);
            }
        }
    }
}

/// Returns when every one of these flows has so many such events in its record.
async fn until(idp: &MockIdp, flows: &[FlowId], count: usize, wanted: impl Fn(&Event) -> bool) {
    // Subscribed before the first look, so that nothing falls between the look and the wait.
    let mut news = idp.follow();
    let has = |flow: FlowId| {
        let records = idp.records(flow);
        records.iter().filter(|record| wanted(&record.event)).count() >= count
    };
    while !flows.iter().all(|flow| has(*flow)) {
        if matches!(news.recv().await, Err(RecvError::Closed)) {
            return;
        }
    }
}
