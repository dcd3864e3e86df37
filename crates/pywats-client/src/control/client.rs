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
/// How long one may take that changes something.
const LONG: Duration = Duration::from_secs(120);
/// How long taking back many files may take.
const LONGEST: Duration = Duration::from_secs(3600);
/// After this whoever waits is told that there is no answer yet.
const SILENCE: Duration = Duration::from_secs(10);

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
    /// Nothing came in time.
    #[error(
        "the service did not answer within {} s{}",
        .waited.as_secs(),
        if *.changes {
            "; it is not known whether it has done what was asked. pywats-client queue list shows what waits, as soon as \
             the service answers again; what is in neither that nor pywats-client failed list is delivered or never came"
        } else {
            "; it may be too busy, or hang"
        }
    )]
    Late {
        /// How long it was waited for.
        waited: Duration,
        /// Whether something was to be changed.
        changes: bool,
    },
}

/// Asks the service with this data folder, by the administrators' door where that may be opened. Blocks. `tell` is told
/// if it has to be waited for.
///
/// # Errors
/// If there is no answer.
pub fn ask(
    data_dir: &Path,
    method: Method,
    target: &str,
    body: Vec<u8>,
    tell: impl FnOnce(&str),
) -> Result<Reply, NoAnswer> {
    let failed = |error: io::Error| NoAnswer::Failed(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (patience, changes) = (patience(&method, target), method != Method::GET);
    runtime.block_on(wait(patience, changes, ask_by_some_door(data_dir, method, target, body), tell))
}

/// How long an answer is waited for.
fn patience(method: &Method, target: &str) -> Duration {
    match target {
        _ if method == Method::GET => PATIENCE,
        "/v1/failed/retry" | "/v1/reprocess" => LONGEST,
        _ => LONG,
    }
}

async fn wait(
    patience: Duration,
    changes: bool,
    asked: impl Future<Output = Result<Reply, NoAnswer>>,
    tell: impl FnOnce(&str),
) -> Result<Reply, NoAnswer> {
    tokio::pin!(asked);
    if let Ok(answered) = timeout(SILENCE, &mut asked).await {
        return answered;
    }
    tell(&format!("the service has not answered yet; waiting for it, {} s at most", patience.as_secs()));
    let late = |_| Err(NoAnswer::Late { waited: patience, changes });
    timeout(patience.saturating_sub(SILENCE), asked).await.unwrap_or_else(late)
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

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;
    use serde_json::json;
    use tokio::time::Instant;

    /// Fails if: a person waits for an answer in silence, for much longer than the answer can take, or is not told that
    /// what was asked may have been done; or an answer that comes late is not waited for.
    #[tokio::test(start_paused = true)]
    async fn silence() {
        for (method, target, seconds) in [
            (Method::GET, "/v1/status", 30),
            (Method::POST, "/v1/reports?name=a.json", 120),
            (Method::POST, "/v1/queue/retry", 120),
            (Method::POST, "/v1/queue/0123/retry", 120),
            (Method::DELETE, "/v1/queue/0123", 120),
            (Method::POST, "/v1/failed/retry", 3600),
            (Method::POST, "/v1/reprocess", 3600),
        ] {
            let (longest, changes) = (patience(&method, target), method != Method::GET);
            for (after, answers) in [(9, true), (seconds - 1, true), (seconds + 1, false)] {
                let begun = Instant::now();
                let answer = async {
                    tokio::time::sleep(Duration::from_secs(after)).await;
                    Ok(Reply { status: StatusCode::OK, body: json!({}) })
                };
                let mut told = None;
                let tell = |text: &str| {
                    told = Some((begun.elapsed(), text.to_owned()));
                };
                let answered = wait(longest, changes, answer, tell).await;
                assert_eq!(answered.is_ok(), answers, "{target} {after}");
                assert_eq!(told.map(|(when, _)| when), (after > 10).then_some(SILENCE), "{target} {after}");
                if let Err(error) = answered {
                    assert_eq!(begun.elapsed(), Duration::from_secs(seconds), "{target}");
                    assert_eq!(error.to_string().contains("not known"), changes, "{target}: {error}");
                }
            }
        }
    }
}
