//! Fills in the values that edits leave open.

use mock_idp::flow::record::Event;
use url::Url;

use super::{
    Walker,
    editing::{Fill, parameter},
    persona,
};
use crate::{browser::http::host_of, edit::Text, script::Slot};

impl Fill for Walker<'_> {
    fn text(&mut self, text: Text) -> Option<String> {
        match text {
            Text::Plain(literal) => Some(self.plain(literal)),
            Text::Random(length) => Some(persona::random(&mut self.rng, URL_SAFE, length)),
            Text::Repeat(unit, times) => Some(unit.repeat(times)),
            Text::ResponseOf(slot, name) => {
                let flow = self.evidence.flow(self.slot(slot))?;
                parameter(&Url::parse(flow.authorization_response.as_deref()?).ok()?, name)
            }
            Text::RequestOf(slot, name) => {
                let flow = self.evidence.flow(self.slot(slot))?;
                parameter(&Url::parse(flow.authorization_request.as_deref()?).ok()?, name)
            }
            Text::IdTokenOf(slot) => self.tokens_of(slot).and_then(|(_, id_token)| id_token),
            Text::AccessTokenOf(slot) => self.tokens_of(slot).map(|(access_token, _)| access_token),
        }
    }

    fn plain(&mut self, literal: &str) -> String {
        if !literal.contains('{') {
            return literal.to_owned();
        }
        let facts = &self.evidence.target;
        let origin = |url: &Url| url.origin().ascii_serialization();
        let email = |name| {
            self.evidence
                .person(name)
                .map(|person| person.persona.email.clone())
                .unwrap_or_default()
        };
        let replacements = [
            ("{app}", origin(&facts.app)),
            ("{idp}", origin(&facts.idp)),
            ("{issuer}", facts.issuer.clone()),
            ("{second_origin}", origin(&facts.second_origin)),
            ("{second_host}", host_of(&facts.second_origin)),
            ("{host}", host_of(&facts.app)),
            ("{client_id}", facts.client_id.clone()),
            ("{callback}", self.world.site.callback.path().to_owned()),
            ("{sign_in}", self.world.site.sign_in_page().path().to_owned()),
            (
                "{group}",
                self.group
                    .clone()
                    .or_else(|| self.world.site.roles.first().map(|role| role.group.clone()))
                    .unwrap_or_default(),
            ),
            ("{user.email}", email("user")),
            ("{victim.email}", email("victim")),
            (
                "{canary}",
                self.evidence
                    .people
                    .first()
                    .map(|person| person.persona.sub.clone())
                    .unwrap_or_default(),
            ),
        ];
        replacements
            .iter()
            .fold(literal.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn retarget(&mut self, value: &str, text: &str) -> String {
        self.retargeted(value, text)
    }

    fn alike(&mut self, value: &str) -> String {
        let alphabet = |letter: char| match letter {
            '0'..='9' => Some(&b"0123456789"[..]),
            'a'..='f' if value.chars().all(|other| other.is_ascii_hexdigit() || other == '-') => Some(&b"abcdef"[..]),
            'a'..='z' => Some(&b"abcdefghijklmnopqrstuvwxyz"[..]),
            'A'..='Z' => Some(&b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[..]),
            _ => None,
        };
        loop {
            let other: String = value
                .chars()
                .map(|letter| match alphabet(letter) {
                    Some(letters) => persona::random(&mut self.rng, letters, 1)
                        .chars()
                        .next()
                        .unwrap_or(letter),
                    None => letter,
                })
                .collect();
            // A value without letters or digits has no random twin; a random one may by chance be the same.
            if other != value || !value.chars().any(|letter| alphabet(letter).is_some()) {
                return other;
            }
        }
    }
}

/// Replaces every path or URL of the app inside `value`: in clear, percent-encoded, or in a base64url piece.
fn retargeted(value: &str, app: &str, text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let encode = |plain: &str| form_urlencoded::byte_serialize(plain.as_bytes()).collect::<String>();
    let clear = replace_places(value, app, text);
    if clear != value {
        return clear;
    }
    let decoded = percent_encoding::percent_decode_str(value)
        .decode_utf8_lossy()
        .into_owned();
    let percent = replace_places(&decoded, app, text);
    if decoded != value && percent != decoded {
        return encode(&percent);
    }
    // Signed values are pieces joined by dots: header.payload.signature, or value.signature.
    let piece = |piece: &str| {
        let plain = URL_SAFE_NO_PAD
            .decode(piece)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(plain) = plain else { return piece.to_owned() };
        let changed = replace_places(&plain, app, text);
        if changed == plain {
            piece.to_owned()
        } else {
            URL_SAFE_NO_PAD.encode(changed)
        }
    };
    value.split('.').map(piece).collect::<Vec<_>>().join(".")
}

/// Replaces URLs of the app, then paths: a slash at the start, or after a quote, an equals sign, a bar or a blank.
fn replace_places(value: &str, app: &str, text: &str) -> String {
    if let Some(at) = value.find(app) {
        let end = value[at..]
            .find(['"', '|', '&', ' ', '\''])
            .map_or(value.len(), |length| at + length);
        return format!("{}{text}{}", &value[..at], &value[end..]);
    }
    let starts = |at: usize| at == 0 || value[..at].ends_with(['"', '=', '|', ' ', '\'', ':']);
    let Some((at, _)) = value.match_indices('/').find(|(at, _)| starts(*at)) else {
        return value.to_owned();
    };
    let end = value[at..]
        .find(['"', '|', '&', ' ', '\''])
        .map_or(value.len(), |length| at + length);
    format!("{}{text}{}", &value[..at], &value[end..])
}

const URL_SAFE: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

impl Walker<'_> {
    /// [`Fill::retarget`] for cookies too.
    pub(super) fn retargeted(&mut self, value: &str, text: &str) -> String {
        let text = self.plain(text);
        retargeted(value, &self.evidence.target.app.origin().ascii_serialization(), &text)
    }

    /// The tokens that were issued in this flow: access token, ID token.
    pub(super) fn tokens_of(&self, slot: Slot) -> Option<(String, Option<String>)> {
        let id = self.flows.get(&self.slot(slot))?.id;
        self.world
            .idp
            .records(id)
            .into_iter()
            .rev()
            .find_map(|record| match record.event {
                Event::TokensIssued {
                    access_token, id_token, ..
                } => Some((access_token, id_token)),
                _ => None,
            })
    }
}
