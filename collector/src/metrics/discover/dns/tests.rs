use std::net::SocketAddr;
use std::sync::Mutex;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, NS, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use runnel_config::units::Millis;
use tokio::net::UdpSocket;

use super::*;

fn show(groups: &[Group]) -> String {
    let each = groups.iter().map(|g| format!("{} {}", g.addresses.join(","), g.labels));
    each.collect::<Vec<_>>().join("; ").replace("__meta_dns_", "")
}

#[test]
fn answers_become_groups() {
    let service = |target: &str, port| Answer::Service { target: target.to_owned(), port };
    for (answer, expected) in [
        (
            Answer::Address("10.0.0.1".parse().unwrap()),
            r#"10.0.0.1:9 {name="n", srv_record_port="9", srv_record_target="10.0.0.1"}"#,
        ),
        (
            Answer::Address("fd00::1".parse().unwrap()),
            r#"[fd00::1]:9 {name="n", srv_record_port="9", srv_record_target="fd00::1"}"#,
        ),
        (
            service("h.x.", 80),
            r#"h.x:80 {name="n", srv_record_port="80", srv_record_target="h.x"}"#,
        ),
        (Answer::MailExchange("m.".to_owned()), r#"m:9 {mx_record_target="m", name="n"}"#),
        (Answer::NameServer("s.x.".to_owned()), r#"s.x:9 {name="n", ns_record_target="s.x"}"#),
    ] {
        assert_eq!(show(&[group("n", &answer, 9)]), expected);
    }
}

/// One answer list per round and name.
struct Fake(Mutex<Vec<Result<Vec<Answer>, String>>>);

impl Resolve for Fake {
    async fn resolve(&self, _: &str, _: DnsRecord) -> Result<Vec<Answer>, String> {
        let next = self.0.lock().unwrap().pop();
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_name_keeps_its_answers() {
    let address = |ip: &str| Answer::Address(ip.parse().unwrap());
    let mut rounds = vec![
        Ok(vec![address("10.0.0.2"), address("10.0.0.1")]),
        Ok(vec![address("10.0.1.1")]),
        // The same in another order is no change.
        Ok(vec![address("10.0.0.1"), address("10.0.0.2")]),
        Err("refused".to_owned()),
        // The name is gone; the other one never answers.
        Ok(vec![]),
    ];
    rounds.reverse();
    let (out, mut seen) = watch::channel(Discovered::default());
    let settings = DnsSd {
        names: vec!["a".to_owned(), "b".to_owned()],
        record: DnsRecord::A,
        port: 9,
        refresh_interval: Millis::seconds(30),
    };
    let mut states = Vec::new();
    let listener = async {
        while states.len() < 3 {
            seen.changed().await.unwrap();
            let state = seen.borrow_and_update();
            let addresses = state.groups.iter().flat_map(|g| g.addresses.clone());
            let errors = state.errors.iter().map(|e| format!("| {}: {}", e.source, e.text));
            states.push(addresses.chain(errors).collect::<Vec<_>>().join(" "));
        }
        drop(seen);
    };
    tokio::join!(run(settings, Fake(Mutex::new(rounds)), out), listener);
    assert_eq!(
        states,
        [
            "10.0.0.1:9 10.0.0.2:9 10.0.1.1:9",
            "10.0.0.1:9 10.0.0.2:9 10.0.1.1:9 | b: refused",
            "10.0.1.1:9 | b: no answer within 10 s",
        ]
    );
}

/// A DNS server on loopback: names beginning with `none` do not exist, `bad` fails.
async fn serve(socket: UdpSocket) {
    let mut buffer = [0; 512];
    loop {
        let (len, peer) = socket.recv_from(&mut buffer).await.unwrap();
        let query = Message::from_vec(&buffer[..len]).unwrap();
        let question = query.queries[0].clone();
        let name = question.name().clone();
        let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
        answer.metadata.recursion_available = true;
        answer.add_query(question.clone());
        let host = |text: &str| Name::from_ascii(text).unwrap();
        let data = match question.query_type().to_string().as_str() {
            _ if name.to_string().starts_with("none") => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                None
            }
            _ if name.to_string().starts_with("bad") => {
                answer.metadata.response_code = ResponseCode::ServFail;
                None
            }
            "A" => Some(RData::A(A::new(10, 0, 0, 7))),
            "MX" => Some(RData::MX(MX::new(1, host("mail.x.")))),
            "NS" => Some(RData::NS(NS(host("ns.x.")))),
            "SRV" => Some(RData::SRV(SRV::new(1, 1, 8080, host("srv.x.")))),
            _ => None,
        };
        if let Some(data) = data {
            answer.add_answer(Record::from_rdata(name, 60, data));
        }
        socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
    }
}

#[tokio::test]
async fn the_systems_resolver_reads_each_record() {
    let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let system = System::asking(socket.local_addr().unwrap());
    let asking = async {
        for (name, record, expected) in [
            ("h.x.", DnsRecord::A, "Ok([Address(10.0.0.7)])"),
            ("h.x.", DnsRecord::Aaaa, "Ok([])"),
            ("h.x.", DnsRecord::Mx, r#"Ok([MailExchange("mail.x.")])"#),
            ("h.x.", DnsRecord::Ns, r#"Ok([NameServer("ns.x.")])"#),
            ("h.x.", DnsRecord::Srv, r#"Ok([Service { target: "srv.x.", port: 8080 }])"#),
            ("none.x.", DnsRecord::Srv, "Ok([])"),
            ("bad.x.", DnsRecord::Srv, r#"Err("cannot look up the SRV records: "#),
        ] {
            let got = format!("{:?}", system.resolve(name, record).await);
            assert!(got.starts_with(expected), "{name} {record:?}: {got}");
        }
    };
    tokio::select! {
        () = serve(socket) => {}
        () = asking => {}
    }
}
