use std::sync::Mutex;

use runnel_config::settings::HttpClient;
use runnel_config::units::Millis;

use super::*;

/// Answers in order, the last one again and again; notes what was asked, and when.
struct Fake {
    answers: Mutex<Vec<Result<(u16, Bytes), String>>>,
    asked: Mutex<Vec<(Duration, String)>>,
    start: Instant,
}

impl Fetch for &Fake {
    async fn get(&self, request: Get<'_>) -> Result<(u16, Bytes), String> {
        let headers = request.headers.iter().map(|(name, value)| format!(" {name}={value}"));
        let line = request.url.to_owned() + &headers.collect::<String>();
        self.asked.lock().unwrap().push((self.start.elapsed(), line));
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

fn ok(text: &str) -> Result<(u16, Bytes), String> {
    Ok((200, Bytes::copy_from_slice(text.as_bytes())))
}

/// Runs a reader until the last answer is published; returns each published state.
async fn states(answers: Vec<Result<(u16, Bytes), String>>, count: usize) -> (Vec<String>, Fake) {
    let fake =
        Fake { answers: Mutex::new(answers), asked: Mutex::default(), start: Instant::now() };
    let (out, mut seen) = watch::channel(Discovered::default());
    let settings = HttpSd {
        url: "http://sd/list".to_owned(),
        refresh_interval: Millis::seconds(30),
        http: HttpClient::default(),
    };
    let mut states = Vec::new();
    let reader = run(settings, &fake, out);
    let listener = async {
        while states.len() < count {
            seen.changed().await.unwrap();
            let state = seen.borrow_and_update();
            let groups =
                state.groups.iter().map(|g| format!("{}{}", g.addresses.join(","), g.labels));
            let errors = state.errors.iter().map(|e| format!("| {}: {}", e.source, e.text));
            states.push(groups.chain(errors).collect::<Vec<_>>().join(" "));
        }
        drop(seen);
    };
    tokio::join!(reader, listener);
    (states, fake)
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_last_groups() {
    let good = r#"[{"targets":["a:1"],"labels":{"x":"y","__address__":"q","__meta_url":"q"}}]"#;
    let group = r#"a:1{__meta_url="http://sd/list", x="y"}"#;
    let answers = vec![
        Err("cannot connect to sd:80: connection refused".to_owned()),
        ok(good),
        ok(good),
        Ok((503, Bytes::from_static(b" down \n"))),
        ok("{}"),
        ok("[]"),
    ];
    let (states, fake) = states(answers, 5).await;
    assert_eq!(
        states,
        [
            "| http://sd/list: cannot connect to sd:80: connection refused".to_owned(),
            group.to_owned(),
            format!("{group} | http://sd/list: expected status 200, found 503: down"),
            format!("{group} | http://sd/list: expected a list of groups, found a mapping"),
            String::new(),
        ]
    );
    let asked = fake.asked.into_inner().unwrap();
    let seconds: Vec<_> = asked.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [0, 10, 40, 70, 80, 90], "a failure is tried again sooner");
    let line = "http://sd/list Accept=application/json X-Prometheus-Refresh-Interval-Seconds=30";
    assert_eq!(asked[0].1, line);
}
