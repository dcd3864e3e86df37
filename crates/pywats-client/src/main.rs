//! The program `pywats-client`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pywats_client::commands::main().into()
}
