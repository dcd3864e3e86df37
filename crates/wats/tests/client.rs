//! What the client sends, and how it judges every answer of a server.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::time::Duration;

use support::{ID, REPORT, TOKEN, client, id, settings};
use wats::FailureKind::{Gate, NotWats, OtherId, Refused, RefusedBlank, Trouble};
use wats::{Client, FailureKind, Proxy, Settings, Token};
use wats_test_server::{Answer, Options, Server};

const WAIT: Duration = Duration::from_secs(10);
const OTHER: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn busy(seconds: impl Into<Option<u64>>) -> FailureKind {
    FailureKind::Busy { retry_after: seconds.into().map(Duration::from_secs) }
}

fn with_type(code: u16, content_type: &str, body: &str) -> Answer {
    let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    Answer::Status { code, headers, body: body.to_owned() }
}

/// Fails if: a submission differs from what a WATS server expects, or the id is not read.
#[tokio::test]
async fn submits_as_the_server_expects() {
    let options = Options { token: Some(TOKEN.to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let settings = Settings { user_agent: "pywats-client/9.8.7".to_owned(), ..settings(server.url()) };
    let client = Client::new(&settings).unwrap();

    assert_eq!(client.submit_wsjf(id(), REPORT).await.unwrap().id, id());
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

/// Fails if: an answer that does not hold the sent id is taken for success, or for something else than it is.
#[tokio::test]
async fn judges_every_2xx_answer() {
    const XMLNS: &str =
        r#"xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.example/Wats""#;
    let json = |text: &str| Answer::status_with_json(200, text);
    let xml = |text: &str| with_type(200, "application/xml; charset=utf-8", text);
    let long_list = format!("[{}]", "0,".repeat(700_000));
    let result = |id: &str, uuid: &str| {
        format!("<InsertReportResult {XMLNS}><ID>{id}</ID><uuid>{uuid}</uuid></InsertReportResult>")
    };
    let cases = [
        // A: the sent id, in any element, under any of the three names, in any notation.
        (Answer::Accept, Ok(())),
        (json(&format!(r#"[{{"ID":"{ID}","uuid":"{OTHER}","Report_ID":7}}]"#)), Ok(())),
        (json(&format!(r#"[{{"ID":"x-1"}},{{"ID":" {ID} "}}]"#)), Ok(())),
        (json(&format!(r#"{{"id":null,"uuid":"{}","more":1}}"#, ID.to_uppercase())), Ok(())),
        (json(&format!(r#"{{"Id":"{{{ID}}}"}}"#)), Ok(())),
        (json(&format!(r#"{{"ID":"{}"}}"#, ID.replace('-', ""))), Ok(())),
        (json(&format!("\"{ID}\"")), Ok(())),
        (json(&format!("[\"{OTHER}\",\"{ID}\"]")), Ok(())),
        (with_type(200, "text/plain", &format!("{ID}\r\n")), Ok(())),
        (with_type(200, "text/html", ID), Ok(())),
        (Answer::status_with_json(201, &format!(r#"{{"id":"{ID}"}}"#)), Ok(())),
        (xml(&result(ID, OTHER)), Ok(())),
        (xml(&result(OTHER, ID)), Ok(())),
        (
            xml(&format!(
                "<?xml version=\"1.0\"?><ArrayOfInsertReportResult {XMLNS}>{}</ArrayOfInsertReportResult>",
                result(ID, OTHER)
            )),
            Ok(()),
        ),
        (xml(&format!("<guid {XMLNS}>{ID}</guid>")), Ok(())),
        // B: another id.
        (json(&format!(r#"[{{"ID":"{OTHER}"}}]"#)), Err((OtherId, OTHER))),
        (json(&format!(r#"{{"id":101,"uuid":"{OTHER}"}}"#)), Err((OtherId, "upload.proof"))),
        (json(&format!("\"{OTHER}\"")), Err((OtherId, OTHER))),
        (with_type(200, "text/plain", OTHER), Err((OtherId, OTHER))),
        (xml(&result(OTHER, OTHER)), Err((OtherId, OTHER))),
        // C: nothing of that kind.
        (Answer::Html, Err((NotWats, "a web page (\"Welcome\") instead of the id of the report"))),
        (json(" <html>"), Err((NotWats, "a web page"))),
        (
            with_type(200, "text/html", &format!("<html id=\"{ID}\"><body>{ID}</body></html>")),
            Err((NotWats, "a web page")),
        ),
        (Answer::Empty, Err((NotWats, "an empty body instead of the id of the report"))),
        (Answer::status(204), Err((NotWats, "204 No Content came with an empty body"))),
        (Answer::status(202), Err((NotWats, "an empty body"))),
        (Answer::Garbage, Err((NotWats, "instead of the id of the report"))),
        (json(r#"{"id":101}"#), Err((NotWats, "101"))),
        (json(r#"[{"ID":"x-1"}]"#), Err((NotWats, "x-1"))),
        (json("{}"), Err((NotWats, "\"{}\""))),
        (json("[]"), Err((NotWats, "\"[]\""))),
        (json("null"), Err((NotWats, "\"null\""))),
        (json("true"), Err((NotWats, "\"true\""))),
        (json("\"OK\""), Err((NotWats, "OK"))),
        (json("OK"), Err((NotWats, "\"OK\""))),
        (json(r#"{"message":"please log in"}"#), Err((NotWats, "please log in"))),
        (json(&format!(r#"{{"message":"not taken: {ID}"}}"#)), Err((NotWats, "not taken"))),
        (json(&format!(r#"{{"name":"{ID}"}}"#)), Err((NotWats, "name"))),
        (json(r#"{"id":{"a":1}}"#), Err((NotWats, "id"))),
        (json(&format!(r#"[{{"ID":"{ID}""#)), Err((NotWats, "ID"))),
        (json(&long_list), Err((NotWats, "0,0,0"))),
        (xml("<a><b/></a>"), Err((NotWats, "<a>"))),
        // G: no answer.
        (Answer::Close, Err((Trouble, "the connection to the server broke"))),
        (Answer::AcceptThenClose, Err((Trouble, "the connection to the server broke"))),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, wanted) in cases {
        server.script([answer.clone()]);
        match (client.submit_wsjf(id(), REPORT).await, wanted) {
            (Ok(submitted), Ok(())) => assert_eq!(submitted.id, id(), "{answer:?}"),
            (Err(failure), Err((kind, message))) => {
                assert_eq!(failure.kind, kind, "{answer:?}");
                assert!(failure.message.contains(message), "{answer:?}: {failure}");
                assert!(failure.message.len() < 400 && !failure.message.contains('\n'), "{failure}");
            }
            (result, wanted) => panic!("{answer:?}: {result:?} instead of {wanted:?}"),
        }
    }
}

/// Fails if: a status is sorted into another class, with words, without or as a page, or for the version.
#[tokio::test]
async fn sorts_statuses_and_retry_after() {
    let words = |code| Answer::status_with_json(code, r#"{"Message":"bad unit"}"#);
    let page = |code| with_type(code, "text/html", "<html><title>Sorry</title>Bad things happened</html>");
    let after = |code, value: &str| Answer::status_with_header(code, "Retry-After", value);
    let dated = |date: &str, until: &str| Answer::Status {
        code: 429,
        headers: vec![("Date".into(), date.into()), ("Retry-After".into(), until.into())],
        body: String::new(),
    };
    let mut cases: Vec<(Answer, FailureKind)> = Vec::new();
    // The statuses, and their kind with words and as a page or empty.
    for (codes, with_words, blank) in [
        (&[300, 301, 302, 303, 304, 307, 308, 401, 407, 421, 426, 511][..], Gate, Gate),
        (&[400, 402, 406, 409, 411, 412, 414, 415, 418, 422, 431, 451, 499], Refused, RefusedBlank),
        (&[403, 404, 405, 410, 413], RefusedBlank, RefusedBlank),
        (&[408, 425, 500, 501, 502, 503, 504, 507, 599], Trouble, Trouble),
        (&[429], busy(None), busy(None)),
    ] {
        for code in codes {
            let answers = [(words(*code), with_words), (page(*code), blank), (Answer::status(*code), blank)];
            // 304 has no body.
            cases.extend(
                answers.into_iter().filter(|(answer, _)| *code != 304 || *answer == Answer::status(304)),
            );
        }
    }
    cases.extend([
        (after(429, "7"), busy(7)),
        (after(503, " 120 "), busy(120)),
        (after(503, "0"), busy(0)),
        (after(500, "7"), Trouble),
        (after(429, "999999999999999999999999"), busy(3600)),
        (after(429, "-7"), busy(None)),
        (after(429, "soon"), busy(None)),
        (after(503, "soon"), busy(None)),
        (after(429, ""), busy(None)),
        (after(429, "Sun, 06 Nov 1994 08:49:37 GMT"), busy(0)),
        (after(429, "Tue, 31 Dec 2999 23:59:59 GMT"), busy(3600)),
        // The server's clock counts, not that of this machine.
        (dated("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT"), busy(30)),
        (dated("Tue, 31 Dec 2999 23:59:59 GMT", "Tue, 31 Dec 2999 23:59:00 GMT"), busy(0)),
    ]);
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, kind) in cases {
        server.set_default(answer.clone());
        for failure in
            [client.submit_wsjf(id(), REPORT).await.unwrap_err(), client.version().await.unwrap_err()]
        {
            assert_eq!(failure.kind, kind, "{answer:?}: {failure}");
            let Answer::Status { code, .. } = answer else { panic!("{answer:?}") };
            assert_eq!(failure.status, Some(code));
            assert!(failure.message.contains(&code.to_string()), "{failure}");
        }
    }
    assert!(server.reports().is_empty());
}

/// Fails if: the server's own explanation does not reach people whole, or its short form is raw, endless or of
/// many lines. What the forms are is tested beside the code.
#[tokio::test]
async fn shows_the_explanation_of_the_server() {
    let lines = "root -> step A: name is required.\r\nroot -> step B -> loop C: num is odd.";
    let cases = [
        (r#"{"message":"bad unit"}"#, ": bad unit", Some("bad unit")),
        (r#""bad unit""#, ": bad unit", Some("bad unit")),
        (
            lines,
            ": root -> step A: name is required; root -> step B -> loop C: num is odd",
            Some("root -> step A: name is required.\nroot -> step B -> loop C: num is odd."),
        ),
        (
            r#"{"Message":"Not valid.","ModelState":{"sn":["too long"]}}"#,
            ": Not valid; sn: too long",
            Some("Not valid.\nsn: too long"),
        ),
        ("<html><title>No</title></html>", "400 Bad Request (a page, \"No\")", None),
        ("", "400 Bad Request", None),
        ("{}", "400 Bad Request", None),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    let refused = |body: &str| {
        server.set_default(Answer::Status { code: 400, headers: Vec::new(), body: body.to_owned() });
    };
    for (body, short, words) in cases {
        refused(body);
        let failure = client.submit_wsjf(id(), REPORT).await.unwrap_err();
        assert!(failure.message.ends_with(short), "{body:?}: {failure}");
        assert_eq!(failure.words.as_deref(), words, "{body:?}");
    }
    refused(&"ä ".repeat(2_000_000));
    let failure = client.submit_wsjf(id(), REPORT).await.unwrap_err();
    assert_eq!(failure.kind, Refused);
    assert!((500..600).contains(&failure.message.chars().count()), "{failure}");
    assert!((65_000..65_540).contains(&failure.words.unwrap().len()));
}

/// Fails if: a report is called there or missing without the server having said so.
#[tokio::test]
async fn asks_whether_a_report_is_there() {
    let json = |text: &str| Answer::status_with_json(200, text);
    let long = format!(r#"{{"id":"{ID}","root":"{}"}}"#, "x".repeat(2 << 20));
    let cases = [
        (json(&format!(r#"{{"pn":"1","id":"{ID}"}}"#)), Ok(true)),
        (json(&long), Ok(true)),
        (Answer::status_with_json(404, r#"{"message":"no such report"}"#), Ok(false)),
        (with_type(404, "text/html", "<html></html>"), Ok(false)),
        (json(&format!(r#"{{"id":"{OTHER}"}}"#)), Err(NotWats)),
        (Answer::Html, Err(NotWats)),
        (Answer::Empty, Err(NotWats)),
        (Answer::status(401), Err(Gate)),
        (Answer::status(302), Err(Gate)),
        (Answer::status(403), Err(RefusedBlank)),
        (Answer::status(405), Err(RefusedBlank)),
        (Answer::status(500), Err(Trouble)),
        (Answer::Close, Err(Trouble)),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, wanted) in cases {
        server.set_default(answer.clone());
        let result = client.holds_wsjf(id()).await;
        assert_eq!(result.as_ref().map(|held| *held).map_err(|failure| failure.kind), wanted, "{answer:?}");
    }
    assert!(server.received().iter().all(|request| request.path == format!("/api/Report/Wsjf/{ID}")));
}

/// Fails if: a page that is no WATS server passes for one, or a version is not recognised.
#[tokio::test]
async fn reads_the_version() {
    let json = |text: &str| Answer::status_with_json(200, text);
    let cases = [
        (json("\"2025.3.9.824\""), Ok("2025.3.9.824")),
        (json("2025.3.9.824\n"), Ok("2025.3.9.824")),
        (json(r#"{"Version":"2026.1-rc1"}"#), Ok("2026.1-rc1")),
        (with_type(200, "application/xml", "<string xmlns=\"x\">2025.3.9.824</string>"), Ok("2025.3.9.824")),
        (Answer::Html, Err(NotWats)),
        (Answer::Empty, Err(NotWats)),
        (Answer::Garbage, Err(NotWats)),
        (json("\"OK\""), Err(NotWats)),
        (json("{}"), Err(NotWats)),
        (json("[1]"), Err(NotWats)),
        (Answer::status(401), Err(Gate)),
        (Answer::Close, Err(Trouble)),
    ];
    let server = Server::start().unwrap();
    let client = client(server.url());
    for (answer, wanted) in cases {
        server.set_default(answer.clone());
        let result = client.version().await;
        assert_eq!(result.as_deref().map_err(|failure| failure.kind), wanted, "{answer:?}: {result:?}");
    }
}

/// Fails if: it cannot be found out that this machine's clock is wrong.
#[tokio::test]
async fn compares_the_clocks() {
    let server = Server::start().unwrap();
    let client = client(server.url());
    client.version().await.unwrap();
    assert!(client.clock_ahead().abs() < 60, "{}", client.clock_ahead());
    server.set_default(Answer::status_with_header(500, "Date", "Sun, 06 Nov 1994 08:49:37 GMT"));
    client.version().await.unwrap_err();
    assert!(client.clock_ahead() > 30 * 365 * 86_400, "{}", client.clock_ahead());
}

/// Fails if: a wrong token is not told apart from other failures.
#[tokio::test]
async fn reports_a_wrong_token() {
    let options = Options { token: Some("b3RoZXI6dG9rZW4=".to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let failure = client(server.url()).submit_wsjf(id(), REPORT).await.unwrap_err();
    assert_eq!(failure.kind, Gate);
    assert_eq!(
        failure.to_string(),
        "the server answered 401 Unauthorized: Authorization has been denied for this request; \
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
        for failure in
            [client.submit_wsjf(id(), REPORT).await.unwrap_err(), client.version().await.unwrap_err()]
        {
            assert_eq!(failure.kind, Gate, "{failure}");
            assert!(failure.message.contains(elsewhere.url()), "{failure}");
            assert!(!failure.message.contains("hidden"), "{failure}");
        }
    }
    server.set_default(Answer::status_with_header(302, "Location", "/login?ticket=hidden"));
    let failure = client.submit_wsjf(id(), REPORT).await.unwrap_err();
    assert!(failure.message.contains("/login)"), "{failure}");
    assert!(elsewhere.received().is_empty());
}

/// Fails if: a report whose answer was lost cannot be sent again, or ends up twice in the database.
#[tokio::test]
async fn a_report_of_unknown_fate_can_be_sent_again() {
    let server = Server::start().unwrap();
    server.script([Answer::AcceptThenClose]);
    let client = client(server.url());
    assert_eq!(client.submit_wsjf(id(), REPORT).await.unwrap_err().kind, Trouble);
    client.submit_wsjf(id(), REPORT).await.unwrap();
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
            let id = uuid::Uuid::from_u128(number + 1);
            let client = client.clone();
            tokio::spawn(async move {
                let submitted = client.submit_wsjf(id, format!(r#"{{"id":"{id}"}}"#)).await;
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
                assert_eq!(failure.kind, FailureKind::Settings);
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
    assert_eq!(failure.kind, RefusedBlank, "{failure}");
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
        assert_eq!(failure.kind, FailureKind::Settings, "{text:?}");
        assert!(failure.message.contains("base64 form of user:password"), "{failure}");
    }
}

/// Fails if: a proxy or user agent that cannot work is found out by the first request only.
#[test]
fn checks_proxy_and_user_agent() {
    for address in ["", "proxy", "proxy:8080", "ftp://proxy", "socks5://proxy:1080", "http://us er:geheim@"] {
        let settings = Settings { proxy: Proxy::Url(address.to_owned()), ..settings("http://localhost") };
        let failure = Client::new(&settings).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Settings, "{address}");
        assert!(failure.message.contains("http://proxy.company.com:8080"), "{address}: {failure}");
        assert!(!failure.message.contains("geheim"), "{failure}");
    }
    let settings = Settings { user_agent: "a\nb".to_owned(), ..settings("http://localhost") };
    assert_eq!(Client::new(&settings).unwrap_err().kind, FailureKind::Settings);
}
