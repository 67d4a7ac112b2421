use std::sync::Mutex as Lock;
use std::sync::atomic::{AtomicUsize, Ordering};

use runnel_config::settings::{Proxy, SecretSource, Tls};
use runnel_config::units;

use super::*;
use crate::http::testing::{
    Folder, Reply, Seen, Server, client, context, far, near, ok, page, session,
};

fn settings(server: &Server, secret: SecretSource) -> HttpClient {
    let oauth = OAuth2 {
        client_id: "me:1".to_owned(),
        client_secret: secret,
        scopes: vec!["read".to_owned(), "write".to_owned()],
        token_url: server.url("/token").to_string(),
        endpoint_params: vec![("audience".to_owned(), "a b".to_owned())],
        tls: Tls::default(),
        proxy: Proxy::default(),
    };
    HttpClient { auth: Auth::OAuth2(Box::new(oauth)), ..HttpClient::default() }
}

fn inline() -> SecretSource {
    SecretSource::Inline(units::Secret::new("s&cret"))
}

/// A token server that numbers its tokens; `answer` is `expires_in` as JSON.
async fn tokens(expires_in: &'static str) -> Server {
    let count = AtomicUsize::new(0);
    Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        ok(format!(
            r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":{expires_in}}}"#
        ))
    })
    .await
}

async fn ask(session: &mut Session, server: &Server) -> Result<u16, HttpError> {
    let response = session.request(&Request::get(server.url("/")), far()).await?;
    let status = response.status().as_u16();
    response.read_body(100).await?;
    Ok(status)
}

#[tokio::test]
async fn one_token_serves_all_sessions() {
    let (tokens, target) = (tokens("3600").await, Server::start(|_| ok("")).await);
    let client = client(&settings(&tokens, inline()));
    let mut sessions: Vec<_> =
        (0..4).map(|_| Session::new(client.clone(), Arc::default())).collect();
    let [a, b, c, d] = &mut sessions[..] else { unreachable!("four were made") };
    let answers = tokio::join!(ask(a, &target), ask(b, &target), ask(c, &target), ask(d, &target));
    assert_eq!(answers, (Ok(200), Ok(200), Ok(200), Ok(200)));
    assert!(target.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer t0")));
    assert_eq!(tokens.seen().len(), 1);
    let seen = tokens.last();
    assert_eq!(seen.line(), "POST /token HTTP/1.1");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    // base64 of `me%3A1:s%26cret`.
    assert_eq!(seen.header("authorization"), Some("Basic bWUlM0ExOnMlMjZjcmV0"));
    assert_eq!(seen.body, "grant_type=client_credentials&scope=read+write&audience=a+b");
}

#[tokio::test]
async fn tokens_expire() {
    // A tenth of a microsecond is over at the next request; zero and nothing mean forever.
    for (expires_in, fetched) in
        [("0.0000001", 3), ("\"0.0000001\"", 3), ("0", 1), ("null", 1), ("1e300", 1), ("\"60\"", 1)]
    {
        let (tokens, target) = (tokens(expires_in).await, Server::start(|_| ok("")).await);
        let mut session = session(&settings(&tokens, inline()));
        for _ in 0..3 {
            ask(&mut session, &target).await.unwrap();
        }
        assert_eq!(tokens.seen().len(), fetched, "expires_in {expires_in}");
    }
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let tokens = tokens("3600").await;
    let target = Server::start(|seen: &Seen| match seen.header("authorization") {
        Some("Bearer t1") => ok("in"),
        _ => page("401 Unauthorized", "", "out"),
    })
    .await;
    let mut session = session(&settings(&tokens, inline()));
    assert_eq!(ask(&mut session, &target).await, Ok(200));
    assert_eq!(ask(&mut session, &target).await, Ok(200));
    assert_eq!((tokens.seen().len(), target.seen().len(), target.connections()), (2, 3, 1));
    let never = Server::start(|_| page("401 Unauthorized", "", "out")).await;
    assert_eq!(ask(&mut session, &never).await, Ok(401));
    assert_eq!((tokens.seen().len(), never.seen().len()), (3, 2));
}

#[tokio::test]
async fn the_secret_goes_by_form_where_the_header_is_refused() {
    let tokens = Server::start(|seen: &Seen| match seen.header("authorization") {
        Some(_) => page("401 Unauthorized", "", r#"{"error":"invalid_client"}"#),
        None => ok(r#"{"access_token":"t","expires_in":0.0000001}"#),
    })
    .await;
    let target = Server::start(|_| ok("")).await;
    let mut session = session(&settings(&tokens, inline()));
    for _ in 0..2 {
        assert_eq!(ask(&mut session, &target).await, Ok(200));
    }
    assert_eq!(tokens.seen().len(), 3, "the style is remembered");
    assert!(tokens.last().body.contains("client_id=me%3A1&client_secret=s%26cret"));
}

#[tokio::test]
async fn a_broken_token_server_is_asked_once_for_all() {
    let replies = [
        ("500 Oops", "broken", "answered 500: broken"),
        ("200 OK", "<html>", "read the answer of"),
        ("200 OK", r#"{"access_token":"a\nb"}"#, "control character"),
    ];
    for (status, body, text) in replies {
        let tokens = Server::start(move |_| page(status, "", body)).await;
        let target = Server::start(|_| ok("")).await;
        let client = client(&settings(&tokens, inline()));
        for _ in 0..3 {
            let mut session = Session::new(client.clone(), Arc::default());
            let error = ask(&mut session, &target).await.unwrap_err();
            assert!(matches!(error, HttpError::Credentials { .. }), "{error:?}");
            assert!(error.to_string().contains(text), "{error}");
            assert!(!error.body_sent() && !error.to_string().contains("s&cret"), "{error}");
        }
        assert_eq!((tokens.seen().len(), target.seen().len()), (1, 0));
    }
    let tokens = Server::start(|_| Reply::Hang(Vec::new())).await;
    let mut session = session(&settings(&tokens, inline()));
    let request = Request::get(tokens.url("/"));
    let error = session.request(&request, near()).await.unwrap_err();
    assert!(error.to_string().starts_with("fetch a token: wait for the response headers"));
    assert!(!error.body_sent());
}

#[tokio::test]
async fn a_new_client_secret_means_a_new_token() {
    let folder = Folder::new();
    let (tokens, target) = (tokens("3600").await, Server::start(|_| ok("")).await);
    let path = folder.write("secret", "one");
    let mut session = session(&settings(&tokens, SecretSource::File(path)));
    for (text, fetched) in [("one", 1), ("two", 2), ("two", 2)] {
        folder.write("secret", text);
        ask(&mut session, &target).await.unwrap();
        assert_eq!(tokens.seen().len(), fetched);
    }
}

#[tokio::test]
async fn a_bad_token_url_is_refused_at_once() {
    let server = Server::start(|_| ok("")).await;
    let mut http = settings(&server, inline());
    let texts = Lock::new(Vec::new());
    for url in ["/token", "ftp://a.test/"] {
        let Auth::OAuth2(oauth) = &mut http.auth else { unreachable!("it was set above") };
        oauth.token_url = url.to_owned();
        texts.lock().unwrap().push(Client::new(&http, &context()).unwrap_err().to_string());
    }
    let texts = texts.into_inner().unwrap();
    assert!(texts[0].contains("use token_url"), "{texts:?}");
    assert!(texts[1].contains("neither http nor https"), "{texts:?}");
}
