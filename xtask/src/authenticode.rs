//! Signatures of programs and installers for Windows (Authenticode): what can have one, what it says, and whether it
//! stands.
//!
//! [`crate::sign`] makes them and [`crate::verify`] judges files; both are verbs over this module, which knows of
//! neither. `osslsigncode` does the cryptography ([`osslsigncode`]); what it lets pass, such as SHA-1, is refused
//! here.

mod algorithm;
pub(crate) mod certificates;
mod explain;
mod judge;
pub(crate) mod kind;
pub(crate) mod osslsigncode;
mod pe;
pub(crate) mod signature;
mod timestamp;
mod trust;

pub(crate) use judge::{Verdict, judge, require};
pub(crate) use kind::Kind;
pub(crate) use osslsigncode::Osslsigncode;
pub(crate) use signature::Signature;
pub(crate) use timestamp::{Timestamp, can_write};
pub(crate) use trust::{Roots, Trust};
