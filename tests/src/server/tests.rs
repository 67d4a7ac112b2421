//! The server answers as scripted, and its port closes with it.

use super::*;
use crate::client;

fn check(reply: Reply, expected: Result<(u16, &str), ()>) {
    let server = Server::start(None, Arc::new(move |_| reply.clone()));
    let found = client::request("GET", server.address(), "/", &[], b"");
    let found = found.map(|answer| (answer.status, answer.text())).map_err(|_| ());
    assert_eq!(found, expected.map(|(status, text)| (status, text.to_string())));
}

#[test]
fn answers_as_scripted() {
    check(Reply::page("up 1\n"), Ok((200, "up 1\n")));
    check(Reply::status(503).body("busy"), Ok((503, "busy")));
    check(Reply::status(204), Ok((204, "")));
    check(Reply::Close, Err(()));
    check(Reply::Raw(b"\x00\x01\x02".to_vec()), Err(()));
    check(Reply::Cut { body: b"half".to_vec(), announced: 8 }, Ok((200, "half")));
    let drip = Reply::Drip { body: b"slow".to_vec(), piece: 1, pause: Duration::from_millis(1) };
    check(drip, Ok((200, "slow")));
}

#[test]
fn reads_bodies_of_both_kinds() {
    let server = Server::start(None, Arc::new(|request| Reply::page(request.body)));
    let echoed = client::post(server.address(), "/", b"body").expect("the echo answers");
    assert_eq!(echoed.text(), "body");
    let chunked = b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.write_all(chunked).expect("the server reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server answers");
    assert!(text.ends_with("\r\n\r\nabc"), "{text}");
}

#[test]
fn ends_while_a_peer_waits() {
    let server = Server::start(None, Arc::new(|_| Reply::Silence));
    let address = server.address();
    let waiting = thread::spawn(move || client::get(address, "/"));
    drop(server);
    assert!(waiting.join().expect("the peer does not panic").is_err());
    assert!(TcpStream::connect(address).is_err(), "the port is still open");
}
