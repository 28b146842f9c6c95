//! Users, clients and sessions in a file, over a restart.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};

use crate::{
    flow::{record::Record, store::Session},
    idp::Idp,
    tenant::{Client, Persona, Subject, Tenant, User},
};

/// Several changes at once are written once.
const PAUSE: Duration = Duration::from_millis(200);

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Saved {
    users: Vec<SavedUser>,
    clients: Vec<Client>,
    sessions: Vec<SavedSession>,
}

/// A user with the secret of the second factor, which is written nowhere else.
#[derive(Debug, Serialize, Deserialize)]
struct SavedUser {
    #[serde(flatten)]
    user: User,
    #[serde(default)]
    second_factor: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedSession {
    cookie: String,
    idx: String,
    sid: String,
    persona: Persona,
    profile: Map<String, Value>,
    groups: Vec<String>,
    guest: bool,
    updated_at: i64,
    auth_time: i64,
    amr: Vec<String>,
    expires: i64,
    remembered: bool,
}

/// Reads the file, if it is there already, and puts its users and clients into the org: they come before those of the same
/// login or id. What it holds of sessions is for [`Saved::into_store`].
///
/// # Errors
/// When the file cannot be read or is none of ours, as a sentence.
pub(crate) fn load(file: &Path, tenant: &mut Tenant) -> Result<Saved, String> {
    let wrong = |problem: String| format!("{}: {problem}", file.display());
    let mut saved: Saved = match std::fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            wrong(format!(
                "it was not written by mock-idp ({error}); remove it, or name another"
            ))
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Saved::default()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    for SavedUser { user, second_factor } in saved.users.drain(..) {
        let user = Arc::new(User {
            totp: second_factor,
            ..user
        });
        match tenant.users.iter_mut().find(|known| known.id == user.id) {
            Some(known) => *known = user,
            None => tenant.users.push(user),
        }
    }
    for client in saved.clients.drain(..) {
        let client = Arc::new(client);
        match tenant.clients.iter_mut().find(|known| known.id == client.id) {
            Some(known) => *known = client,
            None => tenant.clients.push(client),
        }
    }
    Ok(saved)
}

impl Saved {
    /// The sessions that are not over are sessions again.
    pub(crate) fn into_store(self, idp: &Idp) {
        let now = idp.clock.now();
        let sessions = &idp.store.sessions;
        for saved in self.sessions {
            if saved.expires <= now {
                continue;
            }
            let session = Arc::new(Session {
                cookie: saved.cookie.into(),
                idx: saved.idx.into(),
                sid: saved.sid,
                subject: Arc::new(Subject {
                    persona: saved.persona,
                    profile: saved.profile,
                    groups: saved.groups,
                    guest: saved.guest,
                    updated_at: saved.updated_at,
                }),
                auth_time: saved.auth_time,
                amr: saved.amr,
                expires: saved.expires,
                remembered: saved.remembered,
            });
            sessions.put(session.cookie.clone(), session.clone());
            if !session.idx.is_empty() {
                sessions.put(session.idx.clone(), session);
            }
        }
    }

    fn of(idp: &Idp) -> Self {
        let tenant = idp.tenant();
        let users = tenant.users.iter().map(|user| SavedUser {
            second_factor: user.totp.clone(),
            user: User::clone(user),
        });
        let now = idp.clock.now();
        // A session stands under each of its cookies.
        let mut sessions: Vec<Arc<Session>> = Vec::new();
        idp.store.sessions.each(|session| {
            if session.expires > now {
                sessions.push(session.clone());
            }
        });
        sessions.sort_by(|one, other| one.sid.cmp(&other.sid));
        sessions.dedup_by(|one, other| one.sid == other.sid);
        let sessions = sessions.iter().map(|session| SavedSession {
            cookie: session.cookie.to_string(),
            idx: session.idx.to_string(),
            sid: session.sid.clone(),
            persona: session.subject.persona.clone(),
            profile: session.subject.profile.clone(),
            groups: session.subject.groups.clone(),
            guest: session.subject.guest,
            updated_at: session.subject.updated_at,
            auth_time: session.auth_time,
            amr: session.amr.clone(),
            expires: session.expires,
            remembered: session.remembered,
        });
        Self {
            users: users.collect(),
            clients: tenant.clients.iter().map(|client| Client::clone(client)).collect(),
            sessions: sessions.collect(),
        }
    }
}

/// Writes the file, aside and then moved: a reader sees the old one or the new one. What cannot be written is told, and tried
/// again at the next change.
pub(crate) fn save(idp: &Idp, file: &Path) {
    let aside = file.with_extension("part");
    let written = serde_json::to_vec_pretty(&Saved::of(idp))
        .map_err(std::io::Error::other)
        .and_then(|bytes| std::fs::write(&aside, bytes))
        .and_then(|()| std::fs::rename(&aside, file));
    if let Err(error) = written {
        use std::io::Write as _;
        // Nobody is left to be told that stderr is closed.
        let _ = writeln!(std::io::stderr(), "mock-idp: cannot write {}: {error}", file.display());
    }
}

/// Writes the file after each change, until the server stops. Whatever changes users, clients or sessions is recorded, so
/// records tell when.
pub(crate) async fn keep(
    idp: Weak<Idp>,
    mut records: Receiver<Arc<Record>>,
    file: PathBuf,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            record = records.recv() => if record == Err(RecvError::Closed) { return },
            _ = stop.changed() => return,
        }
        tokio::time::sleep(PAUSE).await;
        while !matches!(
            records.try_recv(),
            Err(tokio::sync::broadcast::error::TryRecvError::Empty
                | tokio::sync::broadcast::error::TryRecvError::Closed)
        ) {}
        let Some(idp) = idp.upgrade() else { return };
        save(&idp, &file);
    }
}
