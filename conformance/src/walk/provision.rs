//! Accounts for people whom the app must know before they can sign in (`[target.provision]`).

use std::{process::Stdio, time::Duration};

use mock_idp::{
    Fault,
    flow::{scenario::Persona, tamper::other_profile},
};

use super::Walker;
use crate::{
    browser::http::Outgoing,
    evidence::Answer,
    placeholder::{of_person, replace},
    target::Provision,
};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(30);

impl Walker<'_> {
    /// Makes an account for this person, once, and one for each other address that a fault gives them. What goes wrong is an
    /// obstacle: it says nothing about the app's sign-in.
    pub(super) async fn provision(&mut self, person: &str) {
        let site = std::sync::Arc::clone(&self.world.site);
        let Some(provision) = &site.provision else { return };
        if !self.provisioned.insert(person.to_owned()) {
            return;
        }
        let Some(persona) = self.evidence.person(person).map(|person| person.persona.clone()) else {
            return;
        };
        let other = self.faults.iter().filter_map(|fault| match fault {
            Fault::Identity(fault) => other_profile(*fault, &persona),
            _ => None,
        });
        let profiles: Vec<Persona> = other.collect();
        for profile in std::iter::once(&persona).chain(&profiles) {
            if let Err(why) = self.make_account(provision, profile).await {
                return self.obstacle(format!(
                    "no account could be made for {} ([target.provision]): {why}",
                    profile.email
                ));
            }
        }
    }

    async fn make_account(&self, provision: &Provision, persona: &Persona) -> Result<(), String> {
        let vars = of_person(persona, &persona.userinfo_name);
        match (&provision.command, &provision.post) {
            (Some(command), _) => self.run_command(&replace(command, &vars)).await,
            (None, Some(place)) => self.post_account(provision, place, &vars).await,
            (None, None) => Ok(()),
        }
    }

    async fn run_command(&self, command: &str) -> Result<(), String> {
        let surroundings = &self.world.site.surroundings;
        let child = tokio::process::Command::new("sh")
            .args(["-c", command])
            .current_dir(&surroundings.folder)
            .envs(&surroundings.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("`{command}` does not start: {error}"))?;
        let output = tokio::time::timeout(LIMIT, child.wait_with_output())
            .await
            .map_err(|_| format!("`{command}` took longer than {} s", LIMIT.as_secs()))?
            .map_err(|error| format!("`{command}`: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.trim().lines().last().unwrap_or("it printed nothing").to_owned();
        Err(format!("`{command}` ended with {}: {last}", output.status))
    }

    async fn post_account(
        &self,
        provision: &Provision,
        place: &str,
        vars: &std::collections::BTreeMap<String, String>,
    ) -> Result<(), String> {
        let url = self.world.site.at(place);
        let body = replace(provision.body.as_deref().unwrap_or_default(), vars);
        let kind = match body.trim_start().starts_with(['{', '[']) {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        let mut request = Outgoing::get(&url);
        request.method = "POST".to_owned();
        request.set_header("content-type", kind);
        for (name, value) in &provision.headers {
            request.set_header(name, replace(value, vars));
        }
        request.body = body.into_bytes();
        match self.world.client.send(&request).await {
            Answer::Http { status, .. } if (200..300).contains(&status) => Ok(()),
            Answer::Http { status, body, .. } => {
                let line = body.lines().next().unwrap_or_default();
                Err(format!(
                    "POST {url} answered {status}: {}",
                    line.chars().take(200).collect::<String>()
                ))
            }
            other => Err(format!("POST {url}: {}", other.problem_text())),
        }
    }
}
