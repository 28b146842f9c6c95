//! The standards that cases stand on, and where to read them.

/// A document with numbered sections.
#[derive(Debug, PartialEq, Eq)]
pub struct Standard {
    /// Short name, as in reports: `OIDC Core 1.0`.
    pub name: &'static str,
    /// Prefix of the URL of a section; the section's number follows.
    pub url: &'static str,
}

/// One clause of a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The document.
    pub standard: &'static Standard,
    /// The section as written in the document, for instance `3.1.3.7`; may name a list item: `3.1.3.7 (3)`.
    pub section: &'static str,
}

impl Standard {
    /// A clause of this document.
    #[must_use]
    pub const fn section(&'static self, section: &'static str) -> Clause {
        Clause {
            standard: self,
            section,
        }
    }
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.section.is_empty() {
            return f.write_str(self.standard.name);
        }
        write!(f, "{} §{}", self.standard.name, self.section)
    }
}

impl Clause {
    /// Where to read it.
    #[must_use]
    pub fn url(&self) -> String {
        let number = self.section.split(' ').next().unwrap_or_default();
        format!("{}{number}", self.standard.url)
    }
}

macro_rules! standards {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $url:literal;)*) => {
        $($(#[$doc])* pub static $id: Standard = Standard { name: $name, url: $url };)*
    };
}

standards! {
    /// OpenID Connect Core 1.0 incorporating errata set 2.
    OIDC_CORE = "OIDC Core 1.0", "https://openid.net/specs/openid-connect-core-1_0.html#section-";
    /// OpenID Connect Discovery 1.0.
    DISCOVERY = "OIDC Discovery 1.0", "https://openid.net/specs/openid-connect-discovery-1_0.html#section-";
    /// OpenID Connect RP-Initiated Logout 1.0.
    RP_LOGOUT = "RP-Initiated Logout 1.0", "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#section-";
    /// OpenID Connect Back-Channel Logout 1.0.
    BACKCHANNEL = "Back-Channel Logout 1.0", "https://openid.net/specs/openid-connect-backchannel-1_0.html#section-";
    /// OpenID Connect Front-Channel Logout 1.0.
    FRONTCHANNEL = "Front-Channel Logout 1.0", "https://openid.net/specs/openid-connect-frontchannel-1_0.html#section-";
    /// The OAuth 2.0 Authorization Framework.
    RFC6749 = "RFC 6749", "https://www.rfc-editor.org/rfc/rfc6749#section-";
    /// Bearer Token Usage.
    RFC6750 = "RFC 6750", "https://www.rfc-editor.org/rfc/rfc6750#section-";
    /// JSON Web Signature.
    RFC7515 = "RFC 7515", "https://www.rfc-editor.org/rfc/rfc7515#section-";
    /// JSON Web Encryption.
    RFC7516 = "RFC 7516", "https://www.rfc-editor.org/rfc/rfc7516#section-";
    /// JSON Web Key.
    RFC7517 = "RFC 7517", "https://www.rfc-editor.org/rfc/rfc7517#section-";
    /// JSON Web Algorithms.
    RFC7518 = "RFC 7518", "https://www.rfc-editor.org/rfc/rfc7518#section-";
    /// JSON Web Token.
    RFC7519 = "RFC 7519", "https://www.rfc-editor.org/rfc/rfc7519#section-";
    /// JWT client authentication.
    RFC7523 = "RFC 7523", "https://www.rfc-editor.org/rfc/rfc7523#section-";
    /// Proof Key for Code Exchange.
    RFC7636 = "RFC 7636", "https://www.rfc-editor.org/rfc/rfc7636#section-";
    /// JSON.
    RFC8259 = "RFC 8259", "https://www.rfc-editor.org/rfc/rfc8259#section-";
    /// Authorization Server Metadata.
    RFC8414 = "RFC 8414", "https://www.rfc-editor.org/rfc/rfc8414#section-";
    /// JWT Best Current Practices.
    RFC8725 = "RFC 8725", "https://www.rfc-editor.org/rfc/rfc8725#section-";
    /// JWT access tokens.
    RFC9068 = "RFC 9068", "https://www.rfc-editor.org/rfc/rfc9068#section-";
    /// HTTP Semantics.
    RFC9110 = "RFC 9110", "https://www.rfc-editor.org/rfc/rfc9110#section-";
    /// HTTP Caching.
    RFC9111 = "RFC 9111", "https://www.rfc-editor.org/rfc/rfc9111#section-";
    /// HTTP/1.1.
    RFC9112 = "RFC 9112", "https://www.rfc-editor.org/rfc/rfc9112#section-";
    /// Authorization Server Issuer Identification.
    RFC9207 = "RFC 9207", "https://www.rfc-editor.org/rfc/rfc9207#section-";
    /// Best Current Practice for OAuth 2.0 Security.
    RFC9700 = "RFC 9700", "https://www.rfc-editor.org/rfc/rfc9700#section-";
    /// Additional HTTP Status Codes.
    RFC6585 = "RFC 6585", "https://www.rfc-editor.org/rfc/rfc6585#section-";
    /// SMTP.
    RFC5321 = "RFC 5321", "https://www.rfc-editor.org/rfc/rfc5321#section-";
    /// Cookies.
    RFC6265BIS = "RFC 6265bis", "https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#";
    /// OWASP Application Security Verification Standard 5.0.
    ASVS = "ASVS 5.0", "https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en#v";
    /// OWASP Web Security Testing Guide.
    WSTG = "WSTG", "https://owasp.org/www-project-web-security-testing-guide/latest/#";
    /// Okta's guide "Sign users in to your web app using the redirect model".
    OKTA_GUIDE = "Okta redirect guide", "https://developer.okta.com/docs/guides/sign-into-web-app-redirect/#";
    /// Okta's guide "Customize tokens returned from Okta with a groups claim".
    OKTA_GROUPS = "Okta groups claim guide", "https://developer.okta.com/docs/guides/customize-tokens-groups-claim/main/#";
    /// No clause: what a robust web app does.
    ROBUSTNESS = "robustness", "https://www.rfc-editor.org/rfc/rfc9110#";
}
