//! What the client sends, and how it judges every answer of a server.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::time::Duration;

use support::{REPORT, TOKEN, client, settings};
use wats::{Client, FailureKind, Proxy, Settings, Token};
use wats_test_server::{Answer, Options, Server};

const ID: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";
const WAIT: Duration = Duration::from_secs(10);

const PERMANENT: FailureKind = FailureKind::Permanent;
const AUTHENTICATION: FailureKind = FailureKind::Authentication;
const CONFIGURATION: FailureKind = FailureKind::Configuration;
const TRANSIENT: FailureKind = FailureKind::Transient;

fn limited(seconds: impl Into<Option<u64>>) -> FailureKind {
    FailureKind::RateLimited { retry_after: seconds.into().map(Duration::from_secs) }
}

/// Fails if: a submission differs from what a WATS server expects, or the id is not read.
#[tokio::test]
async fn submits_as_the_server_expects() {
    let options = Options { token: Some(TOKEN.to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let settings = Settings { user_agent: "pywats-client/9.8.7".to_owned(), ..settings(server.url()) };
    let client = Client::new(&settings).unwrap();

    assert_eq!(client.submit_wsjf(REPORT).await.unwrap().id, ID);
    assert_eq!(client.version().await.unwrap(), wats_test_server::VERSION);

    assert_eq!(server.reports(), [REPORT.as_bytes()]);
    let received = server.received();
    let (post, get) = (&received[0], &received[1]);
    assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/api/Report/WSJF"));
    assert_eq!((get.method.as_str(), get.path.as_str()), ("GET", "/api/App/Version"));
    assert_eq!(post.content_type.as_deref(), Some("application/json"));
    for request in &received {
        assert_eq!(request.authorization.as_deref(), Some(format!("Basic {TOKEN}").as_str()));
        let header = |name: &str| request.headers.iter().find(|(found, _)| found == name);
        assert_eq!(header("accept").unwrap().1, "application/json");
        assert_eq!(header("user-agent").unwrap().1, "pywats-client/9.8.7");
        assert_eq!(header("content-encoding"), None, "bodies are not compressed");
        assert_eq!(header("accept-encoding"), None);
    }
    assert_eq!(server.connections(), 1, "a connection is used again");
}

/// Fails if: a kind of misbehaviour is taken for success, or for something else than it is.
#[tokio::test]
async fn judges_every_kind_of_answer() {
    let json = |text: &str| Answer::status_with_json(200, text);
    let long_list = format!("[{}]", "0,".repeat(700_000));
    let cases = [
        (Answer::Accept, Ok(ID)),
        (json(r#"[{"ID":"x-1"},{"ID":"x-2"}]"#), Ok("x-1")),
        (json(r#"[{"Id":" x-1 "}]"#), Ok("x-1")),
        (json(r#"{"id":"x-1"}"#), Ok("x-1")),
        (json(r#"{"id":null,"uuid":"x-1","more":1}"#), Ok("x-1")),
        (json(r#"{"ID":17}"#), Ok("17")),
        (json(&format!("\"{ID}\"")), Ok(ID)),
        (json(&format!("{ID}\r\n")), Ok(ID)),
        (Answer::status_with_json(201, r#"{"id":"x-1"}"#), Ok("x-1")),
        // Nothing below proves that the report was stored.
        (Answer::Html, Err("a web page instead of the id of the report")),
        (json(" <html>"), Err("a web page")),
        (Answer::Empty, Err("an empty body instead of the id of the report")),
        (Answer::status(204), Err("204 No Content came with an empty body")),
        (Answer::status(202), Err("an empty body")),
        (Answer::Garbage, Err("instead of the id of the report")),
        (json("{}"), Err("\"{}\"")),
        (json("[]"), Err("\"[]\"")),
        (json("null"), Err("\"null\"")),
        (json("true"), Err("\"true\"")),
        (json("\"OK\""), Err("OK")),
        (json("OK"), Err("\"OK\"")),
        (json(r#"{"message":"please log in"}"#), Err("please log in")),
        (json(r#"{"id":""}"#), Err("id")),
        (json(r#"{"id":null}"#), Err("null")),
        (json(r#"{"id":{"a":1}}"#), Err("id")),
        (json(r#"[{"ID":"x-1""#), Err("x-1")),
        (json(&long_list), Err("0,0,0")),
        (Answer::Close, Err("the connection to the server broke")),
        (Answer::AcceptThenClose, Err("the connection to the server broke")),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, wanted) in cases {
        server.script([answer.clone()]);
        match (client.submit_wsjf(REPORT).await, wanted) {
            (Ok(submitted), Ok(id)) => assert_eq!(submitted.id, id, "{answer:?}"),
            (Err(failure), Err(message)) => {
                assert_eq!(failure.kind, TRANSIENT, "{answer:?}");
                assert!(failure.message.contains(message), "{answer:?}: {failure}");
                assert!(failure.message.len() < 400, "{failure}");
            }
            (result, wanted) => panic!("{answer:?}: {result:?} instead of {wanted:?}"),
        }
    }
}

/// Fails if: a status is sorted into another kind than what can be done about it.
#[tokio::test]
async fn sorts_statuses_and_retry_after() {
    let after = |code, value: &str| Answer::status_with_header(code, "Retry-After", value);
    let dated = |date: &str, until: &str| Answer::Status {
        code: 429,
        headers: vec![("Date".into(), date.into()), ("Retry-After".into(), until.into())],
        body: String::new(),
    };
    let mut cases: Vec<(Answer, FailureKind)> = [
        (PERMANENT, &[400, 402, 406, 409, 411, 412, 413, 414, 415, 418, 422, 451][..]),
        (AUTHENTICATION, &[401, 403]),
        (CONFIGURATION, &[300, 301, 302, 303, 304, 307, 308, 404, 405, 407, 410, 421, 426, 431]),
        (TRANSIENT, &[408, 425, 500, 501, 502, 503, 504, 507, 511, 599]),
        (limited(None), &[429]),
    ]
    .into_iter()
    .flat_map(|(kind, codes)| codes.iter().map(move |code| (Answer::status(*code), kind)))
    .collect();
    cases.extend([
        (after(429, "7"), limited(7)),
        (after(503, " 120 "), limited(120)),
        (after(503, "0"), limited(0)),
        (after(500, "7"), TRANSIENT),
        (after(429, "999999999999999999999999"), limited(3600)),
        (after(429, "-7"), limited(None)),
        (after(429, "soon"), limited(None)),
        (after(429, ""), limited(None)),
        (after(429, "Sun, 06 Nov 1994 08:49:37 GMT"), limited(0)),
        (after(429, "Tue, 31 Dec 2999 23:59:59 GMT"), limited(3600)),
        // The server's clock counts, not that of this machine.
        (dated("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT"), limited(30)),
    ]);
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, kind) in cases {
        server.set_default(answer.clone());
        for failure in [client.submit_wsjf(REPORT).await.unwrap_err(), client.version().await.unwrap_err()] {
            assert_eq!(failure.kind, kind, "{answer:?}: {failure}");
            let Answer::Status { code, .. } = answer else { panic!("{answer:?}") };
            assert_eq!(failure.status, Some(code));
            assert!(failure.message.contains(&code.to_string()), "{failure}");
        }
    }
    assert!(server.reports().is_empty());
}

/// Fails if: the server's own explanation does not reach people, or reaches them raw or endless.
#[tokio::test]
async fn shows_the_explanation_of_the_server() {
    let cases = [
        (r#"{"message":"bad unit"}"#, ": bad unit"),
        (r#"{"Message":"bad unit"}"#, ": bad unit"),
        (r#"{"error":"bad unit"}"#, ": bad unit"),
        (r#"{"message":"","error":null,"detail":"bad unit"}"#, ": bad unit"),
        (r#"{"title":"One or more"}"#, ": One or more"),
        (r#"{"errors":{"sn":["too long"]},"title":"One or more"}"#, r#": {"sn":["too long"]}"#),
        (r#""bad unit""#, ": bad unit"),
        ("bad\r\n\tunit\u{1b}[31m\u{202e}\0", ": bad unit [31m"),
        ("<html>500</html>", "400 Bad Request"),
        ("", "400 Bad Request"),
        ("{}", "400 Bad Request"),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (body, wanted) in cases {
        server.set_default(Answer::Status { code: 400, headers: Vec::new(), body: body.to_owned() });
        let failure = client.submit_wsjf(REPORT).await.unwrap_err();
        assert!(failure.message.ends_with(wanted), "{body:?}: {failure}");
    }
    let long = "ä ".repeat(2_000_000);
    server.set_default(Answer::Status { code: 400, headers: Vec::new(), body: long });
    let failure = client.submit_wsjf(REPORT).await.unwrap_err();
    assert_eq!(failure.kind, PERMANENT);
    assert!((500..600).contains(&failure.message.chars().count()), "{failure}");
}

/// Fails if: a page that is no WATS server passes for one, or a version is not recognised.
#[tokio::test]
async fn reads_the_version() {
    let json = |text: &str| Answer::status_with_json(200, text);
    let cases = [
        (json("\"2025.3.9.824\""), Ok("2025.3.9.824")),
        (json("2025.3.9.824\n"), Ok("2025.3.9.824")),
        (json(r#"{"Version":"2026.1-rc1"}"#), Ok("2026.1-rc1")),
        (Answer::Html, Err(TRANSIENT)),
        (Answer::Empty, Err(TRANSIENT)),
        (Answer::Garbage, Err(TRANSIENT)),
        (json("\"OK\""), Err(TRANSIENT)),
        (json("{}"), Err(TRANSIENT)),
        (json("[1]"), Err(TRANSIENT)),
        (Answer::status(401), Err(AUTHENTICATION)),
        (Answer::Close, Err(TRANSIENT)),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, wanted) in cases {
        server.set_default(answer.clone());
        let result = client.version().await;
        assert_eq!(result.as_deref().map_err(|failure| failure.kind), wanted, "{answer:?}: {result:?}");
    }
}

/// Fails if: a wrong token is not told apart from other failures.
#[tokio::test]
async fn reports_a_wrong_token() {
    let options = Options { token: Some("b3RoZXI6dG9rZW4=".to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let failure = client(server.url()).submit_wsjf(REPORT).await.unwrap_err();
    assert_eq!(failure.kind, AUTHENTICATION);
    assert_eq!(
        failure.to_string(),
        "the server answered 401 Unauthorized: Authorization has been denied for this request.; \
         check the API token"
    );
    assert!(server.reports().is_empty());
}

/// Fails if: a redirect is followed: to another host it would leak the token, and as GET it would
/// succeed without a report.
#[tokio::test]
async fn follows_no_redirect() {
    let server = Server::start().unwrap();
    let elsewhere = Server::start().unwrap();
    let client = client(server.url());
    let location = format!("{}/api/Report/WSJF?ticket=hidden", elsewhere.url());
    for code in [301, 302, 303, 307, 308] {
        server.set_default(Answer::status_with_header(code, "Location", &location));
        for failure in [client.submit_wsjf(REPORT).await.unwrap_err(), client.version().await.unwrap_err()] {
            assert_eq!(failure.kind, CONFIGURATION, "{failure}");
            assert!(failure.message.contains(elsewhere.url()), "{failure}");
            assert!(!failure.message.contains("hidden"), "{failure}");
        }
    }
    server.set_default(Answer::status_with_header(302, "Location", "/login?ticket=hidden"));
    let failure = client.submit_wsjf(REPORT).await.unwrap_err();
    assert!(failure.message.contains("/login)"), "{failure}");
    assert!(elsewhere.received().is_empty());
}

/// Fails if: a report whose answer was lost cannot be sent again, or ends up twice in the database.
#[tokio::test]
async fn a_report_of_unknown_fate_can_be_sent_again() {
    let server = Server::start().unwrap();
    server.script([Answer::AcceptThenClose]);
    let client = client(server.url());
    assert_eq!(client.submit_wsjf(REPORT).await.unwrap_err().kind, TRANSIENT);
    client.submit_wsjf(REPORT).await.unwrap();
    assert_eq!(server.reports().len(), 2);
    assert_eq!(server.stored().keys().collect::<Vec<_>>(), [ID]);
}

/// Fails if: submissions at the same time get into each other's way.
#[tokio::test]
async fn submits_in_parallel() {
    let server = Server::start().unwrap();
    let client = client(server.url());
    let submissions: Vec<_> = (0..20u128)
        .map(|number| {
            let id = uuid::Uuid::from_u128(number + 1).to_string();
            let client = client.clone();
            tokio::spawn(async move {
                let submitted = client.submit_wsjf(format!(r#"{{"id":"{id}"}}"#)).await;
                assert_eq!(submitted.unwrap().id, id);
            })
        })
        .collect();
    for submission in submissions {
        submission.await.unwrap();
    }
    assert_eq!(server.wait_for_reports(20, WAIT).await.unwrap().len(), 20);
    assert_eq!(server.stored().len(), 20);
}

/// Fails if: an address is not understood as people write it, or a wrong one is not refused with
/// a word on what to write.
#[test]
fn checks_the_address() {
    let cases = [
        ("https://company.wats.com", Ok("https://company.wats.com")),
        ("  https://company.wats.com/ \n", Ok("https://company.wats.com")),
        ("https://company.wats.com/api", Ok("https://company.wats.com")),
        ("https://company.wats.com/API//", Ok("https://company.wats.com")),
        ("http://10.0.0.5:8080/wats/api/", Ok("http://10.0.0.5:8080/wats")),
        ("https://host/myapi", Ok("https://host/myapi")),
        ("https://[::1]:8443", Ok("https://[::1]:8443")),
        // A name in another script than ASCII, by the tables that Cargo.toml chooses.
        ("https://Prüfstand.example", Ok("https://xn--prfstand-75a.example")),
        ("", Err("is missing")),
        (" ", Err("is missing")),
        ("company.wats.com", Err("cannot be read")),
        ("localhost:8080", Err("does not start with https:// or http://")),
        ("ftp://company.wats.com", Err("does not start with")),
        ("https://", Err("cannot be read")),
        ("https://user:geheim@company.wats.com", Err("holds a user name or password")),
        ("https://company.wats.com/?token=geheim", Err("holds a query")),
    ];
    for (address, wanted) in cases {
        match (Client::new(&settings(address)), wanted) {
            (Ok(client), Ok(url)) => assert_eq!(client.url(), url, "{address}"),
            (Err(failure), Err(problem)) => {
                assert_eq!(failure.kind, CONFIGURATION);
                assert!(failure.message.contains(problem), "{address}: {failure}");
                assert!(failure.message.contains("https://company.wats.com"), "{address}: {failure}");
                assert!(!failure.message.contains("geheim"), "{failure}");
            }
            (result, _) => panic!("{address}: {result:?}"),
        }
    }
}

/// Fails if: requests to a server below a path go elsewhere.
#[tokio::test]
async fn keeps_the_path_of_the_address() {
    let server = Server::start().unwrap();
    let failure = client(&format!("{}/wats/api/", server.url())).version().await.unwrap_err();
    assert_eq!(failure.kind, CONFIGURATION, "{failure}");
    assert_eq!(server.received()[0].path, "/wats/api/App/Version");
}

/// Fails if: a token is taken that no server can accept, or a good one is refused.
#[test]
fn checks_the_token() {
    for text in [TOKEN, " c3RhdGlvbjpzZWNyZXQ=\r\n", "c3RhdGlvbjpzZWNyZXQ", "Og=="] {
        let token: Token = text.parse().unwrap_or_else(|failure| panic!("{text:?}: {failure}"));
        assert_eq!(token.expose(), text.trim());
    }
    for text in [
        "",
        " ",
        "station:secret",
        "Basic c3RhdGlvbjpzZWNyZXQ=",
        "\"c3RhdGlvbjpzZWNyZXQ=\"",
        "c3RhdGlvb\njpzZWNyZXQ=",
        "c3RhdGlvb\0",
        "c3RhdGlvbnNlY3JldA==",
        "çççç",
    ] {
        let failure = text.parse::<Token>().unwrap_err();
        assert_eq!(failure.kind, CONFIGURATION, "{text:?}");
        assert!(failure.message.contains("base64 form of user:password"), "{failure}");
    }
}

/// Fails if: a proxy or user agent that cannot work is found out by the first request only.
#[test]
fn checks_proxy_and_user_agent() {
    for address in ["", "proxy", "proxy:8080", "ftp://proxy", "socks5://proxy:1080", "http://us er:geheim@"] {
        let settings = Settings { proxy: Proxy::Url(address.to_owned()), ..settings("http://localhost") };
        let failure = Client::new(&settings).unwrap_err();
        assert_eq!(failure.kind, CONFIGURATION, "{address}");
        assert!(failure.message.contains("http://proxy.company.com:8080"), "{address}: {failure}");
        assert!(!failure.message.contains("geheim"), "{failure}");
    }
    let settings = Settings { user_agent: "a\nb".to_owned(), ..settings("http://localhost") };
    assert_eq!(Client::new(&settings).unwrap_err().kind, CONFIGURATION);
}
