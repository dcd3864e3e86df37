//! Programs for Linux as one file that runs without being installed:
//! [AppImages](https://github.com/AppImage/AppImageSpec/blob/master/draft.md) of type 2. A runtime comes first, an ELF file
//! that says what it is in its head, and behind it the payload as a squashfs.

use crate::format::Output;
use crate::{Format, Kind, Os, Package, Platform, Product, Version};
use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::FileHeader as _;
use squashfs::{Content, Entry};

/// The format. See the [module](self).
#[derive(Debug)]
pub struct AppImage;

/// What says that an ELF file begins an AppImage of type 2, and where; a runtime has zeros there.
const MAGIC: (usize, [u8; 3]) = (8, *b"AI\x02");

/// What the root must have; a runtime looks for the first, desktops for the others.
const NEEDED: [&str; 2] = ["AppRun", ".DirIcon"];

impl Format for AppImage {
    fn name(&self) -> &'static str {
        "appimage"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}-{version}-{}.AppImage", product.name, platform.arch().name())
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let runtime = package.payload.only("runtime")?.source().context("a runtime has a source")?;
        let runtime = marked(runtime.read()?).context("the runtime cannot begin an AppImage")?;
        let payload = package.payload.with_parents();
        let mut entries = Vec::new();
        for entry in payload.entries() {
            let content = match (&entry.kind, entry.source()) {
                (Kind::Runtime(_), _) => continue,
                (Kind::Link(target), _) => Content::Link(target.clone()),
                (_, Some(source)) => Content::File(source.read()?),
                (_, None) => Content::Folder,
            };
            entries.push(Entry { path: &entry.path, mode: entry.mode, content });
        }
        for path in NEEDED {
            let is_there = entries.iter().any(|entry| entry.path == path);
            ensure!(is_there, "an AppImage needs {path} in its root: add a row to the payload");
        }
        out.write_all(&runtime)?;
        out.write_all(&squashfs::image(&entries, package.epoch).context("packing the squashfs")?)?;
        Ok(())
    }
}

/// The runtime with the mark of an AppImage. Whoever looks for the squashfs takes the end of the table of sections for
/// its begin.
fn marked(mut runtime: Vec<u8>) -> Result<Vec<u8>> {
    let (at, magic) = MAGIC;
    let header = FileHeader64::<Endianness>::parse(&*runtime).context("it is no 64-bit program for Linux")?;
    let endian = header.endian().context("it is no program for Linux")?;
    let sections = u64::from(header.e_shentsize(endian)) * u64::from(header.e_shnum(endian));
    let end = header.e_shoff(endian).checked_add(sections);
    ensure!(
        end == Some(runtime.len() as u64) && sections > 0,
        "its table of sections is not at its end, where the squashfs is looked for"
    );
    let place = runtime.get_mut(at..at + magic.len()).context("it is too short")?;
    ensure!(place.iter().all(|byte| *byte == 0), "the place of the mark is taken");
    place.copy_from_slice(&magic);
    Ok(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of an ELF file and the table of its two sections.
    fn runtime() -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64 + 2 * 64, 0);
        (file[40], file[58], file[60]) = (64, 64, 2);
        file
    }

    /// Fails if: a runtime is changed in more than the mark, or one is taken behind which nobody finds the squashfs.
    #[test]
    fn marks_runtimes() {
        let mut expected = runtime();
        expected[8..11].copy_from_slice(b"AI\x02");
        assert_eq!(marked(runtime()).unwrap(), expected);
        for (change, complaint) in [
            ((|file| file.push(0)) as fn(&mut Vec<u8>), "not at its end"),
            (|file| file.truncate(100), "not at its end"),
            (|file| file[60] = 0, "not at its end"),
            (|file| file[9] = 1, "the place of the mark is taken"),
            (|file| file[0] = b'x', "no 64-bit program for Linux"),
            (|file| file.truncate(20), "no 64-bit program"),
        ] {
            let mut file = runtime();
            change(&mut file);
            let error = format!("{:#}", marked(file).unwrap_err());
            assert!(error.contains(complaint), "{complaint:?} is not said in: {error}");
        }
    }
}
