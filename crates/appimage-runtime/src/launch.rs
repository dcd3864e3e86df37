//! Running the program: from memory, or from a file that is gone again before it begins.

use crate::Failure;
use crate::file::{self, AppImage};
use squashfs::{Damage, Kind};
use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// What is executed, in the root of every AppImage.
const PROGRAM: &str = "AppRun";
/// Asks for memory that programs may be executed from. Linux before 6.3 does not know it, and lets all be.
const MFD_EXEC: libc::c_uint = 0x10;
/// What is told to the program, or is no business of it: the variables of another AppImage, which has started this one.
const VARIABLES: [&str; 5] = ["APPIMAGE", "APPDIR", "ARGV0", "OWD", "TARGET_APPIMAGE"];

/// Runs the program from memory, with the arguments behind the first `skip`.
pub(crate) fn from_memory(file: &AppImage, arguments: &[OsString], skip: usize) -> Result<(), Failure> {
    let refused = |what: &str, error: &io::Error| {
        has_too_much(error).unwrap_or_else(|| {
            Failure(format!(
                "this system does not let a program run from memory ({what}: {error}): run it with \
             --appimage-extract-and-run, which takes a temporary file instead, or unpack it with \
             --appimage-extract and run squashfs-root/{PROGRAM}"
            ))
        })
    };
    let mut memory = memory().map_err(|error| refused("memfd_create", &error))?;
    write_program(file, &mut memory, "memory")?;
    let error = execute(file, &memory, arguments, skip)?;
    Err(refused("execveat", &error))
}

/// Runs the program from a temporary file, with the arguments behind the first `skip`.
pub(crate) fn from_file(file: &AppImage, arguments: &[OsString], skip: usize) -> Result<(), Failure> {
    let folder =
        env::var_os("TMPDIR").filter(|folder| !folder.is_empty()).map_or("/tmp".into(), PathBuf::from);
    let failure = |what: &str, error: &io::Error| {
        Failure(format!(
            "{what} in {}: {error}; name another folder by TMPDIR, or unpack it with --appimage-extract and run \
             squashfs-root/{PROGRAM}",
            folder.display()
        ))
    };
    let creating = |error: io::Error| failure("a temporary file cannot be made", &error);
    // Nobody can guess it, and so nobody can have taken it before.
    let path = folder.join(format!("appimage-{:016x}", RandomState::new().build_hasher().finish()));
    let temporary = File::options().write(true).create_new(true).mode(0o700).open(&path);
    let mut temporary = temporary.map_err(creating)?;
    let written = write_program(file, &mut temporary, &path.display().to_string());
    // What is open for writing cannot be executed.
    drop(temporary);
    let opened = File::open(&path);
    drop(fs::remove_file(&path));
    written?;
    let error = execute(file, &opened.map_err(creating)?, arguments, skip)?;
    Err(has_too_much(&error).unwrap_or_else(|| failure("programs cannot be run from a file", &error)))
}

/// What the caller has too much of, if that is why the program was not run.
fn has_too_much(error: &io::Error) -> Option<Failure> {
    let what = match error.raw_os_error()? {
        libc::E2BIG => "the arguments and variables are larger than this system hands to a program",
        libc::EMFILE | libc::ENFILE => "too many files are open",
        libc::ENOMEM => "there is no memory left",
        _ => return None,
    };
    Some(Failure(format!("{what} ({error})")))
}

/// A file in memory that nobody else sees.
fn memory() -> io::Result<File> {
    // Not closed when it is executed: an emulator that takes over opens it again.
    let create = |flags| {
        // SAFETY: the name ends with a NUL, and nothing else is handed over.
        let descriptor = unsafe { libc::memfd_create(c"appimage".as_ptr(), flags) };
        if descriptor < 0 { Err(io::Error::last_os_error()) } else { Ok(descriptor) }
    };
    let descriptor = match create(MFD_EXEC) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => create(0),
        other => other,
    };
    // SAFETY: it was opened above, and belongs to nobody else.
    descriptor.map(|descriptor| unsafe { File::from_raw_fd(descriptor) })
}

/// Writes the whole program to where it is executed from.
fn write_program(file: &AppImage, out: &mut File, place: &str) -> Result<(), Failure> {
    enum Stopped {
        Damage(Damage),
        Full(io::Error),
    }
    impl From<Damage> for Stopped {
        fn from(damage: Damage) -> Stopped {
            Stopped::Damage(damage)
        }
    }
    let image = file.image()?;
    let Kind::File(program) = image.find(PROGRAM).map_err(|damage| file.damaged(damage))?.kind else {
        return Err(Failure(format!("{}: {PROGRAM} is no program", file.path().display())));
    };
    image.read(&program, |block| out.write_all(block).map_err(Stopped::Full)).map_err(|stopped| match stopped
    {
        Stopped::Damage(damage) => file.damaged(damage),
        Stopped::Full(error) => Failure(format!("writing the program to {place}: {error}")),
    })
}

/// Becomes the program. Returns only if it does not.
fn execute(
    file: &AppImage,
    program: &File,
    arguments: &[OsString],
    skip: usize,
) -> Result<io::Error, Failure> {
    let name = arguments.first().map_or(OsStr::new(PROGRAM), OsString::as_os_str);
    let mut given = vec![text(name)?];
    for argument in arguments.get(skip..).unwrap_or_default() {
        given.push(text(argument)?);
    }
    let mut variables = Vec::new();
    for (name, value) in env::vars_os().filter(|(name, _)| VARIABLES.iter().all(|own| name != own)) {
        variables.push(variable(&name, &value)?);
    }
    variables.push(variable("APPIMAGE".as_ref(), file.path().as_os_str())?);
    variables.push(variable("ARGV0".as_ref(), name)?);
    if let Some(folder) = file::folder() {
        variables.push(variable("OWD".as_ref(), &folder)?);
    }
    let pointers = |texts: &[CString]| {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>()
    };
    let (arguments, environment) = (pointers(&given), pointers(&variables));
    // Rust's own start ignores it, and a program inherits that.
    // SAFETY: no handler of ours is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    // SAFETY: both lists end with a null pointer, and they and their texts live until the call returns.
    unsafe { libc::fexecve(program.as_raw_fd(), arguments.as_ptr(), environment.as_ptr()) };
    Ok(io::Error::last_os_error())
}

fn variable(name: &OsStr, value: &OsStr) -> Result<CString, Failure> {
    text(OsStr::from_bytes(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
}

/// For the kernel. What came from it has no NUL.
fn text(text: &OsStr) -> Result<CString, Failure> {
    CString::new(text.as_bytes()).map_err(|_| Failure(format!("{} has a NUL in it", text.to_string_lossy())))
}
