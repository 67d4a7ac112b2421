//! TLS failures in words.
//!
//! Owns the texts. Pure.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::tls_verify::shows_authority;

/// Why rustls failed, in words that an operator can act on.
pub(super) fn plain_reason(error: &Error) -> String {
    match error {
        error if shows_authority(error) => {
            "the server shows a certificate of an authority (CA:TRUE) as its own; list it as a ca"
                .to_owned()
        }
        Error::InvalidCertificate(cause) => certificate_reason(cause),
        Error::AlertReceived(alert) => alert_reason(*alert),
        Error::InvalidMessage(_) => "the peer does not speak TLS on this port".to_owned(),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the server offers no TLS version that is allowed here".to_owned(),
        Error::InconsistentKeys(_) => "the private key does not belong to the certificate".into(),
        other => other.to_string(),
    }
}

/// The rustls error inside an I/O error, if TLS caused it.
pub(super) fn tls_cause(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

fn certificate_reason(cause: &CertificateError) -> String {
    match cause {
        CertificateError::Expired => "the server's certificate has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired {} ago",
            span(time.as_secs().saturating_sub(not_after.as_secs()))
        ),
        CertificateError::NotValidYet => "the server's certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is valid only in {}; check both clocks",
            span(not_before.as_secs().saturating_sub(time.as_secs()))
        ),
        CertificateError::NotValidForName => {
            "the server's certificate is for another name".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            // Shape: the library writes `DnsName("x")`; only the name is of interest.
            let names: Vec<_> = presented.iter().take(NAMES_MAX).map(|name| bare(name)).collect();
            let more = presented.len().saturating_sub(NAMES_MAX);
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("the server's certificate is for {names}{more}, not for {}", expected.to_str())
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate was signed by an unknown authority".to_owned()
        }
        CertificateError::BadSignature => {
            "the server's certificate has a wrong signature".to_owned()
        }
        CertificateError::Revoked => "the server's certificate is revoked".to_owned(),
        other => format!("the server's certificate is not valid: {other}"),
    }
}

fn alert_reason(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server requires a client certificate".to_owned()
        }
        AlertDescription::UnknownCA => {
            "the server does not know the authority of our certificate".to_owned()
        }
        AlertDescription::CertificateExpired => "the server says our certificate expired".into(),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::UnsupportedCertificate => {
            format!("the server refused our certificate ({alert:?})")
        }
        AlertDescription::ProtocolVersion => {
            "the server accepts no TLS version that is allowed here".to_owned()
        }
        AlertDescription::HandshakeFailure => {
            "the server refused the handshake: no common cipher, or it wants a client certificate"
                .to_owned()
        }
        AlertDescription::UnrecognisedName => {
            "the server knows no such name (server_name)".to_owned()
        }
        other => format!("the server ended the handshake ({other:?})"),
    }
}

/// `DnsName("x")` and the like without their wrapping.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Names of a certificate shown in a text; a certificate may carry hundreds.
const NAMES_MAX: usize = 5;
