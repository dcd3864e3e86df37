//! What people want to become of single reports: tried now, or given up. A report on its way is judged first.

use super::Upload;
use crate::queue::{Granted, Verdict, Wish};
use crate::upload::store::{Remote, Store};
use std::time::Instant;

impl<S: Store, R: Remote> Upload<S, R> {
    /// Looks at what people want.
    pub(super) fn grant_wishes(&mut self, now: Instant) {
        for wish in self.store.wishes() {
            match wish {
                Wish::Retry(seq) => {
                    self.unreadable.hurry(seq, now);
                    self.schedule.hurry(seq, now);
                }
                Wish::Drop { seq, reason, granted } => {
                    // Who asked may have gone.
                    let _gone = granted.send(self.give_up(seq, reason, now));
                }
            }
        }
    }

    fn give_up(&mut self, seq: i64, reason: String, now: Instant) -> Granted {
        if self.away.contains_key(&seq) {
            return Granted::OnItsWay;
        }
        self.unreadable.let_go(seq, now);
        self.held.remove(seq);
        self.line.take_away(seq);
        // The queue may be about to give it out.
        self.line.know(seq);
        self.schedule.forget(seq);
        self.decided(seq, Verdict::Refused(reason));
        Granted::Yes
    }
}
