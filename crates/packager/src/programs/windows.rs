//! Programs and libraries for Windows: what they are for, and that Windows has every library that they ask for.
//!
//! Specified in [PE format](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format).

use crate::Arch;
use anyhow::{Context, Result, bail, ensure};
use object::LittleEndian as LE;
use object::pe::{IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_ARM64};
use object::read::pe::PeFile64;

/// Libraries that Windows 10, Windows Server 2016 and everything later have. A library that is none of these would have
/// to be shipped. A test of the names that our own programs ask for is the build itself.
const LIBRARIES: &[&str] = &[
    // The Universal C Runtime, part of Windows since 10.
    "api-ms-win-crt-conio-l1-1-0.dll",
    "api-ms-win-crt-convert-l1-1-0.dll",
    "api-ms-win-crt-environment-l1-1-0.dll",
    "api-ms-win-crt-filesystem-l1-1-0.dll",
    "api-ms-win-crt-heap-l1-1-0.dll",
    "api-ms-win-crt-locale-l1-1-0.dll",
    "api-ms-win-crt-math-l1-1-0.dll",
    "api-ms-win-crt-multibyte-l1-1-0.dll",
    "api-ms-win-crt-private-l1-1-0.dll",
    "api-ms-win-crt-process-l1-1-0.dll",
    "api-ms-win-crt-runtime-l1-1-0.dll",
    "api-ms-win-crt-stdio-l1-1-0.dll",
    "api-ms-win-crt-string-l1-1-0.dll",
    "api-ms-win-crt-time-l1-1-0.dll",
    "api-ms-win-crt-utility-l1-1-0.dll",
    // Windows itself.
    "advapi32.dll",
    "api-ms-win-core-synch-l1-2-0.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "crypt32.dll",
    "kernel32.dll",
    "msi.dll",
    "ntdll.dll",
    "ole32.dll",
    "secur32.dll",
    "shell32.dll",
    "user32.dll",
    "userenv.dll",
    "winhttp.dll",
    "ws2_32.dll",
];

/// Whether every Windows has that library, whatever the processor.
pub fn has_library(name: &str) -> bool {
    LIBRARIES.contains(&name.to_ascii_lowercase().as_str())
}

/// Refuses what is no program or library for this processor, or would not start on a new Windows.
///
/// # Errors
/// If that is so; the error says what is wrong.
pub(super) fn check(bytes: &[u8], arch: Arch) -> Result<()> {
    let file = PeFile64::parse(bytes).context("it is no 64-bit program for Windows")?;
    let machine = match arch {
        Arch::X86_64 => IMAGE_FILE_MACHINE_AMD64,
        Arch::Aarch64 => IMAGE_FILE_MACHINE_ARM64,
    };
    ensure!(
        file.nt_headers().file_header.machine.get(LE) == machine,
        "it is a program for another processor than {}",
        arch.windows()
    );
    for name in imports(&file).context("its list of libraries is damaged")? {
        if !has_library(&name) {
            bail!(
                "it needs {name}, which not every Windows has: link without it, or, if Windows 10 and Server 2016 have it, add it to the list in {}",
                file!()
            );
        }
    }
    Ok(())
}

/// The names of the libraries that are loaded with the program, and of those that it loads when it first needs them.
fn imports(file: &PeFile64<'_>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut add = |name: &[u8]| names.push(String::from_utf8_lossy(name).into_owned());
    if let Some(table) = file.import_table()? {
        let mut descriptors = table.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            add(table.name(descriptor.name.get(LE))?);
        }
    }
    if let Some(table) =
        file.data_directories().delay_load_import_table(file.data(), &file.section_table())?
    {
        let mut descriptors = table.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            add(table.name(descriptor.dll_name_rva.get(LE))?);
        }
    }
    Ok(names)
}
