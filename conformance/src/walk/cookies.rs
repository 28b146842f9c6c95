//! Changes the cookies that a browser holds for the app.

use url::Url;

use super::{Walker, driver::Sender, editing::Fill};
use crate::{browser::http::Outgoing, edit::CookieEdit};

impl Walker<'_> {
    pub(super) async fn save(&mut self, who: &str, name: &str) {
        let pairs = self.app_cookies(who).await;
        self.evidence.saved.insert(name.to_owned(), pairs);
    }

    /// What the browser holds for the app.
    pub(super) async fn app_cookies(&mut self, who: &str) -> Vec<(String, String)> {
        let page = Outgoing::get(&self.world.site.origin);
        let typed = Sender {
            document: None,
            top_level: true,
        };
        match self.browser(who).driver.cookies(&page, typed).await {
            Ok(pairs) => pairs,
            Err(trouble) => {
                self.obstacle(trouble);
                Vec::new()
            }
        }
    }

    async fn clear(&mut self, who: &str) {
        let origin = self.world.site.origin.clone();
        if let Err(trouble) = self.browser(who).driver.clear(&origin).await {
            self.obstacle(trouble);
        }
    }

    pub(super) async fn edit_cookies(&mut self, who: &str, edit: CookieEdit) {
        let held = self.app_cookies(who).await;
        let session_names = self.evidence.target.session_cookies.clone();
        let tampered: Vec<(String, Vec<u8>)> = match edit {
            CookieEdit::FlipBit => each(&held, |value| flip_middle(value).into_bytes()),
            CookieEdit::Truncate => each(&held, |value| value.as_bytes()[..value.len() / 2].to_vec()),
            CookieEdit::Empty => each(&held, |_| Vec::new()),
            CookieEdit::Duplicate => held
                .iter()
                .flat_map(|(name, value)| {
                    [
                        (name.clone(), flip_middle(value).into_bytes()),
                        (name.clone(), value.clone().into_bytes()),
                    ]
                })
                .collect(),
            CookieEdit::Pad(size) => each(&held, |value| padded(value, size)),
            CookieEdit::InvalidUtf8 => each(&held, |_| vec![0xC3, 0x28, 0xFF, 0xFE, 0x80]),
            CookieEdit::DropChunk => drop_chunk(&held, &session_names),
            CookieEdit::FlowCookiesAsSession => {
                let flow: Vec<_> = held.iter().filter(|(name, _)| !session_names.contains(name)).collect();
                let values = if flow.is_empty() { held.iter().collect() } else { flow };
                let renamed = |(index, name): (usize, &String)| {
                    let (_, value) = values.get(index % values.len().max(1))?;
                    Some((name.clone(), value.clone().into_bytes()))
                };
                session_names.iter().enumerate().filter_map(renamed).collect()
            }
            CookieEdit::Retarget(text) => {
                let changed =
                    |(name, value): &(String, String)| (name.clone(), self.retargeted(value, text).into_bytes());
                held.iter().map(changed).collect()
            }
            CookieEdit::Load(name) => {
                let Some(saved) = self.evidence.saved.get(name).cloned() else {
                    return self.obstacle(format!("no cookies were saved as `{name}`"));
                };
                self.clear(who).await;
                return self.plant(who, &saved).await;
            }
            CookieEdit::Add(name, text) => {
                let Some(value) = self.text(text) else {
                    return self.obstacle(format!("{text:?} does not exist yet"));
                };
                self.plant(who, &[(name.to_owned(), value)]).await;
                if !self.app_cookies(who).await.iter().any(|(held, _)| held == name) {
                    self.obstacle(format!("the browser did not take the cookie `{name}`"));
                }
                return;
            }
            CookieEdit::Borrow(name) => {
                let Some(mut saved) = self.evidence.saved.get(name).cloned() else {
                    return self.obstacle(format!("no cookies were saved as `{name}`"));
                };
                saved.retain(|(name, _)| !self.evidence.target.is_cookie_of_sign_in(name));
                return self.plant(who, &saved).await;
            }
            CookieEdit::Clear => {
                self.clear(who).await;
                self.browser(who).cookies = None;
                return;
            }
            CookieEdit::Plant(text) => {
                let Some(value) = self.text(text) else {
                    return self.obstacle(format!("{text:?} does not exist yet"));
                };
                let planted: Vec<_> = session_names.into_iter().map(|name| (name, value.clone())).collect();
                return self.plant(who, &planted).await;
            }
        };
        self.browser(who).cookies = Some(tampered);
    }

    /// Puts cookies into the jar as a sub-domain or a script of the same host could.
    async fn plant(&mut self, who: &str, pairs: &[(String, String)]) {
        let origin = self.world.site.origin.clone();
        for (name, value) in pairs {
            let secure = if name.starts_with("__") { "; Secure" } else { "" };
            self.take_cookie(who, &origin, &format!("{name}={value}; Path=/{secure}"))
                .await;
        }
    }

    /// Puts a cookie into the jar as if this address had set it.
    pub(super) async fn take_cookie(&mut self, who: &str, url: &Url, set_cookie: &str) {
        if let Err(trouble) = self.browser(who).driver.plant(url, set_cookie).await {
            self.obstacle(trouble);
        }
    }
}

fn each(held: &[(String, String)], change: impl Fn(&str) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    held.iter().map(|(name, value)| (name.clone(), change(value))).collect()
}

/// A value of at least this many bytes. (A format width ends at 65,535.)
fn padded(value: &str, size: usize) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    bytes.resize(size.max(bytes.len()), b'A');
    bytes
}

/// Another letter in the middle: what one flipped bit does to a base64url or hexadecimal value.
fn flip_middle(value: &str) -> String {
    let middle = value.chars().count() / 2;
    let flip = |(at, letter): (usize, char)| match (at == middle, letter) {
        (false, letter) => letter,
        (true, 'A') => 'B',
        (true, _) => 'A',
    };
    value.chars().enumerate().map(flip).collect()
}

/// Of the cookies that carry the session, without the last of numbered chunks, or without the longest value.
fn drop_chunk(held: &[(String, String)], session_names: &[String]) -> Vec<(String, Vec<u8>)> {
    let is_session = |name: &String| session_names.is_empty() || session_names.contains(name);
    let numbered = held
        .iter()
        .rposition(|(name, _)| is_session(name) && name.ends_with(|letter: char| letter.is_ascii_digit()));
    let longest = held
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| is_session(name))
        .max_by_key(|(_, (_, value))| value.len())
        .map(|(at, _)| at);
    let dropped = numbered.or(longest);
    let kept = held.iter().enumerate().filter(|(at, _)| Some(*at) != dropped);
    kept.map(|(_, (name, value))| (name.clone(), value.clone().into_bytes()))
        .collect()
}
