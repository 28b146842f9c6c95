//! What browsers send over TLS: the gate answers as the server itself, with a certificate that the browser was told to take,
//! so that https is seen like everything else.

use std::sync::{Arc, OnceLock};

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// One certificate for all gates of this process: browsers are told not to look at it.
static ACCEPTOR: OnceLock<Option<TlsAcceptor>> = OnceLock::new();

/// What speaks TLS in the place of every server; `None` where no certificate can be made.
pub(super) fn acceptor() -> Option<&'static TlsAcceptor> {
    ACCEPTOR.get_or_init(make).as_ref()
}

fn make() -> Option<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).ok()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .ok()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsAcceptor::from(Arc::new(config)))
}
