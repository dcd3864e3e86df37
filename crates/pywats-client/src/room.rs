//! Room in memory for large reports: one of them at a time, whether it is being taken in or is on its way.
//!
//! Small ones are not counted here: intake has one at a time, and the upload has a limit of its own.

use bytes::Bytes;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// From so many bytes on a report is large.
const LARGE: u64 = 32 << 20;

/// See the module. Clones share the room.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: Mutex<bool>,
    left: Condvar,
}

/// The right to have a report in memory, for as long as this lives.
#[derive(Debug, Default)]
pub struct Place(Option<Arc<Inner>>);

impl Room {
    /// A place for a report of this size, if there is one now.
    pub fn try_enter(&self, bytes: u64) -> Option<Place> {
        if bytes < LARGE {
            return Some(Place::default());
        }
        let was_taken = std::mem::replace(&mut *self.0.taken(), true);
        (!was_taken).then(|| Place(Some(Arc::clone(&self.0))))
    }

    /// A place for a report of this size; waits for it.
    pub fn enter(&self, bytes: u64) -> Place {
        if bytes < LARGE {
            return Place::default();
        }
        let waited = self.0.left.wait_while(self.0.taken(), |taken| *taken);
        *waited.unwrap_or_else(PoisonError::into_inner) = true;
        Place(Some(Arc::clone(&self.0)))
    }
}

impl Inner {
    fn taken(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Bytes that keep the place until the last of them is gone.
    pub fn keep(self, bytes: Vec<u8>) -> Bytes {
        match self.0 {
            None => bytes.into(),
            Some(_) => Bytes::from_owner(Kept { bytes, _place: self }),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(room) = &self.0 {
            *room.taken() = false;
            room.left.notify_one();
        }
    }
}

struct Kept {
    /// Goes before the place does.
    bytes: Vec<u8>,
    _place: Place,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: two large reports are in memory at once, small ones wait for a large one, or a place is not
    /// free again when the bytes that keep it are gone.
    #[test]
    fn one_large_report_at_a_time() {
        let room = Room::default();
        let place = room.try_enter(LARGE).unwrap();
        assert!(room.try_enter(LARGE).is_none());
        assert!(room.try_enter(LARGE - 1).is_some());
        let bytes = place.keep(vec![7; 3]);
        let part = bytes.slice(1..);
        drop(bytes);
        assert!(room.try_enter(LARGE).is_none());
        let waiting = std::thread::spawn({
            let room = room.clone();
            move || room.enter(LARGE)
        });
        drop(part);
        let place = waiting.join().unwrap();
        assert!(room.try_enter(LARGE).is_none());
        drop(place);
        assert!(room.try_enter(LARGE).is_some());
    }
}
