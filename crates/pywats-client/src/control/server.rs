//! Holds the doors open: one request a connection, so many connections at once, and so many bytes of bodies in memory,
//! however many send.
//!
//! A door that cannot be opened stops nothing: a note says so, and it is tried again.

use super::desk::Desk;
use super::door::{Door, Listener};
use super::{Reply, Request, Role, sending};
use crate::health;
use crate::status::{Status, Topic};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

/// How often a door that cannot be opened is tried again, and an open one looked at.
const RETRY: Duration = Duration::from_secs(10);
/// How often, while its folder is about to be made.
const SOON: Duration = Duration::from_millis(200);
/// So many connections at a door at once; further ones wait.
const CONNECTIONS: usize = 16;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long the next part of a body may take.
const PART: Duration = Duration::from_secs(30);
/// How long all of it may take, while which others wait for room.
const WHOLE: Duration = Duration::from_secs(60);
/// How long a connection lives: taking back many files takes long.
const LONGEST: Duration = Duration::from_secs(3600);
/// Kilobytes of bodies in memory at once at each door; a larger one is alone.
const BODIES: u32 = 8 << 10;

/// What all connections share.
#[derive(Debug)]
struct Shared {
    data_dir: PathBuf,
    desk: Arc<Desk>,
    status: Arc<Status>,
    /// Of each role, so that nobody takes the room of who may do more.
    bodies: BTreeMap<Role, Semaphore>,
    problems: Mutex<BTreeMap<Role, String>>,
}

/// Serves both doors of the service with this data folder until the future is dropped.
pub async fn serve(data_dir: &Path, desk: Arc<Desk>, status: Arc<Status>) {
    let shared = Arc::new(Shared {
        data_dir: data_dir.to_path_buf(),
        desk,
        status,
        bodies: Role::ALL.map(|role| (role, Semaphore::new(BODIES as usize))).into(),
        problems: Mutex::default(),
    });
    let [operators, administrators] =
        Role::ALL.map(|role| keep(Door::of(data_dir, role), role, Arc::clone(&shared)));
    tokio::join!(operators, administrators);
}

/// Opens a door again and again.
async fn keep(door: Door, role: Role, shared: Arc<Shared>) {
    let mut waited = Duration::ZERO;
    loop {
        match Listener::open(&door) {
            Ok(listener) => {
                shared.tell(role, None);
                tracing::info!("commands are answered at {}", door.name());
                receive(listener, role, &shared).await;
                waited = Duration::ZERO;
            }
            // The service makes its data folder only after that.
            Err(error) if error.kind() == io::ErrorKind::NotFound && waited < RETRY => {
                waited += SOON;
                tokio::time::sleep(SOON).await;
            }
            Err(error) => {
                shared.tell(
                    role,
                    Some(format!(
                        "{}: {error}; until then commands such as pywats-client status get no answer there",
                        door.name()
                    )),
                );
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Serves who comes in, until the door is not in its place any more.
async fn receive(mut listener: Listener, role: Role, shared: &Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut look = tokio::time::interval(RETRY);
    loop {
        tokio::select! {
            _ = look.tick() => if !listener.is_in_place() { return },
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => match accepted {
                (Ok(place), Ok(stream)) => {
                    let shared = Arc::clone(shared);
                    connections.spawn(async move {
                        // What goes wrong on it concerns who opened it.
                        drop(timeout(LONGEST, converse(stream, role, shared)).await);
                        drop(place);
                    });
                }
                (_, Err(error)) => {
                    tracing::debug!("nobody can be let in: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                (Err(_), _) => return,
            },
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    role: Role,
    shared: Arc<Shared>,
) -> hyper::Result<()> {
    let service = service_fn(async |request| Ok::<_, Infallible>(respond(role, &shared, request).await));
    http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn respond(role: Role, shared: &Shared, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let Reply { status, body } = answer(role, shared, request).await.unwrap_or_else(|refused| refused);
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn answer(role: Role, shared: &Shared, request: hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let limit = shared.desk.admit(role, &head.method, &path)?;
    let Some(size) = body.size_hint().exact() else {
        let error = "the request does not say how large it is";
        return Err(Reply::error(StatusCode::LENGTH_REQUIRED, error, "Send Content-Length."));
    };
    if size > limit {
        return Err(sending::too_large(limit));
    }
    let kilobytes = u32::try_from(size.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(BODIES);
    // Until there is room nothing is read, and the sender waits.
    let room = shared.bodies.get(&role).ok_or_else(|| Reply::failed("the door has no room"))?;
    let _room = room.acquire_many(kilobytes).await.map_err(Reply::failed)?;
    let request = Request {
        method: head.method,
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: timeout(WHOLE, read(body, size)).await.map_err(|_| cut())??,
    };
    if Desk::is_asked_for_status(&request) {
        health::look(&shared.status, &shared.data_dir).await;
    }
    let desk = Arc::clone(&shared.desk);
    spawn_blocking(move || desk.answer(role, &request)).await.map_err(Reply::failed)
}

fn cut() -> Reply {
    Reply::bad("the request ended too early, or came too slowly")
}

async fn read(mut body: Incoming, size: u64) -> Result<Vec<u8>, Reply> {
    let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or(0));
    while let Some(frame) = timeout(PART, body.frame()).await.map_err(|_| cut())? {
        if let Ok(data) = frame.map_err(|_| cut())?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.into())
}

impl Shared {
    /// Tells how it is with a door.
    fn tell(&self, role: Role, problem: Option<String>) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problem {
            Some(problem) => drop(problems.insert(role, problem)),
            None => drop(problems.remove(&role)),
        }
        if problems.is_empty() {
            self.status.forget(Topic::Control);
        } else {
            self.status.note(Topic::Control, problems.values().cloned().collect::<Vec<_>>().join("; "));
        }
    }
}
