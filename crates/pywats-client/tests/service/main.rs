//! The built program against a WATS test server: each test is a station of its own.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod answers;
mod attacks;
mod backlog;
mod commands;
mod configuration;
mod control;
mod delivery;
mod diagnose;
mod files;
mod finished;
mod folders;
mod installation;
mod manager;
mod migrate;
mod outside;
#[allow(dead_code)] // the tests of crashes use it, too
mod station;
mod storage;
