//! Targets asked from DNS.
//!
//! Owns when to ask and what labels an answer gets. Never knows sockets: the corridor hands in a
//! [`Resolve`], by default a [`System`]. Invariants: a name whose look-up fails keeps its last
//! answers; a name that does not exist has none.
//! Called by the corridor as one task per `dns_sd_configs` entry.
//! Source: Prometheus' `dns_sd`; where the labels differ, vmagent's (the trailing dot is cut, and
//! `A` and `AAAA` set the `srv` labels too).

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use runnel_config::settings::{DnsRecord, DnsSd};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::groups;
use super::{Discovered, Group, SourceError};
use crate::labels::Labels;

mod system;
#[cfg(test)]
mod tests;

pub use system::System;

/// Longest time one look-up may take, all search domains and retries included.
const LOOKUP_TIME_MAX: Duration = Duration::from_secs(10);

/// Shortest refresh interval.
const REFRESH_MIN: Duration = Duration::from_secs(1);

/// Most answers of one name. A DNS message of 64 KiB holds about 4,000 of the shortest.
const ANSWERS_MAX: usize = 5000;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Of an A or AAAA record.
    Address(IpAddr),
    /// Of an MX record.
    MailExchange(String),
    /// Of an NS record.
    NameServer(String),
    /// Of an SRV record.
    Service {
        /// Host.
        target: String,
        /// Port.
        port: u16,
    },
}

/// What answers look-ups: the system's resolver, or a test.
pub trait Resolve: Send + Sync {
    /// Looks up one name; a name or record that does not exist has no answers.
    ///
    /// # Errors
    /// Why there is no answer, as a text for the operator.
    fn resolve(
        &self,
        name: &str,
        record: DnsRecord,
    ) -> impl Future<Output = Result<Vec<Answer>, String>> + Send;
}

/// Asks again and again, and publishes the groups.
///
/// Ends when nobody listens any more. Names are asked one after the other: a resolver that does
/// not answer delays the names behind by ten seconds each.
pub async fn run(settings: DnsSd, resolver: impl Resolve, out: watch::Sender<Discovered>) {
    let mut known: Vec<Vec<Group>> = vec![Vec::new(); settings.names.len()];
    loop {
        let mut errors = Vec::new();
        for (name, known) in settings.names.iter().zip(&mut known) {
            match ask(name, &settings, &resolver).await {
                Ok(groups) => *known = groups,
                Err(text) => errors.push(SourceError { source: name.clone(), text }),
            }
        }
        groups::publish(&out, known.concat(), errors);
        tokio::select! {
            () = out.closed() => return,
            () = sleep(settings.refresh_interval.duration().max(REFRESH_MIN)) => {}
        }
    }
}

async fn ask(name: &str, settings: &DnsSd, by: &impl Resolve) -> Result<Vec<Group>, String> {
    let answers = timeout(LOOKUP_TIME_MAX, by.resolve(name, settings.record)).await;
    let mut answers =
        answers.map_err(|_| format!("no answer within {} s", LOOKUP_TIME_MAX.as_secs()))??;
    if answers.len() > ANSWERS_MAX {
        let found = answers.len();
        return Err(format!("expected at most {ANSWERS_MAX} answers, found {found}"));
    }
    // Servers rotate their answers; the order of targets should not change with them.
    answers.sort_unstable();
    answers.dedup();
    Ok(answers.iter().map(|answer| group(name, answer, settings.port)).collect())
}

fn group(name: &str, answer: &Answer, port: u16) -> Group {
    let mut labels: Labels = [("__meta_dns_name", name)].into_iter().collect();
    let mut service = |target: &str, port: u16| {
        labels.set("__meta_dns_srv_record_target", target);
        labels.set("__meta_dns_srv_record_port", &port.to_string());
        join(target, port)
    };
    let address = match answer {
        Answer::Address(ip) => service(&ip.to_string(), port),
        Answer::Service { target, port } => service(target.trim_end_matches('.'), *port),
        Answer::MailExchange(target) => {
            let target = target.trim_end_matches('.');
            labels.set("__meta_dns_mx_record_target", target);
            join(target, port)
        }
        Answer::NameServer(target) => {
            let target = target.trim_end_matches('.');
            labels.set("__meta_dns_ns_record_target", target);
            join(target, port)
        }
    };
    Group { source: name.to_owned(), addresses: vec![address], labels }
}

/// `host:port`, an IPv6 address in brackets.
fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
