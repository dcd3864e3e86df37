//! The virtual appliance: `cargo xtask dist` makes it in all formats, programs of others judge the disks, and it is booted
//! under QEMU and used as its administrators and operators use it. Processors are emulated.

mod card;
mod disks;
mod life;
mod machine;
mod thorough;

use crate::bench::Bench;
use crate::command::tool;
use crate::products::{recipe, workspace};
use anyhow::{Context, Result, ensure};
use machine::Qemu;
use std::path::PathBuf;

/// Makes the appliances and judges them.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    // Kept: an appliance that nothing has changed is not made again.
    let out = workspace().join("target/appliance/judged");
    let recipe = recipe()?;
    let is_machine = |row: &&packager::ApplianceRow| row.system == "virtual-machine";
    let rows = recipe.rows.appliances().iter().filter(is_machine);
    let names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
    let make =
        || tool(super::dist::xtask(), 900).arg("dist").args(&names).arg("--out").arg(&out).aloud().run();
    if !bench.case_for_others("every format is made of one disk", make) {
        return Ok(());
    }
    let list = packager::Artifacts::load(&out)?.context("there is no list of what was made")?;
    let file = |name: &str| -> Result<PathBuf> {
        let (file, artifact) = list.of_row(name).with_context(|| format!("{name} was not made"))?;
        artifact.verify_file(&out.join(file))?;
        Ok(out.join(file))
    };
    let files: Vec<(&str, PathBuf)> =
        names.iter().map(|name| Ok((*name, file(name)?))).collect::<Result<_>>()?;
    ensure!(!files.is_empty(), "artifacts.toml has no appliance");
    bench.judge(files.iter().map(|(_, path)| path.clone()));
    let qemu = Qemu::find(machine::PC)?;
    disks::judge(bench, &qemu, &files)?;
    let image = file("appliance-qcow2")?;
    life::judge(bench, &qemu, &image)?;
    if bench.thorough {
        let (_, made) = list.of_row("appliance-qcow2").context("it was made")?;
        let client = out.join(&made.made_from.first().context("it is made of nothing")?.file);
        thorough::judge(bench, &qemu, &image, &client)?;
        card::judge(bench, &out)?;
    }
    Ok(())
}
