//! From a connection to the server's state and back: HTTP/1.1 by `hyper`, which, unlike a framework
//! above it, can be told to end a connection without an answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::answer::{Answer, Reply};
use crate::body::Body;
use crate::request;
use crate::state::State;

/// Serves one connection until either side ends it. Tells whether it is to end by a reset.
pub(crate) async fn serve<S>(stream: S, state: Arc<State>) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let reset = AtomicBool::new(false);
    let service = service_fn(|request| answer(request, Arc::clone(&state), &reset));
    // An error here is a client that went away, or a connection that was closed as scripted.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    reset.load(Ordering::Relaxed)
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    reset: &AtomicBool,
) -> Result<Response<Body>, ConnectionEnds> {
    let _in_flight = state.arrived();
    let (head, body) = request.into_parts();
    let announced = body.size_hint().exact().unwrap_or_default();
    if let Some(refusal) = state.too_large(announced) {
        // The body is left unread, as IIS and proxies do it.
        return send(state.act(refusal, &request::Request::new(&head, bytes::Bytes::new()), None), reset)
            .await;
    }
    let body = body.collect().await.map_err(|_| ConnectionEnds)?.to_bytes();
    let request = request::Request::new(&head, body);
    let _same_id = state.same_id(request.id());
    let (mut answer, arrival) = state.decide(&request);
    let latency = state.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    while let Answer::After(delay, then) = answer {
        tokio::time::sleep(delay).await;
        answer = *then;
    }
    send(state.act(answer, &request, arrival), reset).await
}

async fn send(reply: Reply, reset: &AtomicBool) -> Result<Response<Body>, ConnectionEnds> {
    match reply {
        Reply::Send(response) => Ok(response),
        Reply::SendLater(response, delay) => {
            tokio::time::sleep(delay).await;
            Ok(response)
        }
        Reply::Close => Err(ConnectionEnds),
        Reply::Reset => {
            reset.store(true, Ordering::Relaxed);
            Err(ConnectionEnds)
        }
        Reply::Hang => std::future::pending().await,
    }
}

/// Makes `hyper` end the connection.
#[derive(Debug)]
pub(crate) struct ConnectionEnds;

impl fmt::Display for ConnectionEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends without an answer")
    }
}

impl std::error::Error for ConnectionEnds {}
