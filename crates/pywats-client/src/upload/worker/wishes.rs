//! What people want to become of single reports: tried now, or given up. A report on its way is judged first.
//! Who wants a report given up is answered when that is on the disk.

use super::Upload;
use crate::queue::{Granted, Note, Wish};
use crate::upload::store::{Remote, Store};
use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Who waits for a report to be given up, by its row.
pub(super) type Wanted = HashMap<i64, Vec<Sender<Granted>>>;

impl<S: Store, R: Remote> Upload<S, R> {
    /// Looks at what people want.
    pub(super) fn grant_wishes(&mut self, now: Instant) {
        for wish in self.store.wishes() {
            match wish {
                Wish::Retry(seq) => {
                    self.unreadable.hurry(seq, now);
                    self.schedule.hurry(seq, now);
                }
                Wish::Drop { seq, granted, .. } if self.away.contains_key(&seq) => {
                    tell(&granted, Granted::OnItsWay);
                }
                Wish::Drop { seq, reason, granted } => {
                    self.give_up(seq, reason, now);
                    self.wanted.entry(seq).or_default().push(granted);
                }
            }
        }
    }

    fn give_up(&mut self, seq: i64, reason: String, now: Instant) {
        self.unreadable.let_go(seq, now);
        self.held.remove(seq);
        self.line.take_away(seq);
        // The queue may be about to give it out.
        self.line.know(seq);
        self.schedule.forget(seq);
        self.notes.add_urgent(seq, Note::Dropped(reason), now);
    }

    /// What is noted of this report is on the disk.
    pub(super) fn given_up(&mut self, seq: i64) {
        self.wanted.remove(&seq).into_iter().flatten().for_each(|granted| tell(&granted, Granted::Yes));
    }
}

fn tell(granted: &Sender<Granted>, answer: Granted) {
    // Who asked may have gone.
    let _gone = granted.send(answer);
}
