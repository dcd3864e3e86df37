//! The head of an [AppImage](https://github.com/AppImage/AppImageSpec/blob/master/draft.md) of type 2 whose `AppRun` is one
//! static program. It unpacks that program from the image behind it into memory and executes it: nothing is mounted, and
//! nothing is written anywhere. So it starts where there is neither FUSE nor a place for temporary files, and also where
//! `/proc` is not there.
//!
//! The options are those of the [usual runtime](https://github.com/AppImage/type2-runtime), and must come first. Anything
//! else goes to the program.

#![cfg(target_os = "linux")]

mod extract;
mod file;
mod launch;

use file::AppImage;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the usual runtime ends with where it cannot run the program, as shells do.
const CANNOT_RUN: u8 = 127;

const HELP: &str = "\
Options of this AppImage, one of which may come first:

  --appimage-extract [PATTERN]    unpack it into the folder squashfs-root; of it only what PATTERN names
  --appimage-extract-and-run …    run the program from a temporary file (TMPDIR, by default /tmp), not from memory
  --appimage-offset               print where the squashfs begins
  --appimage-updateinformation    print nothing: it is updated by hand
  --appimage-signature            print nothing: the list of its release is signed
  --appimage-version              print the version of the runtime
  --appimage-help                 print this

Everything else goes to the program, also with APPIMAGE_EXTRACT_AND_RUN=1 in the environment, which does what
--appimage-extract-and-run does. The program finds the path of this file in APPIMAGE, its name as it was called in
ARGV0 and the folder that it was called in in OWD. TARGET_APPIMAGE names another file to be taken in place of this one.";

/// What keeps an AppImage from doing what it is asked: a sentence, with what to do.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let name = arguments.first().map_or(OsStr::new("AppImage"), OsString::as_os_str);
            eprintln!("{}: {failure}", name.to_string_lossy());
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// Answers on standard output.
fn say(text: &str) -> Result<(), Failure> {
    let written = writeln!(io::stdout(), "{text}");
    written.map_err(|error| Failure(format!("the answer cannot be written: {error}")))
}

/// Does what the first argument says. Does not return if that is to run the program, and it can be run.
fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let option = arguments.get(1).and_then(|first| first.to_str()).unwrap_or_default();
    let rest = arguments.get(2..).unwrap_or_default();
    match (option, rest) {
        ("--appimage-help", _) => say(HELP)?,
        ("--appimage-version", _) => say(env!("CARGO_PKG_VERSION"))?,
        // Neither is in the file, and those who ask take no output for that.
        ("--appimage-updateinformation" | "--appimage-updateinfo" | "--appimage-signature", _) => {}
        ("--appimage-offset", _) => say(&AppImage::open()?.offset().to_string())?,
        ("--appimage-extract", []) => extract::extract(&AppImage::open()?, None)?,
        ("--appimage-extract", [pattern]) => {
            let pattern = pattern.to_str().ok_or_else(|| Failure("the pattern is not UTF-8".to_owned()))?;
            extract::extract(&AppImage::open()?, Some(pattern))?;
        }
        ("--appimage-extract", _) => {
            return Err(Failure("--appimage-extract takes one pattern at most; put it in quotes".to_owned()));
        }
        ("--appimage-extract-and-run", _) => launch::from_file(&AppImage::open()?, arguments, 2)?,
        ("--appimage-mount", _) => {
            return Err(Failure(format!(
                "this AppImage mounts nothing; as root: mount -o ro,loop,offset={} FILE FOLDER, or unpack it with \
                 --appimage-extract",
                AppImage::open()?.offset()
            )));
        }
        _ if option.starts_with("--appimage-") => {
            return Err(Failure(format!(
                "there is no option {option}; --appimage-help lists those there are"
            )));
        }
        _ if env::var_os("APPIMAGE_EXTRACT_AND_RUN").is_some() => {
            launch::from_file(&AppImage::open()?, arguments, 1)?;
        }
        _ => launch::from_memory(&AppImage::open()?, arguments, 1)?,
    }
    Ok(())
}
