//! The system's resolver: `/etc/resolv.conf`, its search domains included.

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use runnel_config::settings::DnsRecord;

use super::{Answer, Resolve};

/// Look-ups by the system's resolver configuration. A clone shares it.
#[derive(Clone)]
pub struct System(TokioResolver);

impl System {
    /// Reads the system's resolver configuration. Has to run inside a tokio runtime.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub fn new() -> Result<Self, String> {
        let failed = |error| format!("cannot read the resolver's configuration: {error}");
        let mut builder = TokioResolver::builder_tokio().map_err(failed)?;
        // Each refresh asks anew: the interval is the operator's choice of freshness.
        builder.options_mut().cache_size = 0;
        builder.build().map(Self).map_err(failed)
    }

    /// A resolver that asks one server.
    #[cfg(test)]
    pub(super) fn asking(server: std::net::SocketAddr) -> Self {
        use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
        use hickory_resolver::net::runtime::TokioRuntimeProvider;
        let mut config = NameServerConfig::udp(server.ip());
        for connection in &mut config.connections {
            connection.port = server.port();
        }
        let config = ResolverConfig::from_name_servers(vec![config]);
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        options.attempts = 0;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Self(builder.with_options(options).build().unwrap())
    }
}

impl Resolve for System {
    async fn resolve(&self, name: &str, record: DnsRecord) -> Result<Vec<Answer>, String> {
        let kind = match record {
            DnsRecord::A => RecordType::A,
            DnsRecord::Aaaa => RecordType::AAAA,
            DnsRecord::Mx => RecordType::MX,
            DnsRecord::Ns => RecordType::NS,
            DnsRecord::Srv => RecordType::SRV,
        };
        match self.0.lookup(name, kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|r| answer(&r.data)).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(format!("cannot look up the {kind} records: {error}")),
        }
    }
}

/// An answer of a record that is one of the five; a CNAME on the way is not.
fn answer(data: &RData) -> Option<Answer> {
    Some(match data {
        RData::A(address) => Answer::Address(address.0.into()),
        RData::AAAA(address) => Answer::Address(address.0.into()),
        RData::MX(mx) => Answer::MailExchange(mx.exchange.to_string()),
        RData::NS(ns) => Answer::NameServer(ns.0.to_string()),
        RData::SRV(srv) => Answer::Service { target: srv.target.to_string(), port: srv.port },
        _ => return None,
    })
}
