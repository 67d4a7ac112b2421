//! A certificate authority of one scenario.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

/// A private authority: signs server and client certificates for loopback.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    /// A fresh one; two of them do not trust each other.
    ///
    /// # Panics
    /// When the cryptography library refuses.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.distinguished_name.push(DnType::CommonName, "runnel test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be generated");
        let certificate = params.self_signed(&key).expect("an authority can sign itself");
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// The authority's certificate as PEM, for `ca_file`.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for `names` (host names or addresses) and its key, both PEM.
    ///
    /// # Panics
    /// When a name is not one.
    pub fn sign(&self, names: &[&str]) -> (String, String) {
        let (certificate, key) = self.leaf(names);
        (certificate.pem(), key.serialize_pem())
    }

    /// TLS of a server that calls itself `names`; with `client_ca` it demands a certificate that
    /// this authority signed.
    ///
    /// # Panics
    /// When a name is not one.
    pub fn server(&self, names: &[&str], demand_client: bool) -> Arc<ServerConfig> {
        let (certificate, key) = self.leaf(names);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3");
        let builder = if demand_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.der().clone()).expect("our own certificate is valid");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("one root is enough"))
        } else {
            builder.with_no_client_auth()
        };
        let config = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("certificate and key belong together");
        Arc::new(config)
    }

    fn leaf(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).expect("the names are host names or addresses");
        let key = KeyPair::generate().expect("a key can be generated");
        let certificate = params.signed_by(&key, &self.issuer).expect("an authority can sign");
        (certificate, key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
