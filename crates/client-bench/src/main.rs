//! Measures the client side by side with a plain loop in Python that does the same duties: reports a second,
//! processor time, syncs and bytes written a report, latency, a long queue, memory, and
//! many files in several folders.
//!
//! `cargo xtask bench client` builds it and runs it. It prints a table for people and writes `client.json`.

#[cfg(target_os = "linux")]
mod contestant;
#[cfg(target_os = "linux")]
mod folders;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod scenario;
#[cfg(target_os = "linux")]
mod summary;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use clap::Parser as _;
    scenario::Plan::parse().run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("measuring needs /proc, which only Linux has");
    std::process::exit(1);
}
