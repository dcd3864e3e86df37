//! AppImages that were cut off or changed on the way: nothing of them is run, and nothing of them is left.

use super::{Subject, names_in, write_program};
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::fs;

pub(super) fn judge(bench: &mut Bench, file: &Subject) -> Result<()> {
    let folder = bench.folder("damaged")?;
    bench.case(&format!("{}: cut off or changed, it is neither run nor unpacked, and says so", file.name), || {
        let image = file.bytes.len() - file.offset;
        // The program comes in the middle; behind it are the tables.
        let cut = [0, 95, 96, image / 2, image - 5000];
        let changed = [0, 33, image / 3, image / 2, image * 2 / 3];
        let cases = cut.map(|at| (at, true)).into_iter().chain(changed.map(|at| (at, false)));
        for (at, is_cut) in cases {
            let mut bytes = file.bytes.clone();
            if is_cut {
                bytes.truncate(file.offset + at);
            } else {
                bytes[file.offset + at] ^= 0x10;
            }
            let what = format!("{} at byte {at} of the squashfs", if is_cut { "cut" } else { "changed" });
            let program = write_program(&folder.join("it"), &bytes)?;
            let place = folder.join("place");
            fs::create_dir(&place)?;
            for arguments in [&["--version"][..], &["--appimage-extract"], &["--appimage-extract-and-run", "--version"]]
            {
                let run = tool(&program, 60).args(arguments).current_dir(&place).env("TMPDIR", &place);
                let output = run.output().with_context(|| what.clone())?;
                let text = said(&output);
                ensure!(
                    output.status.code() == Some(127) && output.stdout.is_empty(),
                    "{what}: {arguments:?} ends with {}\n{text}",
                    output.status
                );
                ensure!(
                    text.contains("the squashfs in") && text.contains("download the file again"),
                    "{what}: {arguments:?} says\n{text}"
                );
                ensure!(names_in(&place)?.is_empty(), "{what}: {arguments:?} has left something");
            }
            fs::remove_dir(&place)?;
        }
        Ok(())
    });
    Ok(())
}
