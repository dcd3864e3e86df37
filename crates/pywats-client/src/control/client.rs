//! Asks the running service.

use super::door::{Closed, Door, connect};
use super::{Reply, Role};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer may take that only tells something.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one may take that changes something: taking back many files takes long.
const LONGEST: Duration = Duration::from_secs(3600);

/// Bytes of an answer at most: the longest list is far shorter.
const LARGEST: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The service is down, or has no door open.
    #[error("the service does not answer ({0})")]
    NotRunning(Closed),
    /// This account may not ask.
    #[error("{0}")]
    NotAllowed(Closed),
    /// Somebody else is in the service's place.
    #[error("{0}")]
    Squatter(Closed),
    /// It went wrong on the way.
    #[error("the service was asked, but did not answer: {0}")]
    Failed(String),
}

/// Asks the service with this data folder, by the administrators' door where that may be opened. Blocks.
///
/// # Errors
/// If there is no answer.
pub fn ask(data_dir: &Path, method: Method, target: &str, body: Vec<u8>) -> Result<Reply, NoAnswer> {
    let failed = |error: io::Error| NoAnswer::Failed(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let patience = if method == Method::GET { PATIENCE } else { LONGEST };
    runtime.block_on(async {
        let asked = timeout(patience, ask_by_some_door(data_dir, method, target, body));
        let late = |_| Err(NoAnswer::Failed(format!("nothing came within {} s", patience.as_secs())));
        asked.await.unwrap_or_else(late)
    })
}

async fn ask_by_some_door(
    data_dir: &Path,
    method: Method,
    target: &str,
    body: Vec<u8>,
) -> Result<Reply, NoAnswer> {
    let administrators = Door::of(data_dir, Role::Administrator);
    let operators = Door::of(data_dir, Role::Operator);
    let stream = match connect(&administrators).await {
        Err(first @ (Closed::NotAllowed(_) | Closed::Nobody(_))) => match connect(&operators).await {
            // What is not seen may be hidden: who may not even look is told so.
            Err(Closed::Nobody(_)) if matches!(first, Closed::NotAllowed(_)) => Err(first),
            second => second,
        },
        first => first,
    };
    let stream = stream.map_err(|closed| match closed {
        Closed::Nobody(_) => NoAnswer::NotRunning(closed),
        Closed::NotAllowed(_) => NoAnswer::NotAllowed(closed),
        Closed::Squatter(..) => NoAnswer::Squatter(closed),
        Closed::Failed(..) => NoAnswer::Failed(closed.to_string()),
    })?;
    let failed = |error: hyper::Error| NoAnswer::Failed(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, "localhost")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| NoAnswer::Failed(error.to_string()))?;
    let asked = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok::<_, hyper::Error>((head.status, Limited::new(body, LARGEST).collect().await))
    };
    tokio::pin!(asked, connection);
    let (status, text) = tokio::select! {
        answered = &mut asked => answered,
        ended = &mut connection => match ended {
            Ok(()) => asked.await,
            Err(error) => Err(error),
        },
    }
    .map_err(failed)?;
    let text = text.map_err(|error| NoAnswer::Failed(format!("its answer cannot be read: {error}")))?;
    let body: Value = serde_json::from_slice(&text.to_bytes())
        .map_err(|error| NoAnswer::Failed(format!("its answer is not JSON: {error}")))?;
    Ok(Reply { status, body })
}
