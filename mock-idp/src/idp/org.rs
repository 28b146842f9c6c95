//! The org where several processes share it: published after each change, read again when another process changed it.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Idp, Server};
use crate::{
    flow::{
        Arming,
        fault::{Fault, Reach},
        store::Remote,
    },
    protocol::keys::{KeyRing, digest43},
    tenant::{AuthServer, Client, Group, Tenant, User},
};

/// What can change while the servers run. All else is as each process was configured.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    /// Tells one configuration from another.
    configured: String,
    users: Vec<SharedUser>,
    clients: Vec<Client>,
    groups: Vec<Group>,
    servers: Vec<SharedServer>,
    /// How far the clock runs ahead of the system's, seconds.
    clock: i64,
}

/// A user with the secret of the second factor, which is written nowhere else.
#[derive(Debug, Serialize, Deserialize)]
struct SharedUser {
    #[serde(flatten)]
    user: User,
    second_factor: Option<String>,
}

/// An authorization server. Its keys follow from its id and their generation; a key of one's own is in every process's
/// configuration, and is not shared.
#[derive(Debug, Serialize, Deserialize)]
struct SharedServer {
    settings: AuthServer,
    generation: u64,
    /// The generations of earlier keys that are still published.
    retired: Vec<u64>,
    faults: Vec<Fault>,
    second_origin: Option<Url>,
}

/// Why a process could not take part in what others serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotJoin {
    #[error("the store does not answer: {0}")]
    Away(String),
    #[error("no mock-idp has served from this store yet")]
    Nobody,
}

impl Idp {
    /// Sees to it that this process knows the org as it is for all of them; first of all in every unit of work.
    pub(crate) fn refresh(&self) {
        let Some(remote) = self.store.remote() else { return };
        // Without Redis nothing is known, also not that nobody has said anything.
        if Remote::broken().is_some() {
            return;
        }
        match remote.org_version() {
            // Nobody has said how it is: Redis is new, or has forgotten.
            None => {
                // Another process may have come first.
                let is_new = self.shared(|| remote.org_version().is_none());
                if is_new && Remote::broken().is_none() {
                    self.arm_configured();
                    self.misbehave_as_configured();
                }
            }
            Some(version) if *self.known_version() == version => {}
            Some(version) => {
                let is_first = self.known_version().is_empty();
                self.read_org(remote, &version);
                if is_first && !self.joins {
                    self.join(remote);
                }
            }
        }
    }

    /// Whether this process knows the org as it is for all of them.
    pub(crate) fn is_current(&self) -> bool {
        let version = self.store.remote().and_then(|remote| remote.org_version());
        version.is_some_and(|version| *self.known_version() == version)
    }

    /// Takes part in what other processes serve: learns their org, and leaves aside what was recorded before.
    pub(crate) fn take_part(&self) -> Result<(), CannotJoin> {
        let Some(remote) = self.store.remote() else {
            return Err(CannotJoin::Nobody);
        };
        let is_served = remote.unit(|| {
            let is_served = remote.org_version().is_some();
            if is_served {
                self.refresh();
                self.journal.skip();
            }
            is_served
        });
        match is_served {
            Ok(true) => Ok(()),
            Ok(false) => Err(CannotJoin::Nobody),
            Err(away) => Err(CannotJoin::Away(away.0)),
        }
    }

    /// Changes the org for every process; whatever changes it is done in here.
    pub(crate) fn shared<R>(&self, change: impl FnOnce() -> R) -> R {
        let Some(remote) = self.store.remote().filter(|_| !Remote::is_publishing()) else {
            return change();
        };
        let work = || {
            let is_locked = remote.lock_org();
            if let Some(version) = remote.org_version().filter(|_| is_locked)
                && *self.known_version() != version
            {
                self.read_org(remote, &version);
            }
            let result = change();
            let published = is_locked.then(|| remote.publish(&self.document())).flatten();
            // One that is not published has changed this process alone, which reads again how the org is.
            *self.known_version() = published.unwrap_or_else(|| "not published".to_owned());
            result
        };
        remote.run(work).0
    }

    /// Puts the server-wide faults in force that are armed from the start.
    fn misbehave_as_configured(&self) {
        let of_servers = |arming: &&Arming| arming.fault.reach() == Reach::Server;
        for arming in self.seed_faults.iter().filter(of_servers) {
            // A unit that came to nothing may have done so before.
            self.change_server(&arming.server, |server| {
                if !server.faults.contains(&arming.fault) {
                    server.faults.push(arming.fault);
                }
            });
        }
    }

    fn document(&self) -> String {
        let tenant = self.tenant();
        let mut servers: Vec<SharedServer> = self
            .all_servers()
            .iter()
            .map(|server| SharedServer {
                settings: server.settings.clone(),
                generation: server.generation,
                retired: server.retired.iter().map(|(generation, _)| *generation).collect(),
                faults: server.faults.clone(),
                second_origin: server.second_origin.clone(),
            })
            .collect();
        servers.sort_by(|one, other| one.settings.id.cmp(&other.settings.id));
        let document = Document {
            configured: self.configured(),
            users: tenant
                .users
                .iter()
                .map(|user| SharedUser {
                    second_factor: user.totp.clone(),
                    user: User::clone(user),
                })
                .collect(),
            clients: tenant.clients.iter().map(|client| Client::clone(client)).collect(),
            groups: tenant.groups.iter().map(|group| Group::clone(group)).collect(),
            servers,
            clock: self.clock.offset(),
        };
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// What tells this process's configuration from another.
    fn configured(&self) -> String {
        digest43(&format!("{} {:?}", self.org, self.seed))
    }

    fn read_org(&self, remote: &Arc<Remote>, version: &str) {
        let Some(text) = remote.org() else { return };
        let Ok(document) = serde_json::from_str::<Document>(&text) else {
            // Written by another version: this process goes on with what it knows.
            version.clone_into(&mut self.known_version());
            return;
        };
        let servers: HashMap<String, Arc<Server>> = document
            .servers
            .into_iter()
            .map(|shared| {
                let server = self.server_from(shared);
                (server.id.clone(), Arc::new(server))
            })
            .collect();
        self.set_tenant(|tenant| {
            tenant.users = document.users.into_iter().map(into_user).collect();
            tenant.clients = document.clients.into_iter().map(Arc::new).collect();
            tenant.groups = document.groups.into_iter().map(Arc::new).collect();
        });
        self.set_servers(servers);
        self.clock.shift_to(document.clock);
        version.clone_into(&mut self.known_version());
    }

    fn server_from(&self, shared: SharedServer) -> Server {
        let id = shared.settings.id.clone();
        let configured = self.seed.servers.iter().find(|server| server.id == id);
        let settings = AuthServer {
            signing_key: configured.and_then(|server| server.signing_key.clone()),
            ..shared.settings
        };
        let ring = |generation| match &settings.signing_key {
            Some(key) if generation == 0 => key.ring(),
            _ => KeyRing::of(&id, generation),
        };
        Server {
            issuer: self.issuer_for(&settings),
            keys: ring(shared.generation),
            retired: shared
                .retired
                .into_iter()
                .map(|number| (number, ring(number)))
                .collect(),
            generation: shared.generation,
            faults: shared.faults,
            second_origin: shared.second_origin,
            settings,
            id,
        }
    }

    /// The first time that this process finds an org: what its own configuration names comes before what is there, unless it
    /// was configured in the same way.
    fn join(&self, remote: &Arc<Remote>) {
        let text = remote.org().unwrap_or_default();
        let is_same = serde_json::from_str::<Document>(&text).is_ok_and(|found| found.configured == self.configured());
        if is_same {
            return;
        }
        self.shared(|| {
            let mut own = Tenant::clone(&self.seed);
            own.found_groups();
            self.set_tenant(|tenant| {
                let others = |id: &str| own.users.iter().all(|user| user.id != id);
                tenant.users.retain(|user| others(&user.id));
                tenant.users.splice(0..0, own.users.iter().cloned());
                tenant.clients.retain(|client| own.client(&client.id).is_none());
                tenant.clients.splice(0..0, own.clients.iter().cloned());
                tenant
                    .groups
                    .retain(|group| own.groups.iter().all(|known| known.name != group.name));
                tenant.groups.splice(0..0, own.groups.iter().cloned());
            });
            for server in &own.servers {
                self.install_here(server.clone());
            }
        });
    }
}

fn into_user(shared: SharedUser) -> Arc<User> {
    Arc::new(User {
        totp: shared.second_factor,
        ..shared.user
    })
}
