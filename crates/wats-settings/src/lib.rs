//! Judges what people set, before anybody uses it: one judgement for the program that reads a setting and
//! for the installer that writes it first (crates `pywats-client` and `installer-actions`).
//!
//! What is accepted here works in both, and what is refused is refused in the same words. A reason is the end
//! of a sentence: whoever asks puts the name of the setting or of the file before it.
//!
//! The installer's library lies in the package uncompressed, so this crate has few dependencies.

pub mod address;
pub mod folder;
pub mod text;
pub mod token;
