//! The targets: all that this product reads of what others wrote. One program, so that they run at the
//! same time.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod answers;
mod configuration;
mod control;
mod reports;
