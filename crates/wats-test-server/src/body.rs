//! The body of an answer, which may end too early.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::http::ConnectionEnds;

/// A body, or the first half of one.
#[derive(Debug)]
pub(crate) struct Body {
    rest: Option<Bytes>,
    /// The connection ends after what is left.
    ends_early: bool,
    /// What there is has had the time to be sent: an error would take it back.
    sent: bool,
}

impl Body {
    pub(crate) fn whole(content: Bytes) -> Body {
        Body { rest: Some(content), ends_early: false, sent: false }
    }

    /// The first half of this body, and the length of the whole.
    pub(crate) fn cut_in_half(self) -> (Body, usize) {
        let content = self.rest.unwrap_or_default();
        let half = content.slice(..content.len() / 2);
        (Body { rest: Some(half), ends_early: true, sent: false }, content.len())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = ConnectionEnds;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionEnds>>> {
        let next = match self.rest.take() {
            Some(rest) if !rest.is_empty() => Some(Ok(Frame::data(rest))),
            _ if self.ends_early && !self.sent => {
                self.sent = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => self.ends_early.then_some(Err(ConnectionEnds)),
        };
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Bytes::is_empty) && !self.ends_early
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Some(rest) if !self.ends_early => SizeHint::with_exact(rest.len() as u64),
            None if !self.ends_early => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
