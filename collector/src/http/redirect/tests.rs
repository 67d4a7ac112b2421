use super::*;
use hyper::header::HeaderValue;

fn check(
    status: u16,
    method: Method,
    location: Option<&str>,
    expected: Result<Option<&str>, &str>,
) {
    let from = Url::parse("https://host.test/a/b?q=1").unwrap();
    let mut headers = HeaderMap::new();
    if let Some(location) = location {
        headers.insert(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap());
    }
    let found = next(StatusCode::from_u16(status).unwrap(), &headers, &method, &from);
    match (found, expected) {
        (Ok(found), Ok(expected)) => {
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{status} {method} {location:?}");
        }
        (Err(found), Err(text)) => assert!(found.contains(text), "{found}"),
        (found, _) => panic!("{status} {method} {location:?}: {found:?}"),
    }
}

#[test]
fn locations() {
    let c = Ok(Some("https://host.test/a/c"));
    for status in [301, 302, 303, 307, 308] {
        check(status, Method::GET, Some("c"), c);
        check(status, Method::HEAD, Some("c#part"), c);
        check(status, Method::GET, None, Ok(None));
    }
    for status in [301, 302, 303] {
        check(status, Method::POST, Some("c"), Ok(None));
    }
    for status in [307, 308] {
        check(status, Method::POST, Some("c"), c);
    }
    for status in [200, 300, 304, 305, 404] {
        check(status, Method::GET, Some("c"), Ok(None));
    }
    check(302, Method::GET, Some("//other.test/x"), Ok(Some("https://other.test/x")));
    check(302, Method::GET, Some("http://other.test"), Ok(Some("http://other.test/")));
    check(302, Method::GET, Some("file:///etc/passwd"), Err("scheme file"));
    check(302, Method::GET, Some("http://["), Err("location"));
    check(302, Method::GET, Some("\u{e4}"), Err("not ASCII"));
}

#[test]
fn sites() {
    let cases = [
        ("http://a/x", "http://a/y", true),
        ("http://a/", "http://a:80/", true),
        ("http://a/", "https://a/", true),
        ("https://a/", "http://a/", false),
        ("http://a:8080/", "https://a:8443/", false),
        ("http://a/", "http://a:81/", false),
        ("http://a/", "http://b.a/", false),
        ("http://127.0.0.1/", "http://127.0.0.2/", false),
    ];
    for (from, to, same) in cases {
        let parse = |url| Url::parse(url).unwrap();
        assert_eq!(same_site(&parse(from), &parse(to)), same, "{from} to {to}");
    }
}
