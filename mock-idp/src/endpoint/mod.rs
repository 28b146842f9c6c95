//! parse → decide → tamper → record → answer; one file for each endpoint.

pub(crate) mod activate;
pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod authorize;
pub(crate) mod client_assertion;
pub(crate) mod client_auth;
pub(crate) mod clients;
pub(crate) mod decide;
pub(crate) mod dpop;
pub(crate) mod global_token_revocation;
pub(crate) mod grant;
pub(crate) mod introspect;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod logout;
pub(crate) mod metadata;
pub(crate) mod page;
pub(crate) mod par;
pub(crate) mod request_object;
pub(crate) mod respond;
pub(crate) mod revoke;
pub(crate) mod second_origin;
pub(crate) mod sign_in;
pub(crate) mod token;
pub(crate) mod tokens;
pub(crate) mod userinfo;
