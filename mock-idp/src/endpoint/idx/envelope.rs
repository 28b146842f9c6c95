//! The envelope of every IDX answer: the handle, what may be done next (`remediation`), who is asked, for which application.

use serde_json::{Map, Value, json};

use crate::{
    clock::iso8601,
    endpoint::page,
    exchange::Exchange,
    flow::store::{Asker, Request, Stage, Transaction},
    okta::problem::{Message, Problem},
    protocol::keys::digest43,
    tenant::{PageStyle, emailed_code},
};

pub(super) const ION: &str = "application/ion+json; okta-version=1.0.0";
const JSON: &str = "application/json; okta-version=1.0.0";

/// Something that somebody can be known by.
pub(super) struct Authenticator {
    pub(super) id: &'static str,
    enrollment: &'static str,
    key: &'static str,
    kind: &'static str,
    name: &'static str,
    method: &'static str,
    label: &'static str,
}

const PASSWORD: Authenticator = Authenticator {
    id: "autmockpassword00000",
    enrollment: "laemockpassword00000",
    key: "okta_password",
    kind: "password",
    name: "Password",
    method: "password",
    label: "Password",
};
const GOOGLE: Authenticator = Authenticator {
    id: "autmockgoogleotp0000",
    enrollment: "uftmockgoogleotp0000",
    key: "google_otp",
    kind: "app",
    name: "Google Authenticator",
    method: "otp",
    label: "Enter code",
};

const EMAIL: Authenticator = Authenticator {
    id: "autmockemail00000000",
    enrollment: "eaemockemail00000000",
    key: "okta_email",
    kind: "email",
    name: "Email",
    method: "email",
    label: "Enter code",
};

impl Authenticator {
    fn described(&self, id: &str) -> Value {
        json!({
            "type": self.kind,
            "key": self.key,
            "id": id,
            "displayName": self.name,
            "methods": [{"type": self.method}],
        })
    }
}

/// What this stage asks for.
pub(super) fn authenticator(stage: &Stage) -> Option<Authenticator> {
    match stage {
        Stage::Password => Some(PASSWORD),
        Stage::NewPassword { .. } => Some(PASSWORD),
        Stage::Passcode { secret, .. } if emailed_code(secret).is_some() => Some(EMAIL),
        Stage::Passcode { .. } | Stage::Enroll { .. } => Some(GOOGLE),
        _ => None,
    }
}

/// The envelope of a transaction.
pub(super) fn of(exchange: &Exchange, handle: &str, transaction: &Transaction, problem: Problem) -> Map<String, Value> {
    let state = format!("{handle}~c.{}", &digest43(handle)[..22]);
    let forms = Forms {
        org: exchange.org(),
        state: &state,
    };
    let mut envelope = Map::new();
    let mut put = |name: &str, value: Value| envelope.insert(name.to_owned(), value);
    put("version", "1.0.0".into());
    put("stateHandle", state.clone().into());
    put("expiresAt", iso8601(transaction.expires).into());
    put("intent", "LOGIN".into());
    let remediation = remediation(exchange, transaction, problem, &forms);
    if !remediation.is_empty() {
        put("remediation", array(remediation));
    }
    if let Some(message) = problem.of_request() {
        put("messages", messages(message));
    }
    if let Stage::Enroll { secret, .. } = &transaction.stage {
        let mut current = GOOGLE.described(GOOGLE.id);
        current["contextualData"] = json!({"sharedSecret": secret});
        put("currentAuthenticator", object(current));
        put("authenticators", array(vec![GOOGLE.described(GOOGLE.id)]));
    } else if let Some(current) = authenticator(&transaction.stage) {
        let enrolled = current.described(current.enrollment);
        put("currentAuthenticatorEnrollment", object(enrolled.clone()));
        put("authenticators", array(vec![current.described(current.id)]));
        put("authenticatorEnrollments", array(vec![enrolled]));
    }
    if !matches!(transaction.stage, Stage::Identify) {
        let mut user = Map::new();
        if let Stage::Passcode { subject, .. } | Stage::NewPassword { subject, .. } | Stage::Enroll { subject, .. } =
            &transaction.stage
        {
            user.insert("id".to_owned(), subject.persona.sub.clone().into());
        }
        if let Stage::Signed(session) | Stage::Consent { session, .. } = &transaction.stage {
            user.insert("id".to_owned(), session.subject.persona.sub.clone().into());
        }
        user.insert("identifier".to_owned(), transaction.identifier.clone().into());
        put("user", object(user.into()));
    }
    if matches!(transaction.stage, Stage::Signed(_)) && transaction.request.asker != Asker::Interaction {
        let href = format!("{}/login/token/redirect?stateToken={handle}", exchange.org());
        put("success", json!({"name": "success-redirect", "href": href}));
    }
    put("cancel", forms.form("cancel", "cancel", None, Vec::new()));
    let client = exchange.idp.client(&transaction.request.client_id);
    let app = client.map_or_else(
        || json!({"name": "okta_enduser", "label": "Okta Dashboard", "id": "DEFAULT_APP"}),
        |client| json!({"name": "oidc_client", "label": client.name, "id": client.id}),
    );
    put("app", object(app));
    envelope
}

/// The forms of which one is to be sent next.
fn remediation(exchange: &Exchange, transaction: &Transaction, problem: Problem, forms: &Forms<'_>) -> Vec<Value> {
    match &transaction.stage {
        Stage::Signed(_) => Vec::new(),
        Stage::Identify => {
            let mut identifier = json!({"name": "identifier", "label": "Username", "required": true});
            if !transaction.identifier.is_empty() {
                identifier["value"] = transaction.identifier.clone().into();
            }
            complain(&mut identifier, problem.of_identifier_field());
            let mut fields = vec![identifier];
            if exchange.idp.tenant().page != PageStyle::IdentifierFirst {
                fields.push(credentials(&PASSWORD, problem));
            }
            fields.push(json!({"name": "rememberMe", "type": "boolean", "label": "Keep me signed in"}));
            vec![forms.form("identify", "identify", None, fields)]
        }
        Stage::Consent { scopes, .. } => {
            let options: Vec<Value> = scopes
                .iter()
                .map(|name| {
                    let label = page::scope_label(exchange, &transaction.request.server, name);
                    json!({"name": name, "label": label, "value": name, "desc": label})
                })
                .collect();
            let scopes = json!({"name": "scopes", "type": "object", "required": true, "options": options});
            let consent = json!({"name": "consent", "type": "boolean", "required": true, "visible": false});
            vec![forms.form("consent", "consent", None, vec![scopes, consent])]
        }
        Stage::NewPassword { .. } => {
            let field = Authenticator {
                label: "New password",
                ..PASSWORD
            };
            vec![forms.form(
                "reenroll-authenticator",
                "challenge/answer",
                Some("$.currentAuthenticatorEnrollment"),
                vec![credentials(&field, problem)],
            )]
        }
        Stage::Enroll { .. } => vec![forms.form(
            "enroll-authenticator",
            "challenge/answer",
            Some("$.currentAuthenticator"),
            vec![credentials(&GOOGLE, problem)],
        )],
        stage => authenticator(stage).map_or_else(Vec::new, |current| {
            let answer = forms.form(
                "challenge-authenticator",
                "challenge/answer",
                Some("$.currentAuthenticatorEnrollment"),
                vec![credentials(&current, problem)],
            );
            let option = json!({
                "label": current.name,
                "value": {"form": {"value": [
                    {"name": "id", "required": true, "value": current.id, "mutable": false},
                    {"name": "methodType", "required": false, "value": current.method, "mutable": false},
                ]}},
                "relatesTo": "$.authenticatorEnrollments.value[0]",
            });
            let choice = json!({"name": "authenticator", "type": "object", "options": [option]});
            let select = forms.form("select-authenticator-authenticate", "challenge", None, vec![choice]);
            vec![answer, select]
        }),
    }
}

fn credentials(of: &Authenticator, problem: Problem) -> Value {
    let mut passcode = json!({"name": "passcode", "label": of.label, "required": true, "visible": true});
    if of.kind == "password" {
        passcode["secret"] = true.into();
    }
    complain(&mut passcode, problem.of_passcode_field());
    json!({"name": "credentials", "type": "object", "form": {"value": [passcode]}, "required": true})
}

fn complain(field: &mut Value, message: Option<Message>) {
    if let Some(message) = message {
        field["messages"] = messages(message);
    }
}

/// An end for an application: its interaction code, as the token request that redeems it.
pub(super) fn add_interaction_code(
    exchange: &Exchange,
    envelope: &mut Map<String, Value>,
    request: &Request,
    code: &str,
) {
    let endpoint = match request.server.as_str() {
        "" => format!("{}/oauth2/v1/token", exchange.org()),
        server => format!("{}/oauth2/{server}/v1/token", exchange.org()),
    };
    let fields = json!([
        {"name": "grant_type", "required": true, "value": "interaction_code"},
        {"name": "interaction_code", "required": true, "value": code},
        {"name": "client_id", "required": true, "value": request.client_id},
        {"name": "code_verifier", "required": true},
    ]);
    let success = json!({
        "rel": ["create-form"],
        "name": "issue",
        "href": endpoint,
        "method": "POST",
        "value": fields,
        "accepts": "application/x-www-form-urlencoded",
    });
    envelope.insert("successWithInteractionCode".to_owned(), success);
}

/// One message, as a list.
pub(super) fn messages(message: Message) -> Value {
    let Message(text, key) = message;
    array(vec![
        json!({"message": text, "i18n": {"key": key, "params": []}, "class": "ERROR"}),
    ])
}

/// What all forms of one envelope share.
struct Forms<'a> {
    org: &'a str,
    state: &'a str,
}

impl Forms<'_> {
    fn form(&self, name: &str, path: &str, relates_to: Option<&str>, mut fields: Vec<Value>) -> Value {
        fields.push(json!({
            "name": "stateHandle",
            "required": true,
            "value": self.state,
            "visible": false,
            "mutable": false,
        }));
        let mut form = Map::new();
        let mut put = |name: &str, value: Value| form.insert(name.to_owned(), value);
        put("rel", json!(["create-form"]));
        put("name", name.into());
        if let Some(place) = relates_to {
            put("relatesTo", json!([place]));
        }
        put("href", format!("{}/idp/idx/{path}", self.org).into());
        put("method", "POST".into());
        put("produces", ION.into());
        put("value", fields.into());
        put("accepts", JSON.into());
        form.into()
    }
}

fn array(values: Vec<Value>) -> Value {
    json!({"type": "array", "value": values})
}

fn object(value: Value) -> Value {
    json!({"type": "object", "value": value})
}
