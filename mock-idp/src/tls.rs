//! https for those whose SDK insists on it: a CA and a certificate made at start.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// Some platforms refuse longer-lived ones even of a CA that they were told to trust (Apple's: 825 days).
const LIFETIME: Duration = Duration::days(398);

/// A certificate in use and the CA that signed it.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("ca_pem", &self.ca_pem)
            .finish_non_exhaustive()
    }
}

/// A fresh CA and a certificate for this host, `localhost` and the address.
pub(crate) fn make(host: &str, address: IpAddr) -> Result<Tls, String> {
    build(host, address).map_err(|error| error.to_string())
}

fn build(host: &str, address: IpAddr) -> Result<Tls, Box<dyn std::error::Error>> {
    let ca_key = KeyPair::generate()?;
    // A clock that is a little behind, in a container for instance, is no reason to fail.
    let (from, to) = (
        OffsetDateTime::now_utc() - Duration::DAY,
        OffsetDateTime::now_utc() + LIFETIME,
    );
    let mut ca = CertificateParams::default();
    (ca.not_before, ca.not_after) = (from, to);
    ca.distinguished_name.push(DnType::CommonName, "mock-idp test CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(vec![host.to_owned(), "localhost".to_owned()])?;
    (leaf.not_before, leaf.not_after) = (from, to);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.distinguished_name.push(DnType::CommonName, host);
    leaf.subject_alt_names.push(SanType::IpAddress(address));
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&key, &issuer)?;

    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca_pem,
    })
}
