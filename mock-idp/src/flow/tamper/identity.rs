//! What every source says about the user.

use serde_json::{Map, Value, json};

use super::{Context, MARKUP, victim};
use crate::{flow::fault::IdentityFault as F, tenant::Persona};

pub(super) fn apply(claims: &mut Map<String, Value>, fault: F, context: &Context<'_>) {
    let user = &context.scenario.user;
    match fault {
        F::Unchanged => {}

        F::ProfileChanged | F::EmailUnicode => change_own(claims, fault),
        F::VictimProfileUnverified => {
            take_profile(claims, user, &victim(context));
            set(claims, "email_verified", json!(false));
        }
        F::VictimProfileUnsaid => {
            take_profile(claims, user, &victim(context));
            claims.shift_remove("email_verified");
        }
        F::VerifiedStringFalse => take_email(claims, context, Some(json!("false"))),
        F::VerifiedStringTrue => take_email(claims, context, Some(json!("true"))),
        F::VerifiedZero => take_email(claims, context, Some(json!(0))),
        F::VerifiedOne => take_email(claims, context, Some(json!(1))),
        F::VerifiedNull => take_email(claims, context, Some(Value::Null)),
        F::VerifiedAbsent => take_email(claims, context, None),
        F::SubOtherCase => set(claims, "sub", json!(swap_case(&victim(context).sub))),
        F::SubTrailingSpace => set(claims, "sub", json!(format!("{} ", victim(context).sub))),
        F::SubFullWidth => set(claims, "sub", json!(full_width_last(&victim(context).sub))),
        F::SubWordNull => set(claims, "sub", json!("null")),
        F::SubWordUndefined => set(claims, "sub", json!("undefined")),
        F::SubWordZero => set(claims, "sub", json!("0")),
        F::SubWordAdmin => set(claims, "sub", json!("admin")),
        F::SubPath => change(claims, "sub", |sub| format!("../../{sub}")),
        F::SubQuotes => change(claims, "sub", |sub| format!("{sub}' OR \"1\"='1'; --")),
        F::SubLdap => change(claims, "sub", |sub| format!("{sub}*)(|(uid=*))\\00")),
        F::Sub255 => change(claims, "sub", |sub| format!("{sub:x<255}")),
        F::EmailTwoAt => change(claims, "email", |email| format!("a@evil.example@{}", domain(email))),
        F::EmailFullWidthAt => change(claims, "email", |email| {
            format!("a@evil.example\u{ff20}{}", domain(email))
        }),
        F::EmailCrlf => change(claims, "email", |email| format!("a@evil.example\r\n{email}")),
        F::EmailTrailingDot => change(claims, "email", |email| format!("{email}.")),
        F::EmailSubdomain => change(claims, "email", |email| format!("a@evil.{}", domain(email))),
        F::EmailOutside => change(claims, "email", |email| email.replace(domain(email), "evil.example")),
        F::GroupAdded => {
            let group = format!("group-of-{}", user.sub);
            match claims.get_mut("groups").and_then(Value::as_array_mut) {
                Some(groups) => groups.push(json!(group)),
                None => set(claims, "groups", json!([group])),
            }
        }

        F::ProfileAbsent => {
            for name in PROFILE {
                claims.shift_remove(name);
            }
        }
        F::ProfileNull => PROFILE.iter().for_each(|name| set(claims, name, Value::Null)),
        F::ProfileEmpty => PROFILE.iter().for_each(|name| set(claims, name, json!(""))),
        F::NameUnicode => change(claims, "name", |name| format!("{name}{UNICODE}")),
        F::NameMarkup => change(claims, "name", |name| format!("{name}{MARKUP}")),
        F::EmailMarkup => change(claims, "email", |email| format!("{MARKUP}{email}")),
        F::LocaleMarkup => set(claims, "locale", json!(format!("en{MARKUP}"))),
        F::PictureScript => set(claims, "picture", json!("javascript:cfmx()")),
        F::WebsiteScript => set(claims, "website", json!("javascript:cfmx()")),
        F::PictureSecondOrigin => set(claims, "picture", json!(context.at_second_origin("/picture.png"))),
        F::PictureLoopback => {
            let mut url = context.second_origin.clone();
            // Every host name of loopback is refused by nobody; a bare address is what a filter must know.
            let _ = url.set_host(Some("127.0.0.1"));
            let flow = context.flow.map_or_else(String::new, |flow| format!("{flow}/"));
            set(claims, "picture", json!(format!("{}{flow}internal.png", root(&url))));
        }
        F::PictureLoopbackMapped => {
            let flow = context.flow.map_or_else(String::new, |flow| format!("{flow}/"));
            let port = context.second_origin.port_or_known_default().unwrap_or(80);
            let scheme = context.second_origin.scheme();
            let url = format!("{scheme}://[::ffff:127.0.0.1]:{port}/{flow}internal.png");
            set(claims, "picture", json!(url));
        }
        F::PictureLinkLocal => set(claims, "picture", json!("http://169.254.169.254/latest/meta-data/")),
        F::PictureFile => set(claims, "picture", json!("file:///etc/passwd")),
        F::NameCrlf => change(claims, "name", |name| format!("{name}{CRLF}")),
        F::LoginCrlf => change(claims, "preferred_username", |login| format!("{login}{CRLF}")),
    }
}

/// Gives the user another profile of their own.
fn change_own(claims: &mut Map<String, Value>, fault: F) {
    match fault {
        F::ProfileChanged => {
            change(claims, "email", |email| format!("changed-{email}"));
            change(claims, "name", |name| format!("{name} Changed"));
            change(claims, "preferred_username", |login| format!("changed-{login}"));
        }
        F::EmailUnicode => change(claims, "email", |email| format!("zoe\u{308}\u{1f980}.{email}")),
        _ => {}
    }
}

/// The user as this fault describes them, where it gives them another address of their own. Whoever has to make an account for
/// each address before its first sign-in needs to know.
#[must_use]
pub fn other_profile(fault: F, user: &Persona) -> Option<Persona> {
    let said = [
        ("email", &user.email),
        ("preferred_username", &user.login),
        ("name", &user.userinfo_name),
    ];
    let mut claims = said
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .into_iter()
        .collect();
    change_own(&mut claims, fault);
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("email") != user.email).then(|| Persona {
        email: text("email"),
        login: text("preferred_username"),
        userinfo_name: text("name"),
        ..user.clone()
    })
}

const PROFILE: [&str; 3] = ["email", "name", "preferred_username"];

/// Emoji of several code points, right-to-left letters with a mark, combining and astral characters.
pub const UNICODE: &str = " 👩\u{200d}🚀 \u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200f} e\u{301} 𝔘𝔫𝔦 🇺🇳";
/// Header lines that must never become any.
const CRLF: &str = "\r\nX-Crlf-Probe: injected\r\nSet-Cookie: crlf-probe=injected";

fn set(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

/// Changes a text claim where the source has it.
fn change(claims: &mut Map<String, Value>, name: &str, to: impl FnOnce(&str) -> String) {
    if let Some(Value::String(text)) = claims.get_mut(name) {
        *text = to(text);
    }
}

fn take_profile(claims: &mut Map<String, Value>, user: &Persona, victim: &Persona) {
    change(claims, "email", |_| victim.email.clone());
    change(claims, "preferred_username", |_| victim.login.clone());
    change(claims, "name", |name| {
        // Each source keeps the name of its own kind, so that a page still tells which one it read.
        if name == user.userinfo_name {
            &victim.userinfo_name
        } else {
            &victim.id_token_name
        }
        .clone()
    });
}

fn take_email(claims: &mut Map<String, Value>, context: &Context<'_>, verified: Option<Value>) {
    let victim = victim(context);
    change(claims, "email", |_| victim.email.clone());
    match verified {
        Some(value) => set(claims, "email_verified", value),
        None => {
            claims.shift_remove("email_verified");
        }
    }
}

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The last character as its full-width form (U+FF01 to U+FF5E stand for U+0021 to U+007E).
fn full_width_last(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if let Some(last) = chars.last_mut()
        && last.is_ascii_graphic()
    {
        *last = char::from_u32(u32::from(*last) + 0xfee0).unwrap_or(*last);
    }
    chars.into_iter().collect()
}

fn domain(email: &str) -> &str {
    email.rsplit_once('@').map_or("example.com", |(_, domain)| domain)
}

fn root(url: &url::Url) -> String {
    format!("{}/", url.as_str().trim_end_matches('/'))
}
