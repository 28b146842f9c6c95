//! `[[fault]]`: what is armed when the server starts.

use serde::Deserialize;
use toml::Spanned;

use super::{mistake::suggestion, read::Reader};
use crate::{
    clock::Span,
    flow::{
        Arming,
        fault::{Fault, Reach},
        record::Endpoint,
    },
    tenant::Tenant,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultEntry {
    id: Spanned<String>,
    user: Option<String>,
    client: Option<Spanned<String>>,
    endpoint: Option<Endpoint>,
    server: Option<Spanned<String>>,
    times: Option<u32>,
    ttl: Option<Spanned<String>>,
}

impl Reader<'_> {
    /// The fault, checked against the org; a user need not be there yet.
    pub(super) fn fault(&mut self, entry: FaultEntry, tenant: &Tenant) -> Option<Arming> {
        let Ok(fault) = entry.id.get_ref().parse::<Fault>() else {
            let known: Vec<&str> = Fault::all().map(Fault::id).collect();
            let near = crate::suggest::nearest(entry.id.get_ref(), known.iter().copied());
            let fix = near.map_or_else(
                || "`mock-idp faults` lists them all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is no fault `{}`", entry.id.get_ref());
            self.notes.add(entry.id.span(), message, &fix);
            return None;
        };
        let mut arming = Arming::new(fault);
        (arming.user, arming.endpoint, arming.times) = (entry.user, entry.endpoint, entry.times);
        if let Some(client) = entry.client {
            let ids: Vec<&str> = tenant.clients.iter().map(|client| client.id.as_str()).collect();
            self.is_known(&client, &ids, "client");
            arming.client = Some(client.into_inner());
        }
        if let Some(server) = entry.server {
            let ids: Vec<&str> = tenant.servers.iter().map(|server| server.id.as_str()).collect();
            self.is_known(&server, &ids, "authorization server");
            arming.server = server.into_inner();
        }
        if let Some(ttl) = entry.ttl {
            match ttl.get_ref().parse::<Span>().map(Span::duration) {
                Ok(Some(span)) => arming.ttl = Some(span),
                Ok(None) => self
                    .notes
                    .add(ttl.span(), "`ttl` is negative".to_owned(), "for instance ttl = \"10m\""),
                Err(message) => self.notes.add(ttl.span(), message, "for instance ttl = \"10m\""),
            }
        }
        if let Some(objection) = arming.objection() {
            let fix = match fault.reach() {
                Reach::Server => "leave them out; `ttl` and `server` are taken",
                Reach::Flow => "leave it out to give the fault to every flow that fits",
            };
            self.notes.add(entry.id.span(), objection, fix);
        }
        Some(arming)
    }

    fn is_known(&mut self, name: &Spanned<String>, known: &[&str], what: &str) {
        if !known.contains(&name.get_ref().as_str()) {
            let message = format!("there is no {what} `{}`", name.get_ref());
            self.notes.add(name.span(), message, &suggestion(name.get_ref(), known));
        }
    }
}
