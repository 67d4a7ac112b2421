//! As much HTTP/1.1 as the exporters and the sink need, on blocking sockets.
//!
//! Owns one connection: request after request, bodies by length or in chunks. Knows no path and
//! no format. A thread that waits in `read` costs nothing while it waits, which is what a load
//! generator beside a measured process should cost.
//! Called by `load` and `sink`, one thread per connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One request.
#[derive(Debug, Default)]
pub struct Request {
    head: String,
    /// Bytes on the wire that are not body: request line, headers, framing of chunks.
    pub head_bytes: usize,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Request {
    /// The request line, without its end.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One accepted connection.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Takes over `stream`.
    ///
    /// # Errors
    /// The socket is gone already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::with_capacity(READ_BYTES, stream) })
    }

    /// The next request, or `None` when the client has closed.
    ///
    /// # Errors
    /// The connection breaks, or what came is no request.
    pub fn next_request(&mut self) -> io::Result<Option<Request>> {
        let mut request = Request::default();
        while !request.head.ends_with("\r\n\r\n") {
            if self.line(&mut request.head)? == 0 {
                return Ok(None);
            }
            if request.head.len() > HEAD_BYTES_MAX {
                return Err(invalid("a request head above its limit"));
            }
        }
        request.head_bytes = request.head.len();
        if request.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            self.chunks(&mut request)?;
        } else if let Some(len) = request.header("content-length") {
            let len = len.parse().map_err(|_| invalid("a content-length that is no number"))?;
            self.body(len, &mut request.body)?;
        }
        Ok(Some(request))
    }

    /// Sends a whole answer.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn answer(&mut self, answer: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(answer)
    }

    fn line(&mut self, to: &mut String) -> io::Result<usize> {
        (&mut self.reader).take(HEAD_BYTES_MAX as u64).read_line(to)
    }

    fn chunks(&mut self, request: &mut Request) -> io::Result<()> {
        loop {
            let mut line = String::new();
            request.head_bytes += self.line(&mut line)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("a broken chunk"))?;
            self.body(size, &mut request.body)?;
            let mut end = String::new();
            request.head_bytes += self.line(&mut end)?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn body(&mut self, len: usize, body: &mut Vec<u8>) -> io::Result<()> {
        if body.len().saturating_add(len) > BODY_BYTES_MAX {
            return Err(invalid("a body above its limit"));
        }
        let read = (&mut self.reader).take(len as u64).read_to_end(body)?;
        if read < len { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

fn invalid(found: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("reading a request: found {found}"))
}

/// Buffer of a connection: a whole scrape request, a good part of a write request.
const READ_BYTES: usize = 64 << 10;
/// Far above any agent's request head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Far above any agent's write request (vmagent: 32 MiB uncompressed).
const BODY_BYTES_MAX: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What a connection makes of `bytes`: line, head bytes and body of each request.
    fn check(bytes: &str, expected: &[(&str, usize, &str)]) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).expect("a connection");
        client.write_all(bytes.as_bytes()).expect("sent");
        drop(client);
        let (stream, _) = listener.accept().expect("a connection");
        let mut connection = Connection::new(stream).expect("a socket");
        for (line, head_bytes, body) in expected {
            let request = connection.next_request().expect("read").expect("a request");
            assert_eq!((request.line(), request.head_bytes), (*line, *head_bytes));
            assert_eq!(request.body, body.as_bytes());
        }
        assert!(connection.next_request().is_ok_and(|request| request.is_none()));
    }

    #[test]
    fn requests_are_read_by_length_and_in_chunks() {
        check("", &[]);
        check("GET /a HTTP/1.1\r\n\r\n", &[("GET /a HTTP/1.1", 19, "")]);
        check(
            "POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n",
            &[("POST / HTTP/1.1", 38, "abc"), ("GET /b HTTP/1.1", 19, "")],
        );
        check(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            &[("POST / HTTP/1.1", 47 + 15, "abc")],
        );
    }
}
