//! `packages.lock`: every package of Debian that is on the disk, with what makes sure that it is the same one tomorrow;
//! and `programs.lock`, the same of those whose programs make the disk.
//!
//! ```text
//! # What it is, and who writes it.
//! snapshot 20261129T180000Z
//! adduser 3.152 4a1c… debian/pool/main/a/adduser/adduser_3.152_all.deb
//! ```
//!
//! The moment is that at which the archive was asked: its past is kept by that. Then a line a package, by name: name,
//! version, SHA-256, and where it is below the server of the archive. `debian-security` is an archive beside `debian`.

use anyhow::{Context, Result, bail, ensure};
use jiff::{civil::DateTime, tz::TimeZone};
use std::collections::BTreeMap;
use std::fmt;

/// What the file says in front of everything else.
const HEADER: &str = "\
# Packages of Debian: name, version, SHA-256, path below the archive's server.
# Generated: `cargo xtask appliance lock` makes it of what apt says. What is wanted is in the .txt beside it.
";

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// When the archive was asked, as its past is named: `20261129T180000Z`.
    pub snapshot: String,
    /// The packages, by name.
    pub packages: Vec<Package>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Where it is below the archive's server: `debian/pool/…`.
    pub path: String,
}

impl Package {
    /// The name of its file.
    pub fn file_name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&*self.path, |(_, name)| name)
    }

    /// The archive, and where it is in there.
    pub fn place(&self) -> (&str, &str) {
        self.path.split_once('/').unwrap_or(("", &self.path))
    }

    /// The package of sources that it was made from: Debian's archive has a folder for each.
    pub fn source(&self) -> &str {
        self.path.rsplit('/').nth(1).unwrap_or(&self.name)
    }

    /// Debian's name of what it was made for, `all` for anything.
    pub fn architecture(&self) -> &str {
        self.file_name().trim_end_matches(".deb").rsplit('_').next().unwrap_or_default()
    }

    /// What a line of a file says: nothing of it may lead elsewhere when it becomes a path or an address.
    fn parse(line: &str) -> Result<Package> {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, version, sha256, path] = fields[..] else {
            bail!("{} fields instead of four: name, version, SHA-256 and path", fields.len());
        };
        let made_of = |text: &str, others: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        ensure!(made_of(name, "+-."), "{name:?} is no name of a package");
        ensure!(made_of(version, "+-.:~"), "{version:?} is no version");
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(is_digest, "{sha256:?} is no SHA-256 in lower-case hexadecimal digits");
        let parts: Vec<&str> = path.split('/').collect();
        let is_path = parts.len() > 2
            && parts.iter().all(|part| made_of(part, "+-._~%") && !part.starts_with('.'))
            && path.ends_with(".deb");
        ensure!(
            is_path,
            "{path:?} is no path of a package such as debian/pool/main/b/bash/bash_5.2_amd64.deb"
        );
        let owned = [name, version, sha256, path].map(str::to_owned);
        let [name, version, sha256, path] = owned;
        Ok(Package { name, version, sha256, path })
    }
}

impl Lock {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is not as this module says; the error names the line.
    pub fn parse(text: &str) -> Result<Lock> {
        let mut snapshot = None;
        let mut packages: Vec<Package> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let read = || format!("line {} of the lock of packages", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if snapshot.is_none() {
                let moment = line.strip_prefix("snapshot ").filter(|text| moment(text).is_some());
                let moment =
                    moment.context("it has to begin with `snapshot`, as in: snapshot 20261129T180000Z");
                snapshot = Some(moment.with_context(read)?.to_owned());
                continue;
            }
            let package = Package::parse(line).with_context(read)?;
            if let Some(before) = packages.last().filter(|before| before.name >= package.name) {
                let what = format!("{} does not come after {}: sort by name", package.name, before.name);
                return Err(anyhow::Error::msg(what)).with_context(read);
            }
            packages.push(package);
        }
        let snapshot = snapshot.context("the lock of packages is empty; write it anew")?;
        ensure!(!packages.is_empty(), "the lock of packages has no package; write it anew");
        Ok(Lock { snapshot, packages })
    }

    /// Makes the lock of what apt says of the packages that it would install: the output of `apt-cache show`.
    ///
    /// # Errors
    /// If a package there lacks something, or has two versions.
    pub fn of_index(snapshot: &str, index: &str) -> Result<Lock> {
        ensure!(moment(snapshot).is_some(), "{snapshot:?} is no moment such as 20261129T180000Z");
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        for stanza in index.split("\n\n").filter(|stanza| !stanza.trim().is_empty()) {
            let field = |name: &str| {
                let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                value.with_context(|| {
                    format!("apt says no {name} of {:?}", stanza.lines().next().unwrap_or(""))
                })
            };
            let path = field("Filename")?;
            // The archive of security updates keeps its packages in a folder that no other has.
            let archive = if path.starts_with("pool/updates/") { "debian-security" } else { "debian" };
            let line =
                format!("{} {} {} {archive}/{path}", field("Package")?, field("Version")?, field("SHA256")?);
            let package = Package::parse(&line)?;
            if let Some(other) = packages.insert(package.name.clone(), package.clone()) {
                ensure!(
                    other == package,
                    "apt says two versions of {}: {} and {}",
                    package.name,
                    other.version,
                    package.version
                );
            }
        }
        Ok(Lock { snapshot: snapshot.to_owned(), packages: packages.into_values().collect() })
    }

    /// The moment whose packages they are, in seconds since 1970.
    ///
    /// # Errors
    /// If the lock was neither read nor made here, and says something else.
    pub fn epoch(&self) -> Result<u32> {
        moment(&self.snapshot).with_context(|| format!("{:?} is no moment", self.snapshot))
    }

    /// Whether everything wanted is there. What apt's patterns mean, as `?essential`, is not known here.
    ///
    /// # Errors
    /// If something is not; the error names all of it.
    pub fn satisfies(&self, wanted: &[&str]) -> Result<()> {
        let missing: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|name| !name.starts_with('?'))
            .filter(|name| self.packages.binary_search_by(|package| (*package.name).cmp(name)).is_err())
            .collect();
        ensure!(missing.is_empty(), "the lock of packages lacks {}; write it anew", missing.join(", "));
        Ok(())
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}snapshot {}", self.snapshot)?;
        for Package { name, version, sha256, path } in &self.packages {
            writeln!(f, "{name} {version} {sha256} {path}")?;
        }
        Ok(())
    }
}

/// The names in `packages.txt`: a line each, with comments behind `#`.
pub fn wanted(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty()).collect()
}

/// The moment of such a text as `20261129T180000Z`, in seconds since 1970.
fn moment(text: &str) -> Option<u32> {
    const SHAPE: &str = "%Y%m%dT%H%M%SZ";
    let read = DateTime::strptime(SHAPE, text).ok()?;
    let moment = read.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    // It takes more than it writes, and this gets into addresses.
    u32::try_from(moment).ok().filter(|_| read.strftime(SHAPE).to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn index(name: &str, version: &str, path: &str) -> String {
        format!("Package: {name}\nVersion: {version}\nDepends: x\n y\nFilename: {path}\nSHA256: {DIGEST}\n")
    }

    /// Fails if: what apt says does not become a lock that is read as it was written, or the archive of security
    /// updates is taken for the other one.
    #[test]
    fn is_read_as_written() {
        let said = [
            index("zstd", "1.5.7+dfsg-1", "pool/main/libz/libzstd/zstd_1.5.7+dfsg-1_amd64.deb"),
            index(
                "openssl",
                "3.5.9-1~deb13u1",
                "pool/updates/main/o/openssl/openssl_3.5.9-1~deb13u1_amd64.deb",
            ),
            index("zstd", "1.5.7+dfsg-1", "pool/main/libz/libzstd/zstd_1.5.7+dfsg-1_amd64.deb"),
        ];
        let lock = Lock::of_index("20261129T180000Z", &said.join("\n")).unwrap();
        let names: Vec<_> = lock.packages.iter().map(|p| (&*p.name, p.place().0)).collect();
        assert_eq!(names, [("openssl", "debian-security"), ("zstd", "debian")]);
        assert_eq!(lock.packages[1].file_name(), "zstd_1.5.7+dfsg-1_amd64.deb");
        assert_eq!(Lock::parse(&lock.to_string()).unwrap(), lock);
        lock.satisfies(&["?essential", "zstd"]).unwrap();
        let missing = lock.satisfies(&["zstd", "bash"]).unwrap_err().to_string();
        assert!(missing.contains("bash") && !missing.contains("zstd"), "{missing}");
    }

    /// Fails if: two versions of a package, or one without a digest, get into a lock.
    #[test]
    fn refuses_what_apt_cannot_mean() {
        let [one, two] = ["1", "2"].map(|v| index("a", v, &format!("pool/main/a/a/a_{v}_amd64.deb")));
        let error = Lock::of_index("20261129T180000Z", &format!("{one}\n{two}")).unwrap_err().to_string();
        assert!(error.contains("two versions of a: 1 and 2"), "{error}");
        let without = one.replace("SHA256", "MD5sum");
        let error = Lock::of_index("20261129T180000Z", &without).unwrap_err().to_string();
        assert!(error.contains("no SHA256 of \"Package: a\""), "{error}");
    }

    /// Fails if: a damaged lock is taken, leads out of the folder of the packages, or the error does not say the line.
    #[test]
    fn refuses_damage() {
        let good = format!("snapshot 20261129T180000Z\na 1 {DIGEST} debian/pool/a_1_all.deb\n");
        Lock::parse(&good).unwrap();
        let cases = [
            (String::new(), "is empty"),
            (good.replace("snapshot ", ""), "line 1"),
            (good.replace("T18", "T 18"), "line 1"),
            (good.replace("T18", "T8"), "line 1"),
            (good.replace("1129", "1131"), "line 1"),
            (good.lines().next().unwrap().to_owned(), "has no package"),
            (good.replace(" debian", "  debian"), "line 2"),
            (good.replace(".deb\n", ".de"), "line 2"),
            (good.replace("0123456789", "012345678"), "line 2"),
            (good.replace("abcdef ", "ABCDEF "), "line 2"),
            (good.replace("debian/pool", "debian/../.."), "line 2"),
            (good.replace("debian/pool", "/debian/pool"), "line 2"),
            (good.replace("a 1 ", "-o 1; "), "line 2"),
            (format!("{good}{}", good.lines().nth(1).unwrap()), "line 3"),
        ];
        for (text, says) in cases {
            let error = format!("{:#}", Lock::parse(&text).expect_err(&text));
            assert!(error.contains(says), "{text}\n{error}");
        }
    }

    /// Fails if: a comment or an empty line is taken for a package.
    #[test]
    fn reads_what_is_wanted() {
        assert_eq!(wanted("# a\nbash\n\n  sudo  # for administrators\n"), ["bash", "sudo"]);
    }
}
