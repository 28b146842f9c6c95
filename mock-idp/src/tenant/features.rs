//! Features of an org.

/// Feature-dependent rows of the metadata, and how a feature answers where sources differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[non_exhaustive]
pub struct Features {
    /// `id_token_encryption_*` (since 2026).
    pub id_token_encryption: bool,
    /// `device_authorization_endpoint`.
    pub device: bool,
    /// `pushed_authorization_request_endpoint`; several clients push as soon as they see it.
    pub par: bool,
    /// Pushed requests are answered with 201, as RFC 9126 §2.2 has it, instead of the 200 of Okta's specification.
    pub par_created: bool,
    /// `backchannel_*`.
    pub ciba: bool,
    /// `dpop_signing_alg_values_supported`.
    pub dpop: bool,
    /// Who is locked out is told so by `/api/v1/authn`; by default a locked account is like an unknown one.
    pub show_lockout: bool,
    /// Custom authorization servers, which Okta licenses apart.
    pub api_access_management: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            id_token_encryption: true,
            device: true,
            par: true,
            par_created: false,
            ciba: true,
            dpop: true,
            show_lockout: false,
            api_access_management: true,
        }
    }
}
