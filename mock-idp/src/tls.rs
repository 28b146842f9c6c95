//! https for those whose SDK insists on it: a CA and certificates made at start, right ones and wrong ones.
//!
//! A listener has one certificate for everybody, so that a fault of it reaches every authorization server of the org. When
//! it changes, open connections end: whoever comes next must look at the new certificate, and cannot resume what was
//! agreed under the old one, because each certificate has a configuration of its own.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use time::{Duration, OffsetDateTime};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{
    LazyConfigAcceptor,
    rustls::{ServerConfig, server::Acceptor},
    server::TlsStream,
};

use crate::{
    flow::{
        fault::{Fault, TlsFault},
        record::{Event, Stamp},
    },
    idp::Idp,
};

/// Some platforms refuse longer-lived ones even of a CA that they were told to trust (Apple's: 825 days).
const LIFETIME: Duration = Duration::days(398);

/// The certificates of a listener, and which of them it presents.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) ca_pem: String,
    right: Certificate,
    faulty: Arc<[(TlsFault, Certificate)]>,
    presented: watch::Sender<Presented>,
    idp: Arc<Idp>,
}

/// What is presented at the moment.
#[derive(Clone)]
pub(crate) struct Presented {
    certificate: Certificate,
    /// The authorization server whose fault this is, and the fault.
    fault: Option<(String, TlsFault)>,
}

/// A certificate ready to be used.
#[derive(Clone)]
struct Certificate {
    config: Arc<ServerConfig>,
    pem: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("ca_pem", &self.ca_pem)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// A fresh CA and certificates for this host, `localhost` and the address.
    pub(crate) fn make(idp: &Arc<Idp>, host: &str, address: IpAddr) -> Result<Self, String> {
        build(idp, host, address).map_err(|error| error.to_string())
    }

    /// This certificate chain with its key, PEM. What stands for wrong ones is made, and signed by nobody's CA.
    pub(crate) fn own(idp: &Arc<Idp>, host: &str, address: IpAddr, chain: &str, key: &str) -> Result<Self, String> {
        let right = own(chain, key)?;
        let made = Self::make(idp, host, address)?;
        // Reissued by another CA it would be an untrusted one, which is another fault.
        let faulty: Vec<(TlsFault, Certificate)> = made
            .faulty
            .iter()
            .filter(|(fault, _)| *fault != TlsFault::Reissued)
            .cloned()
            .collect();
        Ok(Self {
            ca_pem: chain.to_owned(),
            faulty: faulty.into(),
            presented: watch::Sender::new(Presented {
                certificate: right.clone(),
                fault: None,
            }),
            right,
            idp: idp.clone(),
        })
    }

    /// These are the faults of this server from now on. Another server's certificate fault stays in force.
    pub(crate) fn misbehave(&self, server: &str, faults: &[Fault]) {
        let wanted = faults.iter().find_map(|fault| match fault {
            Fault::Tls(fault) => self.faulty.iter().find(|(known, _)| known == fault),
            _ => None,
        });
        let next = wanted.map(|(fault, certificate)| Presented {
            certificate: certificate.clone(),
            fault: Some((server.to_owned(), *fault)),
        });
        self.presented.send_if_modified(|presented| {
            let ours = presented.fault.as_ref().is_some_and(|(owner, _)| owner == server);
            match next {
                Some(next) => *presented = next,
                None if ours => *presented = self.honest(),
                None => return false,
            }
            true
        });
    }

    fn honest(&self) -> Presented {
        Presented {
            certificate: self.right.clone(),
            fault: None,
        }
    }

    /// Follows which certificate is presented.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Presented> {
        self.presented.subscribe()
    }

    /// Answers a client's greeting with this certificate; `None` when it will not have it.
    pub(crate) async fn handshake(&self, presented: &Presented, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
        let Presented { certificate, fault } = presented;
        if let Some((server, fault)) = fault {
            let fault = Fault::Tls(*fault);
            let sent = Event::Sent {
                fault,
                message: fault.message(),
                twin: self.right.pem.clone(),
                bytes: certificate.pem.clone(),
            };
            self.idp.journal.append(Stamp::now(), None, server, sent);
        }
        start.into_stream(certificate.config.clone()).await.ok()
    }
}

type Failure = Box<dyn std::error::Error>;

fn build(idp: &Arc<Idp>, host: &str, address: IpAddr) -> Result<Tls, Failure> {
    let ca_key = KeyPair::generate()?;
    let now = OffsetDateTime::now_utc();
    // A clock that is a little behind, in a container for instance, is no reason to fail.
    let (from, to) = (now - Duration::DAY, now + LIFETIME);
    let mut ca = CertificateParams::default();
    (ca.not_before, ca.not_after) = (from, to);
    ca.distinguished_name.push(DnType::CommonName, "mock-idp test CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);
    let named = |host: &str| -> Result<CertificateParams, Failure> {
        let mut leaf = CertificateParams::new(vec![host.to_owned()])?;
        (leaf.not_before, leaf.not_after) = (from, to);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.distinguished_name.push(DnType::CommonName, host);
        leaf.use_authority_key_identifier_extension = true;
        Ok(leaf)
    };
    let ours = || -> Result<CertificateParams, Failure> {
        let mut leaf = named(host)?;
        leaf.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
        leaf.subject_alt_names.push(SanType::IpAddress(address));
        Ok(leaf)
    };
    let mut expired = ours()?;
    (expired.not_before, expired.not_after) = (from - LIFETIME, from);
    let right = signed(&ours()?, Some(&issuer))?;
    let faulty = [
        (TlsFault::Reissued, signed(&ours()?, Some(&issuer))?),
        (TlsFault::Untrusted, signed(&ours()?, None)?),
        (TlsFault::Expired, signed(&expired, Some(&issuer))?),
        (TlsFault::WrongHost, signed(&named("other.example")?, Some(&issuer))?),
    ];
    Ok(Tls {
        ca_pem,
        faulty: Arc::new(faulty),
        presented: watch::Sender::new(Presented {
            certificate: right.clone(),
            fault: None,
        }),
        right,
        idp: idp.clone(),
    })
}

/// A certificate chain and its key from PEM.
fn own(chain: &str, key: &str) -> Result<Certificate, String> {
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("the certificate is no PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("the file of the certificate holds none (PEM, BEGIN CERTIFICATE)".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("the file of the key holds none (PEM, BEGIN PRIVATE KEY): {error}"))?;
    let config = server_config(certificates, key).map_err(|error| format!("certificate and key: {error}"))?;
    Ok(Certificate {
        config: Arc::new(config),
        pem: chain.to_owned(),
    })
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, tokio_rustls::rustls::Error> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificate with a key of its own, signed by the CA, or by itself.
fn signed(leaf: &CertificateParams, issuer: Option<&Issuer<'_, KeyPair>>) -> Result<Certificate, Failure> {
    let key = KeyPair::generate()?;
    let certificate = match issuer {
        Some(issuer) => leaf.signed_by(&key, issuer)?,
        None => leaf.self_signed(&key)?,
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Certificate {
        config: Arc::new(server_config(vec![certificate.der().clone()], key)?),
        pem: certificate.pem(),
    })
}
