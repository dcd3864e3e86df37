//! The health endpoints: JSON over HTTP for people, probes and monitoring, GET and HEAD only, never
//! a secret.
//!
//! | path | 200 | 503 |
//! |---|---|---|
//! | `/`, `/health`, `/health/live` | the workers are alive | a worker hangs |
//! | `/health/ready` | reports are taken and uploaded | with the reason |
//! | `/health/details` | as ready, with everything there is to know: [`details`] | |
//! | `/metrics` | always: [`metrics`] | |
//!
//! To a browser, `/` is the status page: [`page`]. What is shown depends on who asks: [`audience`].

pub mod audience;
pub mod details;
pub mod metrics;
pub mod page;

pub use audience::Audience;
pub use details::{View, details_json};

use crate::config::Health;
use crate::status::{Area, Status};
use audience::Asked;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

/// How often a port that is in use is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// A worker that has shown no sign of life for this long hangs.
const HUNG: Duration = Duration::from_secs(60);
/// How long an answer waits for a look at queue and disk; then it has what the last look found.
const LOOK: Duration = Duration::from_millis(500);

/// So many connections at once: each holds a descriptor, which the reports need as well. Further ones wait.
const CONNECTIONS: usize = 32;
/// How long a connection lives, so that one on which nothing comes keeps no other out for long.
const LONGEST: Duration = Duration::from_secs(5);

/// An answer.
type Answer = Response<Full<Bytes>>;

/// Serves the endpoints until the future is dropped. A port in use does not stop anything: it is
/// reported, and tried again until it is free.
pub async fn serve(health: Health, view: View) {
    let address = SocketAddr::new(health.address, health.port);
    let shown = Arc::new(Shown { view, health });
    let status = &shown.view.status;
    loop {
        let error = match TcpListener::bind(address).await {
            Ok(listener) => {
                status.fine(Area::Health);
                tracing::info!("health endpoints at http://{address}/health");
                accept(&listener, &shown).await
            }
            Err(error) => error,
        };
        status.problem(
            Area::Health,
            format!(
                "health endpoints cannot listen at {address}: {error}; stop the other program or set health.port \
                 (0 is off)"
            ),
        );
        tokio::time::sleep(RETRY).await;
    }
}

/// What is served, and to whom.
struct Shown {
    view: View,
    health: Health,
}

/// Serves connections for ever.
async fn accept(listener: &TcpListener, shown: &Arc<Shown>) -> ! {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Ends them with itself.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { continue };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!("a connection to the health endpoints cannot be taken: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let shown = Arc::clone(shown);
        connections.spawn(async move {
            // What goes wrong on it concerns who opened it.
            drop(timeout(LONGEST, converse(stream, &shown)).await);
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shown: &Shown) -> hyper::Result<()> {
    let ends = stream.peer_addr().and_then(|peer| Ok((peer.ip(), stream.local_addr()?.ip()))).ok();
    let service =
        service_fn(async |request: Request<_>| Ok::<_, Infallible>(answer(shown, ends, &request).await));
    // One request each: a connection kept for the next one would end while that comes.
    http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await
}

async fn answer<B>(shown: &Shown, ends: Option<audience::Ends>, request: &Request<B>) -> Answer {
    let mut response = if matches!(*request.method(), Method::GET | Method::HEAD) {
        respond(shown, &Asked::of(request, ends, &shown.health), request).await
    } else {
        let error = json!({ "error": "Method not allowed; use GET or HEAD" });
        json_response(StatusCode::METHOD_NOT_ALLOWED, &error)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn respond<B>(shown: &Shown, asked: &Asked, request: &Request<B>) -> Answer {
    let view = &shown.view;
    let path = request.uri().path();
    if asked.is_misdirected && (path == "/health/details" || asked.wants_page) {
        return misdirected(&asked.host);
    }
    match path {
        "/" if asked.wants_page => {
            look(&view.status, &view.data_dir).await;
            page(view, asked.audience)
        }
        "/" | "/health" => with_vary(health(view, ["ok", "unhealthy"])),
        "/health/live" => health(view, ["alive", "not alive"]),
        "/health/ready" => ready(view, asked.audience),
        "/health/details" => {
            look(&view.status, &view.data_dir).await;
            let details = details_json(view, asked.audience);
            json_response(code(details["healthy"] == true), &details)
        }
        "/metrics" => {
            look(&view.status, &view.data_dir).await;
            let text = metrics::text(&details_json(view, Audience::Elsewhere));
            response(StatusCode::OK, metrics::CONTENT_TYPE, text)
        }
        _ => json_response(StatusCode::NOT_FOUND, &json!({ "error": "Not found" })),
    }
}

/// Looks at queue and disk, but does not wait long for them.
pub async fn look(status: &Arc<Status>, data_dir: &Path) {
    let (status, data_dir) = (Arc::clone(status), data_dir.to_path_buf());
    let looked = spawn_blocking(move || status.observed().look(&data_dir));
    drop(timeout(LOOK, looked).await);
}

fn response(code: StatusCode, content: &'static str, body: String) -> Answer {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response
}

fn json_response(code: StatusCode, body: &Value) -> Answer {
    response(code, "application/json", body.to_string())
}

/// What `/` answers depends on what is asked for.
fn with_vary(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    answer
}

/// A name that is not this machine's: a site elsewhere may have pointed its own name here, to read through the browser
/// of somebody who sits here.
fn misdirected(host: &str) -> Answer {
    let body = json!({
        "error": format!("{host:?} is not a name of this machine"),
        "what_to_do": "Ask by address or as localhost, or add the name to health.host_names.",
    });
    json_response(StatusCode::MISDIRECTED_REQUEST, &body)
}

fn code(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn health(view: &View, [fine, bad]: [&str; 2]) -> Answer {
    match details::hung(view) {
        None => json_response(StatusCode::OK, &json!({ "status": fine })),
        Some(reason) => json_response(code(false), &json!({ "status": bad, "reason": reason })),
    }
}

fn ready(view: &View, audience: Audience) -> Answer {
    match details::not_ready(view, audience) {
        None => json_response(StatusCode::OK, &json!({ "status": "ready" })),
        Some(reason) => json_response(code(false), &json!({ "status": "not ready", "reason": reason })),
    }
}

fn page(view: &View, audience: Audience) -> Answer {
    let html = page::html(&details_json(view, audience), audience);
    let mut answer =
        with_vary(response(code(details::hung(view).is_none()), "text/html; charset=utf-8", html));
    let headers = answer.headers_mut();
    let policy = page::content_security_policy();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    answer
}
