//! What the Windows service manager hears of the service's life. It is told by two threads, its own, which asks for a
//! stop, and the service's: neither may take back what the other has said, or Windows waits for an end that was
//! told already.

/// The states that the manager is told, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Requests are taken.
    Running,
    /// On its way out.
    StopPending,
    /// The last word.
    Stopped,
}

/// How far the service has come.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    state: Option<State>,
    /// Counts the steps of stopping, as the manager wants it.
    checkpoint: u32,
}

impl Lifecycle {
    /// A service that has told nothing yet.
    pub(super) const fn new() -> Self {
        Lifecycle { state: None, checkpoint: 0 }
    }

    /// Enters a state and returns the checkpoint to tell with it, or nothing if there is nothing to tell: the service
    /// is beyond that state, or in it.
    pub(super) fn enter(&mut self, state: State) -> Option<u32> {
        let further = Some(state) > self.state;
        let still_stopping = state == State::StopPending && self.state == Some(state);
        if !further && !still_stopping {
            return None;
        }
        self.state = Some(state);
        self.checkpoint = if state == State::StopPending { self.checkpoint + 1 } else { 0 };
        Some(self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a service that is stopping calls itself running again, or one that has stopped stopping; a step of
    /// stopping does not count; or a checkpoint stands where Windows wants zero.
    #[test]
    fn goes_forward_only() {
        use State::{Running, StopPending, Stopped};
        let lives: [&[(State, Option<u32>)]; 4] = [
            &[(Running, Some(0)), (Running, None), (StopPending, Some(1)), (Stopped, Some(0))],
            &[
                (Running, Some(0)),
                (StopPending, Some(1)),
                (Running, None),
                (StopPending, Some(2)),
                (Stopped, Some(0)),
            ],
            // The manager asks for a stop while the service ends by itself.
            &[(Running, Some(0)), (Stopped, Some(0)), (StopPending, None), (Running, None), (Stopped, None)],
            &[(StopPending, Some(1)), (Running, None)],
        ];
        for life in lives {
            let mut lifecycle = Lifecycle::new();
            for (at, (state, told)) in life.iter().enumerate() {
                assert_eq!(lifecycle.enter(*state), *told, "step {at} of {life:?}");
            }
        }
    }
}
