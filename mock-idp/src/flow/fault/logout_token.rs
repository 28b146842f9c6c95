//! What a back-channel logout token, or the request that carries it, can get wrong.

use super::Message;

faults! {
    /// What a back-channel logout request can get wrong.
    LogoutTokenFault, Message::LogoutToken, "logout-token", twin = Resigned;
    Resigned, "resigned", "Back-Channel Logout 1.0 §2.4", "Nothing is wrong: the token went through the hook and was signed again.";
    UnknownClaim, "bc-valid-sid.unknown-claim", "Back-Channel Logout 1.0 §2.4", "The token has a claim that nobody knows, which must be ignored.";
    UnknownField, "bc-valid-sid.unknown-field", "Back-Channel Logout 1.0 §2.5", "The request has a form field that nobody knows, which must be ignored.";
    SidOnly, "bc-valid-sid.sid-only", "Back-Channel Logout 1.0 §2.4", "The token has a sid and no sub, which is allowed.";
    SubOnly, "bc-valid-sub", "Back-Channel Logout 1.0 §2.4", "The token has a sub and no sid, which is allowed.";
    SidUnknown, "bc-unknown-session.sid", "Back-Channel Logout 1.0 §2.7", "The sid belongs to no session.";
    SubUnknown, "bc-unknown-session.sub", "Back-Channel Logout 1.0 §2.7", "The sub belongs to nobody and there is no sid.";
    AlgNone, "bc-alg-none", "Back-Channel Logout 1.0 §2.6", "The token is unsigned and says so.";
    SignatureFlipped, "bc-signature.flipped", "Back-Channel Logout 1.0 §2.6", "One bit of the signature is flipped.";
    OtherKey, "bc-signature.other-key", "Back-Channel Logout 1.0 §2.6", "The token is signed by an unpublished key under the kid of the published one.";
    Hs256ClientSecret, "bc-signature.hs256", "Back-Channel Logout 1.0 §2.6", "HS256 keyed with the client secret although RS256 is registered.";
    IssOther, "bc-wrong-iss.other", "Back-Channel Logout 1.0 §2.6", "The issuer is another one.";
    IssAbsent, "bc-wrong-iss.absent", "Back-Channel Logout 1.0 §2.4", "There is no issuer.";
    AudOther, "bc-wrong-aud.other", "Back-Channel Logout 1.0 §2.6", "The audience is another client.";
    AudAbsent, "bc-wrong-aud.absent", "Back-Channel Logout 1.0 §2.4", "There is no audience.";
    EventsAbsent, "bc-event.absent", "Back-Channel Logout 1.0 §2.4", "There is no events claim.";
    EventsOther, "bc-event.other", "Back-Channel Logout 1.0 §2.4", "The events claim names another event.";
    EventsNoObject, "bc-event.no-object", "Back-Channel Logout 1.0 §2.4", "The events claim is a string.";
    Nonce, "bc-nonce", "Back-Channel Logout 1.0 §2.4", "The token has a nonce, which is prohibited.";
    NoSubNoSid, "bc-missing-claims.sub-and-sid", "Back-Channel Logout 1.0 §2.4", "The token has neither sub nor sid.";
    IatAbsent, "bc-missing-claims.iat", "Back-Channel Logout 1.0 §2.4", "There is no iat.";
    JtiAbsent, "bc-missing-claims.jti", "Back-Channel Logout 1.0 §2.4", "There is no jti.";
    ExpAbsent, "bc-missing-claims.exp", "Back-Channel Logout 1.0 §2.4", "There is no exp.";
    ExpPast1h, "bc-stale.exp", "Back-Channel Logout 1.0 §2.6", "The token expired an hour ago.";
    IatPast1d, "bc-stale.iat", "Back-Channel Logout 1.0 §2.6", "The token was issued a day ago.";
    JtiFixed, "bc-stale.jti", "Back-Channel Logout 1.0 §2.6", "Every token of the flow has the same jti.";
    IdToken, "bc-cross-jwt.id-token", "Back-Channel Logout 1.0 §4.1", "The logout token is really the ID token of the session.";
    AccessToken, "bc-cross-jwt.access-token", "Back-Channel Logout 1.0 §4.1", "The logout token is really the access token of the session.";
    TypLogoutJwt, "bc-cross-jwt.typ-logout-jwt", "Back-Channel Logout 1.0 §2.4", "The typ is logout+jwt, which is recommended.";
    TypJwt, "bc-cross-jwt.typ-jwt", "Back-Channel Logout 1.0 §2.4", "The typ is JWT, which is allowed.";
    TypAbsent, "bc-cross-jwt.typ-absent", "Back-Channel Logout 1.0 §2.4", "There is no typ, which is allowed.";
    RequestGet, "bc-bad-request.get", "Back-Channel Logout 1.0 §2.5", "The token comes in the query of a GET.";
    RequestEmpty, "bc-bad-request.empty", "Back-Channel Logout 1.0 §2.5", "The body is empty.";
    RequestJson, "bc-bad-request.json", "Back-Channel Logout 1.0 §2.5", "The token comes in a JSON body.";
    RequestTwice, "bc-bad-request.twice", "Back-Channel Logout 1.0 §2.5", "The body has two logout_token fields.";
    RequestHuge, "bc-bad-request.huge", "Back-Channel Logout 1.0 §2.5", "The token is a megabyte long.";
    RequestOptions, "bc-bad-request.options", "Back-Channel Logout 1.0 §2.5", "The request is an OPTIONS of another origin.";
}

/// How a logout token is carried to the relying party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutRequest {
    /// As the standard says: POST, form-encoded, one field `logout_token`.
    Form,
    /// As `Form`, with a field that nobody knows.
    FormWithUnknownField,
    /// GET with the token in the query.
    Get,
    /// POST with the form content type and nothing in it.
    Empty,
    /// POST of `{"logout_token":"…"}`.
    Json,
    /// POST with the field twice.
    Twice,
    /// OPTIONS with `Origin` and `Access-Control-Request-Method`, no body.
    Options,
}

impl LogoutTokenFault {
    /// How the token is carried under this fault.
    #[must_use]
    pub const fn request(self) -> LogoutRequest {
        match self {
            LogoutTokenFault::UnknownField => LogoutRequest::FormWithUnknownField,
            LogoutTokenFault::RequestGet => LogoutRequest::Get,
            LogoutTokenFault::RequestEmpty => LogoutRequest::Empty,
            LogoutTokenFault::RequestJson => LogoutRequest::Json,
            LogoutTokenFault::RequestTwice => LogoutRequest::Twice,
            LogoutTokenFault::RequestOptions => LogoutRequest::Options,
            _ => LogoutRequest::Form,
        }
    }
}
