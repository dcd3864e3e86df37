//! Which folder a path leads to, and whether rights may be given there.
//!
//! `folders add` runs as root, on a path through folders of others. Who may change a folder may put a link there, which
//! leads root to any other folder: at once, or between a look at it and what is done. So a path is followed folder by
//! folder, never through a link ([openat(2)](https://man7.org/linux/man-pages/man2/openat.2.html), `O_NOFOLLOW`), and
//! what is done is done to the folder that was opened. Only a link that nobody but root can change is taken for what it
//! leads to. In folders of the system no rights are given at all, nor in somebody's home folder itself.

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Folders of the system below `/`, and whether what is in them is, too. Beside these, every folder of `/` itself is one.
/// Written without the slash: a program that names a home of root's looks as if it told where it was built.
const SYSTEM: [(&str, Reach); 25] = [
    ("", Reach::Itself),
    ("bin", Reach::Within),
    ("boot", Reach::Within),
    ("dev", Reach::Within),
    ("etc", Reach::Within),
    ("home", Reach::Itself),
    ("lib", Reach::Within),
    ("lib32", Reach::Within),
    ("lib64", Reach::Within),
    ("libx32", Reach::Within),
    ("media", Reach::Itself),
    ("mnt", Reach::Itself),
    ("opt", Reach::Itself),
    ("proc", Reach::Within),
    ("root", Reach::Within),
    ("run", Reach::Within),
    ("run/media", Reach::Itself),
    ("sbin", Reach::Within),
    ("srv", Reach::Itself),
    ("sys", Reach::Within),
    ("tmp", Reach::Itself),
    ("usr", Reach::Within),
    ("var", Reach::Itself),
    ("var/lib", Reach::Itself),
    ("var/tmp", Reach::Itself),
];

/// How far a row of the table reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Itself,
    Within,
}

/// So many links are followed, as the kernel does.
const MOST_LINKS: usize = 40;

/// The path without links. What does not exist stays as it is.
///
/// # Errors
/// A link that somebody else than root can change.
pub fn real(path: &Path) -> io::Result<PathBuf> {
    let own = |part: Component<'_>| part.as_os_str().to_owned();
    let mut parts: VecDeque<OsString> = path.components().map(own).collect();
    let mut real = PathBuf::new();
    let (mut of_root, mut links) = (true, 0);
    while let Some(part) = parts.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let Ok(found) = fs::symlink_metadata(&next) else {
            real = next;
            continue;
        };
        if !found.is_symlink() {
            of_root &= is_of_root(&found);
            real = next;
            continue;
        }
        let target = fs::read_link(&next)?;
        links += 1;
        if !of_root || found.uid() != 0 || links > MOST_LINKS {
            return Err(link(&next, &target));
        }
        target.components().rev().for_each(|part| parts.push_front(own(part)));
    }
    Ok(real)
}

/// Whether nobody but root can put something into a folder. The mode of the group says it of access lists, too.
fn is_of_root(folder: &Metadata) -> bool {
    folder.uid() == 0 && folder.mode() & 0o022 == 0
}

fn link(link: &Path, target: &Path) -> io::Error {
    let real = fs::canonicalize(link).unwrap_or_else(|_| target.to_owned());
    let why = format!(
        "{} is a link to {}, and others than root can change where it leads; if {} is meant, write that instead",
        link.display(),
        target.display(),
        real.display()
    );
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Why no rights are given in a folder, by its real path.
///
/// # Errors
/// It is one of the system, somebody's home, or has something of the service in it: its configuration, its data.
pub fn may_be_given(real: &Path, own: &[(&str, PathBuf)]) -> Result<(), String> {
    let path = real.display();
    let elsewhere = "make a folder for the reports elsewhere, such as /srv/reports/NAME";
    if let Some(system) = of_system(real) {
        let what = if system == real { "is" } else { "lies in" };
        let system = system.display();
        return Err(format!("{path}: {what} a folder of the system ({system}); {elsewhere}"));
    }
    if is_home(real, &fs::read_to_string("/etc/passwd").unwrap_or_default()) {
        return Err(format!(
            "{path}: is the home folder of an account, which SSH lets nobody in to while others may write there; make a \
             folder for the reports in it, such as {path}/reports"
        ));
    }
    let holds = |folder: &Path| fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with(real));
    match own.iter().find(|(_, folder)| folder.starts_with(real) || holds(folder)) {
        Some((what, folder)) => {
            Err(format!("{path}: the {what} of the service is there, {}; {elsewhere}", folder.display()))
        }
        None => Ok(()),
    }
}

/// Whether a folder is the home of an account that a person works with, by passwd(5) or by where it is; or has what SSH keeps
/// in one.
fn is_home(real: &Path, passwd: &str) -> bool {
    let mut accounts = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let works = |shell: &str| !shell.ends_with("/nologin") && !shell.ends_with("/false");
    real.parent() == Some(&Path::new("/").join("home"))
        || accounts.any(|account| {
            matches!(account[..], [_, _, _, _, _, home, shell] if Path::new(home) == real && works(shell))
        })
        || real.join(".ssh").is_dir()
}

/// The folder of the system that a path is or lies in.
fn of_system(real: &Path) -> Option<PathBuf> {
    // `/` and a name.
    if real.components().count() <= 2 {
        return Some(real.to_owned());
    }
    let (folder, reach) = system().rfind(|(folder, _)| real.starts_with(folder))?;
    (reach == Reach::Within || real == folder).then_some(folder)
}

/// The rows of the table, as whole paths.
fn system() -> impl DoubleEndedIterator<Item = (PathBuf, Reach)> {
    SYSTEM.into_iter().map(|(name, reach)| (Path::new("/").join(name), reach))
}

/// Opens a folder by its path, never through a link of others than root.
///
/// # Errors
/// There is a link, or what else the system says.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    walk(&real(path)?, |_, _| Ok(()))
}

/// The same for one in which rights are given, which must be none of the system, whatever its name is.
///
/// # Errors
/// There is a link, it is a folder of the system, or what else the system says.
pub(super) fn open_to_give(path: &Path) -> io::Result<OwnedFd> {
    let real = real(path)?;
    let refused = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    may_be_given(&real, &[]).map_err(refused)?;
    let known: Vec<(PathBuf, Reach, (u64, u64))> = system()
        .filter_map(|(folder, reach)| {
            let identity = identity(&fs::metadata(&folder).ok()?);
            Some((folder, reach, identity))
        })
        .collect();
    walk(&real, |at, folder| {
        let is = |(name, reach, known): &&(PathBuf, Reach, (u64, u64))| {
            *known == folder && at != name && (*reach == Reach::Within || at == real)
        };
        known.iter().find(is).map_or(Ok(()), |(name, ..)| {
            Err(refused(format!("{} is the folder {} of the system", at.display(), name.display())))
        })
    })
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Opens folder by folder, and asks of each whether it is to go on.
fn walk(real: &Path, judge: impl Fn(&Path, (u64, u64)) -> io::Result<()>) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = PathBuf::from("/");
    let mut folder = File::from(openat(CWD, &at, flags | OFlags::PATH, Mode::empty())?);
    judge(&at, identity(&folder.metadata()?))?;
    for part in real.components().skip(1) {
        at.push(part);
        let next = openat(&folder, part.as_os_str(), flags | OFlags::PATH, Mode::empty());
        folder = File::from(next.map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => {
                let why = format!("{} is no folder any more, but a link or a file", at.display());
                io::Error::new(io::ErrorKind::InvalidInput, why)
            }
            error => error.into(),
        })?);
        judge(&at, identity(&folder.metadata()?))?;
    }
    Ok(openat(&folder, c".", flags | OFlags::RDONLY, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Fails if: rights are given in a folder of the system, or refused in one for reports.
    #[test]
    fn folders_of_the_system() {
        for (path, refused) in [
            ("/", Some("/")),
            ("/data", Some("/data")),
            ("/srv", Some("/srv")),
            ("/srv/ict", None),
            ("/etc", Some("/etc")),
            ("/etc/pywats/ict", Some("/etc")),
            ("/etcetera/ict", None),
            ("/usr/local/share", Some("/usr")),
            ("/bin/x", Some("/bin")),
            ("/sbin/x", Some("/sbin")),
            ("/lib/x", Some("/lib")),
            ("/lib64/x", Some("/lib64")),
            ("/library/x", None),
            ("/boot/efi", Some("/boot")),
            ("/dev/shm", Some("/dev")),
            ("/proc/1", Some("/proc")),
            ("/sys/fs", Some("/sys")),
            ("/root/ict", Some("/root")),
            ("/run/ict", Some("/run")),
            ("/run/media", Some("/run/media")),
            ("/run/media/op/stick", None),
            ("/var", Some("/var")),
            ("/var/lib", Some("/var/lib")),
            ("/var/lib/ict", None),
            ("/var/ict", None),
            ("/home", Some("/home")),
            ("/home/op", None),
            ("/tmp/ict", None),
        ] {
            assert_eq!(of_system(Path::new(path)), refused.map(PathBuf::from), "{path}");
        }
    }

    /// Fails if: an account's home folder is opened to the service, or a folder in it is not.
    #[test]
    fn homes() {
        let passwd = "op:x:1000:100::/srv/people/op:/bin/bash\nict:x:999:999::/srv/ict:/usr/sbin/nologin\n";
        for (path, expected) in [
            ("/home/op", true),
            ("/home/op/reports", false),
            ("/srv/people/op", true),
            ("/srv/people/op/reports", false),
            ("/srv/people", false),
            ("/srv/ict", false),
        ] {
            assert_eq!(is_home(Path::new(path), passwd), expected, "{path}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_home(dir.path(), passwd));
        fs::create_dir(dir.path().join(".ssh")).unwrap();
        assert!(is_home(dir.path(), passwd));
        let error = may_be_given(&Path::new("/").join("home").join("op"), &[]).unwrap_err();
        assert!(error.contains("op: is the home folder") && error.contains("op/reports"), "{error}");
    }

    /// Fails if: the account is let into what is the service's own, by giving it the folder or one above.
    #[test]
    fn folders_of_the_service() {
        let own = [("configuration", "/srv/own/config".into()), ("data folder", "/srv/own/data".into())];
        for (path, refused) in [
            ("/srv/own", Some("the configuration of the service is there, /srv/own/config")),
            ("/srv/own/config", Some("the configuration of the service is there")),
            ("/srv/own/data", Some("the data folder of the service is there")),
            ("/srv/own/data/ict", None),
            ("/srv/owner", None),
        ] {
            let found = may_be_given(Path::new(path), &own).err();
            assert_eq!(found.is_some(), refused.is_some(), "{path}: {found:?}");
            assert!(found.unwrap_or_default().contains(refused.unwrap_or_default()), "{path}");
        }
    }

    /// Fails if: a link leads somewhere, as the folder, on the way, by another link, or through what is missing.
    #[test]
    fn links_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs::canonicalize(dir.path()).unwrap();
        let path = |name: &str| dir.join(name);
        fs::create_dir_all(path("folder/ict")).unwrap();
        symlink(path("folder"), path("link")).unwrap();
        symlink("/etc", path("etc")).unwrap();
        symlink("link", path("second")).unwrap();
        for (name, said) in [
            ("folder/ict", None),
            ("folder/missing/ict", None),
            ("folder/../folder/ict", None),
            (
                "link",
                Some(format!("{} is a link to {1}, and", path("link").display(), path("folder").display())),
            ),
            ("link/ict", Some(format!("if {} is meant", path("folder").display()))),
            ("etc", Some(" is a link to /etc, and".to_owned())),
            (
                "second/ict",
                Some(format!(
                    "is a link to link, and others than root can change where it leads; if {} is",
                    path("folder").display()
                )),
            ),
            ("missing/../etc", Some(" is a link to /etc, and".to_owned())),
        ] {
            match (real(&path(name)), said) {
                (Ok(found), None) => assert!(!found.ends_with("..") && found.starts_with(&dir), "{found:?}"),
                (Err(error), Some(said)) => {
                    assert!(error.to_string().contains(&said), "{name}: {error}");
                    assert!(open(&path(name)).is_err(), "{name}");
                }
                (found, said) => panic!("{name}: {found:?}, not {said:?}"),
            }
        }
        // One of root that only root can change.
        let own = fs::canonicalize("/proc/self").unwrap();
        if fs::symlink_metadata("/").is_ok_and(|root| is_of_root(&root)) {
            assert_eq!(real(Path::new("/proc/self/task")).unwrap(), own.join("task"));
        }
    }

    /// Fails if: a folder that was swapped with a link after it was looked at is opened, or one of the system under
    /// another name.
    #[test]
    fn opens_what_was_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs::canonicalize(dir.path()).unwrap();
        let folder = dir.join("ict");
        fs::create_dir(&folder).unwrap();
        let opened = File::from(open_to_give(&folder).unwrap());
        assert_eq!(identity(&opened.metadata().unwrap()), identity(&fs::metadata(&folder).unwrap()));
        let real = real(&folder).unwrap();
        fs::remove_dir(&folder).unwrap();
        symlink("/etc", &folder).unwrap();
        let error = walk(&real, |_, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("is no folder any more"), "{error}");
        for path in ["/etc", "/etc/ssl", "/"] {
            let error = open_to_give(Path::new(path)).unwrap_err();
            assert!(error.to_string().contains("folder of the system"), "{path}: {error}");
        }
    }
}
