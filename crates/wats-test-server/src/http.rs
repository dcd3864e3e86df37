//! From a connection to the server's state and back: HTTP/1.1 by `hyper`, which, unlike a framework
//! above it, can be told to end a connection without an answer.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::answer::Reply;
use crate::state::{Received, State};

/// Serves one connection until either side ends it.
pub(crate) async fn serve<S>(stream: S, state: Arc<State>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // An error here is a client that went away, or a connection that was closed as scripted.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, ConnectionEnds> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| ConnectionEnds)?.to_bytes().to_vec();
    let header = |name: HeaderName| Some(text(head.headers.get(name)?.as_bytes()));
    let received = Received {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        authorization: header(AUTHORIZATION),
        content_type: header(CONTENT_TYPE),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body,
    };
    match state.handle(received) {
        Reply::Send(response) => Ok(response),
        Reply::Close => Err(ConnectionEnds),
        Reply::Hang => std::future::pending().await,
    }
}

fn text(header: &[u8]) -> String {
    String::from_utf8_lossy(header).into_owned()
}

/// Makes `hyper` end the connection.
#[derive(Debug)]
struct ConnectionEnds;

impl fmt::Display for ConnectionEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends without an answer")
    }
}

impl std::error::Error for ConnectionEnds {}
