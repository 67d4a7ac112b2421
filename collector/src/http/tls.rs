//! TLS configuration of a client, rebuilt when its files change.
//!
//! Owns the rustls configuration, the trust anchors and the client identity. Never knows hosts or
//! sockets. Invariant: once a configuration was good, a later bad file never takes it away.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use runnel_config::settings::{Pem, Tls, TlsVersion};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::time::Instant;

use super::HttpError;
use super::file::{self, Pace, Stamp};
use super::tls_reason::plain_reason;
use super::tls_verify::{AcceptAny, TrustListed};

/// The system's certificate authorities, read at first use and shared by all clients.
///
/// They are not read again: a new bundle of the base image comes with a new container.
#[derive(Clone, Debug, Default)]
pub struct SystemRoots {
    store: Arc<OnceLock<Result<Arc<RootCertStore>, String>>>,
}

impl SystemRoots {
    fn store(&self) -> Result<Arc<RootCertStore>, String> {
        self.store.get_or_init(load_system_roots).clone()
    }
}

/// TLS settings and the configuration made of them.
pub(super) struct TlsSource {
    settings: Tls,
    roots: SystemRoots,
    /// Guards the cached configuration; held while small files are read.
    state: Mutex<State>,
}

/// A configuration and its number, which grows with each change of the files.
#[derive(Clone)]
pub(super) struct TlsVersioned {
    pub(super) config: Arc<ClientConfig>,
    pub(super) generation: u64,
}

struct State {
    pace: Pace,
    stamps: Vec<Option<Stamp>>,
    current: Option<TlsVersioned>,
    problem: Option<String>,
}

impl TlsSource {
    /// Keeps the settings; files are read at first use, since they may appear later.
    pub(super) fn new(settings: &Tls, roots: SystemRoots, check_every: Duration) -> Self {
        let state = State {
            pace: Pace::new(check_every),
            stamps: Vec::new(),
            current: None,
            problem: None,
        };
        Self { settings: settings.clone(), roots, state: Mutex::new(state) }
    }

    /// The configuration as of `now`.
    ///
    /// # Errors
    /// [`HttpError::Credentials`] when no configuration could ever be made.
    pub(super) fn current(&self, now: Instant) -> Result<TlsVersioned, HttpError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.pace.due(now) {
            self.refresh(&mut state);
        }
        let problem = || state.problem.clone().unwrap_or_default();
        state.current.clone().ok_or_else(|| HttpError::Credentials { cause: problem() })
    }

    /// Number of the configuration in use; the same rules as [`Self::current`].
    pub(super) fn generation(&self, now: Instant) -> Option<u64> {
        self.current(now).ok().map(|current| current.generation)
    }

    /// Why the newest files are not in use, if so.
    pub(super) fn problem(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Name to verify instead of the URL's host.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.settings.server_name.as_deref()
    }

    fn refresh(&self, state: &mut State) {
        // Stamps are taken before the files are read: a change in between shows at the next look.
        let stamps: Vec<_> = self.files().map(Stamp::of).collect();
        let settled = state.current.is_some() || state.problem.is_some();
        let missing = stamps.iter().any(Option::is_none);
        if settled && !missing && stamps == state.stamps {
            return;
        }
        state.stamps = stamps;
        match build(&self.settings, &self.roots) {
            Ok(config) => {
                let generation = state.current.as_ref().map_or(1, |old| old.generation + 1);
                state.current = Some(TlsVersioned { config: Arc::new(config), generation });
                state.problem = None;
            }
            Err(problem) => state.problem = Some(problem),
        }
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        let identity = self.settings.identity.iter().flat_map(|(chain, key)| [chain, key]);
        self.settings.ca.iter().chain(identity).filter_map(|pem| match pem {
            Pem::File(path) => Some(path.as_path()),
            Pem::Inline(_) => None,
        })
    }
}

fn build(settings: &Tls, roots: &SystemRoots) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(settings)?)
        .map_err(|e| format!("set up TLS: {e}"))?;
    let builder = if settings.insecure_skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny::new(provider)))
    } else {
        match &settings.ca {
            Some(pem) => {
                let (anchors, certificates) = authorities(pem)?;
                let verifier = TrustListed::new(anchors, certificates, provider)
                    .map_err(|e| format!("set up TLS: {e}"))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            None => builder.with_root_certificates(roots.store()?),
        }
    };
    let mut config = match &settings.identity {
        Some((chain, key)) => {
            let (chain, key) = identity(chain, key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| format!("use the client certificate: {}", plain_reason(&e)))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS_MAX);
    Ok(config)
}

fn versions(settings: &Tls) -> Result<&'static [&'static SupportedProtocolVersion], String> {
    use rustls::version::{TLS12, TLS13};
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match (settings.version_min, settings.version_max) {
        (TlsVersion::Tls12, TlsVersion::Tls13) => Ok(&BOTH),
        (TlsVersion::Tls13, TlsVersion::Tls13) => Ok(&BOTH[..1]),
        (TlsVersion::Tls12, TlsVersion::Tls12) => Ok(&BOTH[1..]),
        (TlsVersion::Tls13, TlsVersion::Tls12) => {
            Err("set up TLS: the lowest version is above the highest".to_owned())
        }
    }
}

fn text(pem: &Pem) -> Result<(Vec<u8>, String), String> {
    match pem {
        Pem::File(path) => Ok((file::read(path)?, format!("file {}", path.display()))),
        Pem::Inline(secret) => Ok((secret.reveal().as_bytes().to_vec(), "inline PEM".to_owned())),
    }
}

type Authorities = (RootCertStore, Vec<CertificateDer<'static>>);

fn authorities(pem: &Pem) -> Result<Authorities, String> {
    let (bytes, name) = text(pem)?;
    let certificates = certificates(&bytes, &name)?;
    let mut store = RootCertStore::empty();
    // As Go: what does not parse is passed over as long as something is left to trust.
    let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
    if added == 0 {
        return Err(format!("read authorities from {name}: no certificate in it can be read"));
    }
    Ok((store, certificates))
}

fn certificates(bytes: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("read certificates from {name}: {e}"))?;
    if found.is_empty() {
        return Err(format!("read certificates from {name}: no certificate in it"));
    }
    Ok(found)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(chain: &Pem, key: &Pem) -> Result<Identity, String> {
    let (chain_bytes, chain_name) = text(chain)?;
    let (key_bytes, key_name) = text(key)?;
    let chain = certificates(&chain_bytes, &chain_name)?;
    let key = PrivateKeyDer::from_pem_slice(&key_bytes)
        .map_err(|e| format!("read the private key from {key_name}: {e}"))?;
    Ok((chain, key))
}

fn load_system_roots() -> Result<Arc<RootCertStore>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // One odd certificate in a system's bundle must not take away the others.
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let cause = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(format!("read the system's certificate authorities: {cause}"));
    }
    Ok(Arc::new(store))
}

impl fmt::Debug for TlsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSource").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Sessions a client remembers for resumption. Connections are kept, so only targets that close
/// after each answer use them; one session is about 2 KiB.
const TLS_SESSIONS_MAX: usize = 64;

#[cfg(test)]
mod tests;
