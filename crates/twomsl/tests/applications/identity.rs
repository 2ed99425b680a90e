//! The certificate of the host `server`, made once. Its key is random and appears in no
//! comparison: TLS makes the lengths of what it sends depend on no key of this kind.

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

static CONFIGS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    // A signature with Ed25519 has always the same length.
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("ring makes keys");
    let names = vec!["server".to_owned()];
    let parameters = rcgen::CertificateParams::new(names).expect("the name is sound");
    let certificate = parameters.self_signed(&key).expect("the key signs");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key has a known form");

    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).expect("the certificate is sound");
    let provider = Arc::new(default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("certificate and key belong together");
    (Arc::new(server), Arc::new(client))
});

/// What the server has.
pub(crate) fn of_server() -> Arc<ServerConfig> {
    Arc::clone(&CONFIGS.0)
}

/// Whom the client trusts.
pub(crate) fn known_to_client() -> Arc<ClientConfig> {
    Arc::clone(&CONFIGS.1)
}
