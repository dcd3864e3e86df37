//! The order of what happens: what began after what arrived.
//!
//! Clocks have steps; with many requests under way two things can happen in one of them. So requests that
//! begin and answers that arrive take numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// A place in the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order(pub u64);

/// Gives out places.
#[derive(Debug)]
pub struct Numbers(AtomicU64);

impl Numbers {
    /// The first place is 1.
    pub fn new() -> Self {
        Numbers(AtomicU64::new(1))
    }

    /// The next place.
    pub fn next(&self) -> Order {
        Order(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers::new()
    }
}
