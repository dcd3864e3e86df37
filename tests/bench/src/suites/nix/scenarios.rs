//! The NixOS module and the scenarios of the virtual machines, as far as they can be judged without booting one.

use super::workshop::Workshop;
use crate::bench::Bench;
use anyhow::Result;

pub(super) fn run(_bench: &mut Bench, _workshop: &Workshop) -> Result<()> {
    Ok(())
}
