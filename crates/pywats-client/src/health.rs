//! The health endpoints: JSON over HTTP for people, probes and monitoring, GET and HEAD only, never
//! a secret.
//!
//! | path | 200 | 503 |
//! |---|---|---|
//! | `/`, `/health`, `/health/live` | the workers are alive | a worker hangs |
//! | `/health/ready` | reports are taken and uploaded | with the reason |
//! | `/health/details` | as ready, with everything there is to know | |
//! | `/metrics` | always, in [Prometheus' text format](https://prometheus.io/docs/instrumenting/exposition_formats/) | |

use crate::service::RELOAD;
use crate::status::{Area, FolderView, Status, utc};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How often a port that is in use is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// A worker that has shown no sign of life for this long hangs.
const HUNG: Duration = Duration::from_secs(60);

/// So many connections at once: each holds a descriptor, which the reports need as well. Further ones wait.
const CONNECTIONS: usize = 32;
/// How long a connection lives, so that one on which nothing comes keeps no other out for long.
const LONGEST: Duration = Duration::from_secs(5);

/// An answer.
type Answer = Response<Full<Bytes>>;

/// What the endpoints show.
#[derive(Clone, Debug)]
pub struct View {
    /// The state of the service.
    pub status: Arc<Status>,
    /// The configuration file that is looked for.
    pub config_path: PathBuf,
}

/// Serves the endpoints until the future is dropped. A port in use does not stop anything: it is
/// reported, and tried again until it is free.
pub async fn serve(address: SocketAddr, view: View) {
    let status = Arc::clone(&view.status);
    loop {
        let error = match TcpListener::bind(address).await {
            Ok(listener) => {
                status.fine(Area::Health);
                tracing::info!("health endpoints at http://{address}/health");
                accept(&listener, &view).await
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

/// Serves connections for ever.
async fn accept(listener: &TcpListener, view: &View) -> ! {
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
        let view = view.clone();
        connections.spawn(async move {
            // What goes wrong on it concerns who opened it.
            drop(timeout(LONGEST, converse(stream, &view)).await);
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, view: &View) -> hyper::Result<()> {
    let service = service_fn(async |request: Request<_>| Ok::<_, Infallible>(answer(view, &request)));
    // One request each: a connection kept for the next one would end while that comes.
    http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await
}

fn answer<B>(view: &View, request: &Request<B>) -> Answer {
    let respond: fn(&View) -> Answer = match request.uri().path() {
        "/" | "/health" => health,
        "/health/live" => live,
        "/health/ready" => ready,
        "/health/details" => details,
        "/metrics" => metrics,
        _ => |_| json_response(StatusCode::NOT_FOUND, &json!({ "error": "Not found" })),
    };
    let mut response = if matches!(*request.method(), Method::GET | Method::HEAD) {
        respond(view)
    } else {
        let error = json!({ "error": "Method not allowed; use GET or HEAD" });
        json_response(StatusCode::METHOD_NOT_ALLOWED, &error)
    };
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    response
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

fn code(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn hung(view: &View) -> Option<String> {
    view.status.hung(HUNG).map(|worker| format!("the {worker:?} worker hangs").to_lowercase())
}

fn health(view: &View) -> Answer {
    match hung(view) {
        None => json_response(StatusCode::OK, &json!({ "status": "ok" })),
        Some(reason) => json_response(code(false), &json!({ "status": "unhealthy", "reason": reason })),
    }
}

fn live(view: &View) -> Answer {
    match hung(view) {
        None => json_response(StatusCode::OK, &json!({ "status": "alive" })),
        Some(reason) => json_response(code(false), &json!({ "status": "not alive", "reason": reason })),
    }
}

fn not_ready(view: &View) -> Option<String> {
    hung(view).or_else(|| view.status.not_ready())
}

fn ready(view: &View) -> Answer {
    match not_ready(view) {
        None => json_response(StatusCode::OK, &json!({ "status": "ready" })),
        Some(reason) => json_response(code(false), &json!({ "status": "not ready", "reason": reason })),
    }
}

fn details(view: &View) -> Answer {
    json_response(code(not_ready(view).is_none()), &details_json(view))
}

/// Everything there is to know about the running service.
pub fn details_json(view: &View) -> Value {
    let status = &view.status;
    let reason = not_ready(view);
    let counts = status.counts();
    let problems: serde_json::Map<String, Value> =
        status.problems().into_iter().map(|(area, what)| (area.name().to_owned(), what.into())).collect();
    let notes: serde_json::Map<String, Value> =
        status.notes().into_iter().map(|(topic, what)| (topic.name().to_owned(), what.into())).collect();
    let (last_error_at, last_error) = status.last_error().unzip();
    let failed = status.failed_files();
    let newest = failed
        .newest
        .map(|newest| json!({ "file": newest.file, "time": newest.time, "reason": newest.reason }));
    json!({
        "healthy": reason.is_none(),
        "status": if reason.is_none() { "ready" } else { "not ready" },
        "reason": reason,
        "timestamp": utc(Timestamp::now()),
        "details": {
            "version": env!("CARGO_PKG_VERSION"),
            "service_status": status.phase().name(),
            "api_status": if status.online() { "Online" } else { "Offline" },
            "uptime_seconds": status.uptime().as_secs(),
            "pending_count": counts.pending,
            "delivered_count": counts.delivered,
            "failed_count": counts.failed,
            "lost_count": counts.lost,
            "parked_count": counts.parked,
            "parked": status.parked_reports().map(|parked| json!({
                "count": parked.count,
                "newest": parked.newest,
                "since": utc(parked.since),
                "reason": parked.why,
                "try_now": RELOAD,
            })),
            "pace_per_minute": status.pace(),
            "failed_folder_files": failed.files,
            "failed_folder_newest": newest,
            "last_error": last_error,
            "last_error_at": last_error_at.map(utc),
            "problems": problems,
            "notes": notes,
            "not_taken": status.not_taken(),
            "folders": status.folders().iter().map(FolderView::to_json).collect::<Vec<_>>(),
            "config_path": view.config_path.to_string_lossy(),
        },
    })
}

fn metrics(view: &View) -> Answer {
    let status = &view.status;
    let counts = status.counts();
    let ready = u64::from(not_ready(view).is_none());
    let rows: &[(&str, &str, &str, u64)] = &[
        ("pywats_ready", "gauge", "Whether reports are taken and uploaded.", ready),
        ("pywats_server_online", "gauge", "Whether the server answered last.", u64::from(status.online())),
        (
            "pywats_uptime_seconds",
            "gauge",
            "Seconds since the service was started.",
            status.uptime().as_secs(),
        ),
        ("pywats_reports_pending", "gauge", "Reports that wait for the server.", counts.pending),
        ("pywats_reports_parked", "gauge", "Those of them that are only tried daily.", counts.parked),
        (
            "pywats_learnt_reports_per_minute",
            "gauge",
            "How many the server lets through, as learnt from 429; 0 if it has not limited them.",
            status.pace().unwrap_or_default().into(),
        ),
        ("pywats_reports_delivered_total", "counter", "Reports that the server accepted.", counts.delivered),
        ("pywats_failed_files", "gauge", "Files that lie in the failed folder.", status.failed_files().files),
        ("pywats_reports_failed_total", "counter", "Files and reports that were refused.", counts.failed),
        (
            "pywats_reports_lost_total",
            "counter",
            "Reports whose file somebody removed from the spool.",
            counts.lost,
        ),
    ];
    let text: String = rows
        .iter()
        .map(|(name, kind, help, value)| {
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n")
        })
        .collect();
    response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
}
