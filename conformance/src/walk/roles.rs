//! Pages that only the members of a group may see: who is in which group, and what the page answers.

use std::sync::Arc;

use mock_idp::flow::scenario::Persona;
use serde_json::{Value, json};

use super::{
    Walker,
    navigate::{Purpose, TYPED},
};
use crate::{
    browser::http::Outgoing,
    edit::Edit,
    evidence::{Leg, Visit},
    placeholder::{of_person, replace},
    script::{Membership, Slot},
    target::Role,
};

/// Groups that no app guards a page by. Everybody in an Okta org is in the first.
static OTHERS: [&str; 12] = [
    "Everyone",
    "Printer users",
    "Building 2",
    "Car park",
    "Canteen",
    "Choir",
    "Fire wardens",
    "First aid",
    "Newsletter",
    "Running club",
    "Travel",
    "Works council",
];

/// Puts somebody into these groups: the claim names them, as at Okta, in a list of names; without any it is absent.
pub(super) fn join(persona: &mut Persona, membership: Membership, roles: &[Role]) {
    for role in roles {
        let of_claim = || roles.iter().filter(move |other| other.claim == role.claim);
        let names = || of_claim().map(|role| role.group.clone());
        let usual = match persona.claims.get(&role.claim) {
            Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let usual = usual
            .into_iter()
            .filter(|group| !of_claim().any(|role| role.group == *group));
        let others = |range: std::ops::Range<usize>| OTHERS[range].iter().map(|group| (*group).to_owned());
        let mut groups: Vec<String> = usual.collect();
        match membership {
            Membership::Stranger => {}
            Membership::Elsewhere => groups.extend(others(0..2)),
            Membership::Member => groups.extend(names()),
            Membership::AmongOthers => groups.extend(others(0..6).chain(names()).chain(others(6..12))),
            Membership::LongerNames => {
                groups.extend(names().flat_map(|name| [format!("{name}-readers"), format!("{name} (old)")]))
            }
            Membership::NamesAtTheEnd => {
                groups.extend(names().flat_map(|name| [format!("no-{name}"), format!("Former {name}")]))
            }
            Membership::ListAsName => groups.extend(names().map(|name| format!("Everyone,{name},Choir"))),
        }
        groups.dedup();
        match groups.is_empty() {
            true => _ = persona.claims.shift_remove(&role.claim),
            false => _ = persona.claims.insert(role.claim.clone(), json!(groups)),
        }
    }
}

impl Walker<'_> {
    /// Opens the page of every group and notes whether it showed what only members see.
    pub(super) async fn open_roles(&mut self, who: &str, label: &str, edits: &[Edit]) {
        let site = Arc::clone(&self.world.site);
        for role in &site.roles {
            let page = self.role_page(who, role);
            self.group = Some(role.group.clone());
            let asked = self.evidence.probes.len();
            self.ask(who, label, page, if edits.is_empty() { TYPED } else { edits })
                .await;
            // Who is signed in is what the page of the probe tells; this one is asked something else.
            if self.evidence.probes.len() > asked
                && let Some(probe) = self.evidence.probes.pop()
            {
                let is_shown = (!role.shows.is_empty()).then(|| self.shows_role(who, role, probe.hop));
                self.evidence.visits.push(Visit {
                    label: label.to_owned(),
                    who: who.to_owned(),
                    group: role.group.clone(),
                    page: role.page.clone(),
                    hop: probe.hop,
                    is_shown,
                });
            }
            if role.shows.is_empty() {
                // One page for all addresses opens nothing: what an unknown address gets is compared.
                self.ask_public(who, edits).await;
            }
        }
        self.group = None;
    }

    /// Opens the page of the first group and follows inside the app, up to an authorization request.
    pub(super) async fn role_sign_in(&mut self, who: &str, slot: Slot) {
        let site = Arc::clone(&self.world.site);
        let Some(role) = site.roles.first() else {
            return self.obstacle("the target has no page of a group");
        };
        let page = self.role_page(who, role);
        self.world.pace.turn().await;
        let slot = self.begin(who, who, slot);
        let purpose = Purpose {
            who,
            leg: Leg::SignInStart,
            flow: Some(slot),
        };
        self.visit(purpose, page, &[]).await;
        let landing = self.landed(purpose);
        self.keep_authorization_request(slot, landing);
    }

    fn role_page(&self, who: &str, role: &Role) -> Outgoing {
        Outgoing::get(&self.world.site.at(&replace(&role.page, &self.names_of(who))))
    }

    fn shows_role(&self, who: &str, role: &Role, hop: usize) -> bool {
        let hop = &self.evidence.hops[hop];
        let fits = hop.status().is_some_and(|status| role.shows.status.fits(status));
        fits && role.shows.is_said_by(hop.shown(), &self.names_of(who))
    }

    fn names_of(&self, who: &str) -> std::collections::BTreeMap<String, String> {
        let person = self.evidence.person(who);
        person
            .map(|person| of_person(&person.persona, &person.persona.userinfo_name))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(membership: Membership, usual: &[&str]) -> Option<Value> {
        let role = |group: &str| Role {
            group: group.to_owned(),
            page: "/admin".to_owned(),
            shows: crate::target::Pattern::default(),
            claim: "groups".to_owned(),
        };
        let mut persona = Persona::default();
        if !usual.is_empty() {
            persona.claims.insert("groups".to_owned(), json!(usual));
        }
        join(&mut persona, membership, &[role("admins"), role("editors")]);
        persona.claims.get("groups").cloned()
    }

    #[test]
    fn members_are_in_every_group_and_strangers_in_none() {
        assert_eq!(groups(Membership::Member, &[]), Some(json!(["admins", "editors"])));
        assert_eq!(
            groups(Membership::Member, &["staff", "admins"]),
            Some(json!(["staff", "admins", "editors"]))
        );
        assert_eq!(groups(Membership::Stranger, &[]), None);
        assert_eq!(
            groups(Membership::Stranger, &["staff", "admins"]),
            Some(json!(["staff"]))
        );
    }

    #[test]
    fn names_that_resemble_a_group_are_never_the_group() {
        for membership in [
            Membership::Elsewhere,
            Membership::LongerNames,
            Membership::NamesAtTheEnd,
            Membership::ListAsName,
        ] {
            let groups = groups(membership, &["admins"]).unwrap();
            let groups: Vec<&str> = groups.as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(
                !groups.is_empty() && !groups.contains(&"admins") && !groups.contains(&"editors"),
                "{groups:?}"
            );
        }
    }
}
