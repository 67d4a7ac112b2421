//! One HTTP/1.1 request.

use std::io::{self, BufRead, Read};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// Body, without its chunking.
    pub body: Vec<u8>,
}

impl Request {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The path without its query.
    pub fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(super) fn keep_alive(&self) -> bool {
        !self.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"))
    }

    /// Reads one; `None` when the peer has closed the connection between two of them.
    pub(super) fn read<R: Read>(stream: &mut io::BufReader<R>) -> io::Result<Option<Self>> {
        let start = line(stream)?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut words = start.split(' ');
        let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next())
        else {
            return Err(io::Error::other(format!("not a request line: {start:?}")));
        };
        let mut headers = Vec::new();
        loop {
            let header = line(stream)?;
            if header.is_empty() {
                break;
            }
            let Some((name, value)) = header.split_once(':') else {
                return Err(io::Error::other(format!("not a header: {header:?}")));
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
            if headers.len() > HEADERS_MAX {
                return Err(io::Error::other("too many headers"));
            }
        }
        if version == "HTTP/1.0" {
            headers.push(("connection".into(), "close".into()));
        }
        let mut request =
            Self { method: method.into(), path: path.into(), headers, body: Vec::new() };
        request.body = request.read_body(stream)?;
        Ok(Some(request))
    }

    fn read_body<R: Read>(&self, stream: &mut io::BufReader<R>) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            loop {
                let size = line(stream)?;
                let size = u64::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
                take(stream, size, &mut body)?;
                line(stream)?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        let length = self.header("content-length").unwrap_or("0");
        take(stream, length.parse().map_err(io::Error::other)?, &mut body)?;
        Ok(body)
    }
}

fn take<R: Read>(stream: &mut io::BufReader<R>, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length > BODY_BYTES_MAX - body.len() as u64 {
        return Err(io::Error::other("body too large"));
    }
    let taken = stream.take(length).read_to_end(body)?;
    if (taken as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// One line without its end; empty at the end of the stream.
fn line<R: Read>(stream: &mut io::BufReader<R>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Far above what an agent of this project sends.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Far above what an agent of this project sends.
const HEADERS_MAX: usize = 100;
/// Several whole blocks in one request, with room.
const BODY_BYTES_MAX: u64 = 64 << 20;
