//! A fault changes exactly one thing; a twin changes nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use url::Url;

use super::*;
use crate::{
    flow::fault::{
        AccessTokenFault, AuthorizationResponseFault, CodeFault, EndSessionFault, IdTokenFault, IdentityFault,
        JwksFault, LogoutTokenFault, MetadataFault, RefreshFault, TokenResponseFault, UserinfoFault,
    },
    protocol::draft::{Body, Delivery, ResponseMode, Signing},
};

/// What a flow of the property is made of.
#[derive(Clone, Debug)]
struct World {
    scenario: Scenario,
    issuer: String,
    client_id: String,
    secret: String,
    now: i64,
    second_origin: Url,
    keys: KeyRing,
}

prop_compose! {
    fn persona()(mark in "[bcdfghjklmnp]{10}", sub in "[0-9A-Za-z]{16}[a-z]") -> Persona {
        Persona {
            sub: format!("00u{sub}"),
            login: format!("{mark}@users.example.test"),
            email: format!("{mark}@users.example.test"),
            given_name: format!("Given{mark}"),
            family_name: format!("Family{mark}"),
            id_token_name: format!("Idtoken {mark}"),
            userinfo_name: format!("Userinfo {mark}"),
            claims: Map::new(),
        }
    }
}

prop_compose! {
    fn world()(
        user in persona(),
        victim in persona(),
        host in "[a-z]{3,9}",
        port in 1024_u16..65535,
        path in prop_oneof![Just(String::new()), "/oauth2/[a-z]{4,9}"],
        client_id in "0oa[0-9a-zA-Z]{17}",
        secret in "[0-9a-zA-Z_-]{40}",
        now in 1_600_000_000_i64..2_000_000_000,
        generation in 0_u64..4,
    ) -> World {
        let mut scenario = Scenario::honest(user);
        scenario.victim = Some(victim);
        World {
            scenario,
            issuer: format!("http://{host}.example:{port}{path}"),
            client_id,
            secret,
            now,
            second_origin: Url::parse(&format!("http://127.0.0.1:{port}")).unwrap(),
            keys: KeyRing::of(&path, generation),
        }
    }
}

impl World {
    fn context(&self) -> Context<'_> {
        let earlier = Earlier {
            nonce: Some("nonce-of-the-earlier-flow".to_owned()),
            id_token: Some("earlier.id.token".into()),
            ..Earlier::default()
        };
        Context {
            scenario: &self.scenario,
            issuer: &self.issuer,
            client_id: &self.client_id,
            client_secret: Some(&self.secret),
            second_origin: &self.second_origin,
            flow: Some(FlowId(7)),
            keys: &self.keys,
            now: self.now,
            own: Earlier {
                id_token: Some("own.id.token".into()),
                access_token: Some("own.access.token".into()),
                ..Earlier::default()
            },
            earlier: Some(earlier),
        }
    }

    fn token(&self, claims: Value) -> TokenDraft {
        TokenDraft {
            header: members(json!({"kid": self.keys.kid(), "alg": "RS256"})),
            claims: members(claims),
            signing: Signing::Current,
            mangle: Vec::new(),
            raw_payload: None,
            raw_header: None,
        }
    }

    fn id_token(&self) -> TokenDraft {
        let user = &self.scenario.user;
        self.token(json!({
            "sub": user.sub, "name": user.id_token_name, "email": user.email, "ver": 1, "iss": self.issuer,
            "aud": self.client_id, "iat": self.now - 1, "exp": self.now + 3599, "jti": "ID.x", "amr": ["pwd"],
            "nonce": "a-nonce", "preferred_username": user.login, "auth_time": self.now - 5, "at_hash": "abc", "acr": "2",
        }))
    }

    fn access_token(&self) -> TokenDraft {
        self.token(json!({
            "ver": 1, "jti": "AT.x", "iss": self.issuer, "aud": "api://default", "iat": self.now, "exp": self.now + 3600,
            "cid": self.client_id, "uid": self.scenario.user.sub, "scp": ["openid"], "sub": self.scenario.user.login,
        }))
    }

    fn logout_token(&self) -> TokenDraft {
        let mut draft = self.token(json!({
            "iss": self.issuer, "aud": self.client_id, "iat": self.now - 1, "exp": self.now + 120, "jti": "a-jti",
            "sub": self.scenario.user.sub, "sid": "a-sid",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }));
        // So that every fault about the type, right ones included, is a change.
        draft.header.insert("typ".to_owned(), json!("logout+JWT"));
        draft
    }

    fn userinfo(&self) -> Reply {
        let user = &self.scenario.user;
        reply(json!({
            "sub": user.sub, "name": user.userinfo_name, "email": user.email, "preferred_username": user.login,
            "given_name": user.given_name, "family_name": user.family_name, "email_verified": true,
        }))
    }

    fn token_response(&self) -> Reply {
        reply(json!({
            "token_type": "Bearer", "expires_in": 7200, "access_token": "a.b.c", "scope": "openid", "id_token": "d.e.f",
        }))
    }

    fn metadata(&self) -> Reply {
        let issuer = &self.issuer;
        reply(json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/v1/authorize"),
            "token_endpoint": format!("{issuer}/v1/token"), "jwks_uri": format!("{issuer}/v1/keys"),
            "end_session_endpoint": format!("{issuer}/v1/logout"), "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
        }))
    }

    fn jwks(&self) -> Reply {
        reply(json!({ "keys": [self.keys.jwk()] }))
    }
}

fn reply(body: Value) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: Body::Json(body),
        delivery: Delivery::Normal,
    }
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// What differs between two tokens. Header and signing go together: how a token is proved is one thing.
fn differences(honest: &TokenDraft, wrong: &TokenDraft) -> BTreeSet<&'static str> {
    let mut differ = BTreeSet::new();
    let mut note = |what, unequal: bool| {
        if unequal {
            differ.insert(what);
        }
    };
    note(
        "proof",
        honest.header != wrong.header || honest.signing != wrong.signing,
    );
    note("claims", honest.claims != wrong.claims);
    note("mangle", honest.mangle != wrong.mangle);
    note("payload", honest.raw_payload != wrong.raw_payload);
    note("raw header", honest.raw_header != wrong.raw_header);
    differ
}

/// What differs between two answers. Where the status changes it is another answer altogether, and that is one thing.
fn answer_differences(honest: &Reply, wrong: &Reply) -> BTreeSet<&'static str> {
    let mut differ = BTreeSet::new();
    if honest.status != wrong.status {
        differ.insert("answer");
        return differ;
    }
    // A body of another kind has another content type.
    if honest.body != wrong.body {
        differ.insert("body");
    } else if honest.headers != wrong.headers {
        differ.insert("headers");
    }
    if honest.delivery != wrong.delivery {
        differ.insert("delivery");
    }
    differ
}

/// The names of members that differ.
fn changed(honest: &Map<String, Value>, wrong: &Map<String, Value>) -> BTreeSet<String> {
    let names: BTreeSet<&String> = honest.keys().chain(wrong.keys()).collect();
    names
        .into_iter()
        .filter(|name| honest.get(*name) != wrong.get(*name))
        .cloned()
        .collect()
}

fn body_members(reply: &Reply) -> Map<String, Value> {
    match &reply.body {
        Body::Json(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    }
}

/// Tokens that are wrong in more than one claim, because what they are about takes more than one.
fn is_about_many_claims(fault: IdTokenFault) -> bool {
    use IdTokenFault as F;
    matches!(
        fault,
        F::OtherKeyVictim
            | F::IsLogoutToken
            | F::IsAccessToken
            | F::IsClientAssertion
            | F::AudExtraWithAzp
            | F::ExtraClaims
    )
}

/// Answers with several members changed, for the same reason.
fn is_about_many_members(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::TokenResponse(
            TokenResponseFault::ErrorIn200 | TokenResponseFault::OnlyRequired | TokenResponseFault::ExtraMembers
        ) | Fault::Userinfo(
            UserinfoFault::Victim | UserinfoFault::SubAbsent | UserinfoFault::SubNull | UserinfoFault::SubEmpty
        ) | Fault::Metadata(
            MetadataFault::NullEndpoints
                | MetadataFault::UnknownMembers
                | MetadataFault::UnknownAlgorithms
                | MetadataFault::UnusualPaths
                | MetadataFault::EndpointQueries
        )
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn an_id_token_fault_changes_one_thing(world in world()) {
        let honest = world.id_token();
        for fault in IdTokenFault::ALL.iter().copied() {
            let mut wrong = honest.clone();
            id_token(&mut wrong, Fault::IdToken(fault), &world.context());
            let differ = differences(&honest, &wrong);
            if fault == IdTokenFault::TWIN {
                prop_assert!(differ.is_empty());
                continue;
            }
            let both = [IdTokenFault::OtherKeyVictim, IdTokenFault::AtHashUnknownAlg].contains(&fault);
            prop_assert_eq!(differ.len(), if both { 2 } else { 1 }, "{:?}: {:?}", fault, differ);
            let claims = changed(&honest.claims, &wrong.claims);
            prop_assert!(claims.len() <= 1 || is_about_many_claims(fault), "{:?}: {:?}", fault, claims);
            // What is written differs too.
            let sign = |draft: &TokenDraft| world.keys.sign(draft).unwrap();
            prop_assert_ne!(sign(&honest), sign(&wrong), "{:?}", fault);
        }
    }

    #[test]
    fn access_and_logout_token_faults_change_one_thing(world in world()) {
        let honest = world.access_token();
        for fault in AccessTokenFault::ALL.iter().copied() {
            let mut wrong = honest.clone();
            access_token(&mut wrong, Fault::AccessToken(fault), &world.context());
            let expected = usize::from(fault != AccessTokenFault::TWIN);
            prop_assert_eq!(differences(&honest, &wrong).len(), expected, "{:?}", fault);
            prop_assert!(changed(&honest.claims, &wrong.claims).len() <= 1, "{:?}", fault);
        }
        let honest = world.logout_token();
        for fault in LogoutTokenFault::ALL.iter().copied() {
            let mut wrong = honest.clone();
            logout_token(&mut wrong, Fault::LogoutToken(fault), &world.context());
            let carried = fault.request() != LogoutRequest::Form;
            let expected = usize::from(fault != LogoutTokenFault::TWIN && !carried);
            prop_assert_eq!(differences(&honest, &wrong).len(), expected, "{:?}", fault);
            let two = [LogoutTokenFault::NoSubNoSid, LogoutTokenFault::SubUnknown].contains(&fault);
            prop_assert!(changed(&honest.claims, &wrong.claims).len() <= 1 + usize::from(two), "{:?}", fault);
        }
        for fault in RefreshFault::ALL.iter().copied() {
            let mut wrong = world.id_token();
            refresh_id_token(&mut wrong, Fault::RefreshResponse(fault), &world.context());
            let mut answer = world.token_response();
            refresh(&mut answer, Fault::RefreshResponse(fault), &world.context());
            let differ = differences(&world.id_token(), &wrong).len()
                + answer_differences(&world.token_response(), &answer).len()
                + usize::from(rotates_refresh_token(Fault::RefreshResponse(fault)));
            prop_assert_eq!(differ, usize::from(fault != RefreshFault::TWIN), "{:?}", fault);
        }
    }

    #[test]
    fn an_answer_fault_changes_one_thing(world in world()) {
        let context = world.context();
        let token_faults = TokenResponseFault::ALL.iter().copied().map(Fault::TokenResponse);
        let userinfo_faults = UserinfoFault::ALL.iter().copied().map(Fault::Userinfo);
        let metadata_faults = MetadataFault::ALL.iter().copied().map(Fault::Metadata);
        let jwks_faults = JwksFault::ALL.iter().copied().map(Fault::Jwks);
        for fault in token_faults.chain(userinfo_faults).chain(metadata_faults).chain(jwks_faults) {
            let honest = match fault {
                Fault::Userinfo(_) => world.userinfo(),
                Fault::Metadata(_) => world.metadata(),
                Fault::Jwks(_) => world.jwks(),
                _ => world.token_response(),
            };
            let mut wrong = honest.clone();
            token_response(&mut wrong, fault, &context);
            userinfo(&mut wrong, fault, &context);
            metadata(&mut wrong, fault, &context);
            jwks(&mut wrong, fault, &context);
            if fault.is_twin() {
                prop_assert_eq!(&honest, &wrong, "{}", fault);
                continue;
            }
            // The order of members is no difference to a map: what is written is compared instead.
            let reordered = fault == Fault::TokenResponse(TokenResponseFault::MembersReversed);
            if reordered {
                let text = |reply: &Reply| json!(body_members(reply)).to_string();
                prop_assert_ne!(text(&honest), text(&wrong));
                continue;
            }
            let differ = answer_differences(&honest, &wrong);
            prop_assert_eq!(differ.len(), 1, "{}: {:?}", fault, differ);
            if let Body::Json(Value::Object(after)) = &wrong.body
                && differ.contains("body")
            {
                let members = changed(&body_members(&honest), after);
                prop_assert!(members.len() == 1 || is_about_many_members(fault), "{}: {:?}", fault, members);
            }
        }
    }

    #[test]
    fn an_identity_fault_touches_only_what_it_is_about(world in world()) {
        let context = world.context();
        let sources = [world.id_token().claims, body_members(&world.userinfo())];
        for fault in IdentityFault::ALL.iter().copied() {
            let mut touched = BTreeSet::new();
            for honest in &sources {
                let mut wrong = honest.clone();
                identity(&mut wrong, Fault::Identity(fault), &context);
                touched.extend(changed(honest, &wrong));
            }
            let id = Fault::Identity(fault).id();
            let allowed: &[&str] = match id.split('.').nth(1).unwrap() {
                "unchanged" => &[],
                "keyed-by-sub" | "missing-optional" => &["email", "name", "preferred_username"],
                "email-collision" => &["email", "name", "preferred_username", "email_verified"],
                "email-verified-type" => &["email", "email_verified"],
                "sub-exact" | "sub-odd-values" => &["sub"],
                "email-odd" => &["email"],
                "claims-refreshed" => &["groups"],
                "picture-ssrf" => &["picture"],
                _ => &["name", "email", "locale", "picture", "website", "preferred_username"],
            };
            prop_assert!(touched.iter().all(|name| allowed.contains(&name.as_str())), "{}: {:?}", id, touched);
            prop_assert_eq!(touched.is_empty(), fault == IdentityFault::TWIN, "{}", id);
        }
    }

    #[test]
    fn front_channel_faults_change_one_thing(world in world()) {
        let context = world.context();
        for fault in CodeFault::ALL.iter().copied() {
            let mut wrong = "a-code-of-forty-three-characters-0123456789".to_owned();
            let honest = wrong.clone();
            code(&mut wrong, Fault::Code(fault), &context);
            prop_assert!(wrong.starts_with(&honest), "{:?}: a code stays one of a kind", fault);
            let is_rule = [CodeFault::Reissued, CodeFault::PkceEnforced, CodeFault::PkceIgnored].contains(&fault);
            prop_assert_eq!(wrong == honest, is_rule, "{:?}", fault);
            // RFC 6749 App. A.11: visible characters.
            prop_assert!(wrong.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{:?}", fault);
        }
        for (fault, length) in [(CodeFault::Long512, 512), (CodeFault::Long2048, 2048), (CodeFault::Long4096, 4096)] {
            let mut long = "short".to_owned();
            code(&mut long, Fault::Code(fault), &context);
            prop_assert_eq!(long.len(), length);
        }
        for fault in AuthorizationResponseFault::ALL.iter().copied() {
            let honest = AuthorizationDraft {
                status: 307,
                redirect_uri: "http://localhost/callback".to_owned(),
                params: [("code", "c"), ("state", "s"), ("iss", "honest")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec(),
                mode: ResponseMode::Query,
            };
            let mut wrong = honest.clone();
            authorization_response(&mut wrong, Fault::AuthorizationResponse(fault), &context);
            let differ = usize::from(honest.status != wrong.status) + usize::from(honest.params != wrong.params);
            prop_assert_eq!(differ, usize::from(fault != AuthorizationResponseFault::TWIN), "{:?}", fault);
            prop_assert!(wrong.params.iter().any(|(name, value)| name == "code" && value == "c"));
        }
        for fault in EndSessionFault::ALL.iter().copied() {
            let honest = Reply {
                status: 302,
                headers: vec![("location".into(), "http://localhost/out?state=s".into())],
                body: Body::Empty,
                delivery: Delivery::Normal,
            };
            let mut wrong = honest.clone();
            end_session(&mut wrong, Fault::EndSession(fault), &context);
            let expected = usize::from(fault != EndSessionFault::TWIN);
            prop_assert_eq!(answer_differences(&honest, &wrong).len(), expected, "{:?}", fault);
        }
    }

    /// A hook leaves faults of other messages alone, and the same fault gives the same bytes.
    #[test]
    fn hooks_are_pure_and_mind_their_own_faults(world in world()) {
        let context = world.context();
        for fault in Fault::all() {
            let mut token = world.id_token();
            id_token(&mut token, fault, &context);
            let is_own = matches!(fault, Fault::IdToken(_));
            prop_assert!(is_own || token == world.id_token(), "{}", fault);
            let mut again = world.id_token();
            id_token(&mut again, fault, &context);
            prop_assert_eq!(token, again, "{}", fault);
        }
    }
}

/// The fourteen encodings are fourteen: no two of them key the same HMAC.
#[test]
fn public_key_encodings_are_all_different() {
    let scenario = Scenario::honest(Persona::default());
    let second_origin = Url::parse("http://127.0.0.1:1").unwrap();
    let keys = KeyRing::of("default", 0);
    let context = Context {
        scenario: &scenario,
        issuer: "http://127.0.0.1/oauth2/default",
        client_id: "client",
        client_secret: Some("secret"),
        second_origin: &second_origin,
        flow: None,
        keys: &keys,
        now: 1_700_000_000,
        own: Earlier::default(),
        earlier: None,
    };
    let mut seen = BTreeSet::new();
    let encodings = IdTokenFault::ALL
        .iter()
        .filter(|fault| fault.id().contains("hs256-public-key"));
    for fault in encodings {
        let mut draft = TokenDraft {
            header: members(json!({"kid": keys.kid(), "alg": "RS256"})),
            claims: Map::new(),
            signing: Signing::Current,
            mangle: Vec::new(),
            raw_payload: None,
            raw_header: None,
        };
        id_token(&mut draft, Fault::IdToken(*fault), &context);
        let Signing::Hmac(key) = draft.signing else {
            panic!("{fault:?} is no HMAC")
        };
        assert!(seen.insert(key), "{fault:?} repeats another encoding");
    }
    assert_eq!(seen.len(), 14);
}

/// Go's client keeps credentials when it is led to another port of the same host: that is not yet a stranger.
#[test]
fn a_foreign_host_has_another_name_and_is_the_second_origin_all_the_same() {
    let scenario = Scenario::honest(Persona::default());
    let keys = KeyRing::of("default", 0);
    let led_to = |second_origin: &str| {
        let second_origin = Url::parse(second_origin).unwrap();
        let context = Context {
            scenario: &scenario,
            issuer: "http://127.0.0.1:9494/oauth2/default",
            client_id: "client",
            client_secret: None,
            second_origin: &second_origin,
            flow: Some(FlowId(7)),
            keys: &keys,
            now: 1_700_000_000,
            own: Earlier::default(),
            earlier: None,
        };
        context.at_foreign_host("/token")
    };
    assert_eq!(led_to("http://127.0.0.1:9999"), "http://localhost:9999/f-7/token");
    assert_eq!(led_to("http://localhost:9999"), "http://127.0.0.1:9999/f-7/token");
    assert_eq!(led_to("http://idp-b.test:9999"), "http://idp-b.test:9999/f-7/token");
}
