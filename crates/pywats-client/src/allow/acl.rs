//! Access lists as Linux keeps them: the extended attributes of
//! [acl(5)](https://man7.org/linux/man-pages/man5/acl.5.html), laid out as in the kernel's `linux/posix_acl_xattr.h`.
//!
//! An entry is put in as `setfacl -m` does it. Taken out by `setfacl -x`, it leaves a mask behind, or a default list that
//! overrides every umask. So what was put in is taken out here: the list becomes what it was, and what others have added
//! meanwhile stays. Folders are opened once, without links, and changed as what was opened: see [`super::place`].

use super::place;
use super::record::{Before, State};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, XattrFlags};
use rustix::fs::{fgetxattr, fremovexattr, fsetxattr, fstat, openat, stat, statat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// The attribute of the rights of a file or folder.
const ACCESS: &str = "system.posix_acl_access";
/// The attribute of what is made in a folder.
const DEFAULT: &str = "system.posix_acl_default";
/// Version of the layout.
const VERSION: [u8; 4] = 2u32.to_le_bytes();
/// A list is far smaller.
const MOST: usize = 64 << 10;
/// Tags of entries.
const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJECT: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
/// The number of an entry that is about nobody by name.
const NOBODY: u32 = u32::MAX;
/// What the account gets in a file, and in a folder beside passing through.
const READ_WRITE: u16 = 6;
const PASS: u16 = 1;

/// Whom an entry is about, by its tag and number, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u16,
    rights: u16,
    id: u32,
}

/// What a folder's lists say of an account.
pub(super) fn state(folder: &Path, uid: u32) -> io::Result<State> {
    let folder = place::open(folder)?;
    let access = load(folder.as_fd(), ACCESS)?.unwrap_or_default();
    let default = load(folder.as_fd(), DEFAULT)?;
    Ok(State { access: before(&access, uid), default: default.map(|list| before(&list, uid)) })
}

/// Lets an account pass through a folder, beside what it could before.
pub(super) fn give_pass(folder: &Path, uid: u32, was: &State) -> io::Result<()> {
    let folder = place::open(folder)?;
    let access = access(folder.as_fd())?;
    store(folder.as_fd(), ACCESS, &with(&access, uid, was.access.entry.unwrap_or(0) | PASS))
}

/// Lets an account read and write in a folder, and in what is made there; also in what is there already, if so asked.
pub(super) fn give_all(folder: &Path, uid: u32, within: bool) -> io::Result<()> {
    let folder = place::open_to_give(folder)?;
    let give = Give { uid };
    give.folder(folder.as_fd())?;
    if within { everything_in(folder.as_fd(), &give, fstat(&folder)?.st_dev, &[]) } else { Ok(()) }
}

/// Takes out what was put into the list of a folder.
pub(super) fn take_back_pass(folder: &Path, uid: u32, was: &State) -> io::Result<()> {
    change(place::open(folder)?.as_fd(), ACCESS, uid, Some(&was.access))
}

/// Takes out what was put into both lists of a folder, and what has come from there into those of files and folders in it.
///
/// Folders to be kept stay as they are, with all that is in them.
pub(super) fn take_back_all(folder: &Path, uid: u32, was: &State, keep: &[PathBuf]) -> io::Result<()> {
    let folder = place::open(folder)?;
    change(folder.as_fd(), ACCESS, uid, Some(&was.access))?;
    change(folder.as_fd(), DEFAULT, uid, was.default.as_ref())?;
    // What was inherited before may still be.
    if was.default.and_then(|default| default.entry).is_some_and(|rights| rights & READ_WRITE == READ_WRITE) {
        return Ok(());
    }
    let take =
        TakeBack { uid, default: was.default.map(|default| Before { entry: None, mask: default.mask }) };
    let keep: Vec<u64> = keep.iter().filter_map(|kept| Some(stat(kept).ok()?.st_ino)).collect();
    everything_in(folder.as_fd(), &take, fstat(&folder)?.st_dev, &keep)
}

/// What is done to a file or folder that is open.
trait Change {
    /// Whether it is done to one of that name, and to what is in it.
    fn counts(&self, name: &CStr) -> bool;
    fn file(&self, file: BorrowedFd<'_>) -> io::Result<()>;
    fn folder(&self, folder: BorrowedFd<'_>) -> io::Result<()>;
}

/// Changes all files and folders in a folder, on its file system and never through a link, but those to be kept.
fn everything_in(folder: BorrowedFd<'_>, to: &dyn Change, device: u64, keep: &[u64]) -> io::Result<()> {
    let mut result = Ok(());
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." || !to.counts(name) {
            continue;
        }
        match one_in(folder, name, to, device, keep) {
            // One that cannot be changed, or is gone meanwhile, does not keep the others from it.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let name = name.to_string_lossy();
                result = Err(io::Error::new(error.kind(), format!("{name}: {error}")));
            }
            _ => {}
        }
    }
    result
}

fn one_in(folder: BorrowedFd<'_>, name: &CStr, to: &dyn Change, device: u64, keep: &[u64]) -> io::Result<()> {
    // Asked before it is opened, which may do something to a device, and again of what was opened.
    let kind = |found: &Stat| FileType::from_raw_mode(found.st_mode);
    let counts = |found: &Stat| {
        let is_either = matches!(kind(found), FileType::RegularFile | FileType::Directory);
        found.st_dev == device && is_either && !keep.contains(&found.st_ino)
    };
    if !counts(&statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())?;
    let found = fstat(&file)?;
    if !counts(&found) {
        return Ok(());
    }
    if kind(&found) == FileType::RegularFile {
        return to.file(file.as_fd());
    }
    to.folder(file.as_fd())?;
    everything_in(file.as_fd(), to, device, keep)
}

/// Lets an account in.
struct Give {
    uid: u32,
}

impl Change for Give {
    /// Hidden ones are never watched, and may be what lets people in, such as `.ssh`.
    fn counts(&self, name: &CStr) -> bool {
        !name.to_bytes().starts_with(b".")
    }

    fn file(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        // One with several names may be somebody else's file, of anywhere.
        if fstat(file)?.st_nlink > 1 {
            return Ok(());
        }
        let list = access(file)?;
        let is_program = list.iter().any(|entry| entry.tag != MASK && entry.rights & PASS != 0);
        let rights = if is_program { READ_WRITE | PASS } else { READ_WRITE };
        store(file, ACCESS, &with(&list, self.uid, rights))
    }

    fn folder(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        let access = access(folder)?;
        let default = load(folder, DEFAULT)?.filter(|list| !list.is_empty());
        // As setfacl does it: what is new gets what its folder gives.
        let default = default.unwrap_or_else(|| {
            let unnamed = |entry: &&Entry| matches!(entry.tag, OWNER | GROUP_OBJECT | OTHER);
            access.iter().filter(unnamed).copied().collect()
        });
        store(folder, ACCESS, &with(&access, self.uid, READ_WRITE | PASS))?;
        store(folder, DEFAULT, &with(&default, self.uid, READ_WRITE | PASS))
    }
}

/// Takes back what has come from a folder into what is in it.
struct TakeBack {
    uid: u32,
    /// What there was in the default list of the folder.
    default: Option<Before>,
}

impl Change for TakeBack {
    fn counts(&self, _name: &CStr) -> bool {
        true
    }

    fn file(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        if self.has_come(file, ACCESS)? {
            change(file, ACCESS, self.uid, Some(&Before::default()))?;
        }
        Ok(())
    }

    fn folder(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        self.file(folder)?;
        if self.has_come(folder, DEFAULT)? {
            change(folder, DEFAULT, self.uid, self.default.as_ref())?;
        }
        Ok(())
    }
}

impl TakeBack {
    /// Whether the account has an entry as `folders add` gives it; another one comes from somebody else.
    fn has_come(&self, file: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
        let list = load(file, name)?.unwrap_or_default();
        Ok(before(&list, self.uid).entry.is_some_and(|rights| rights & READ_WRITE == READ_WRITE))
    }
}

/// Brings one list back.
fn change(file: BorrowedFd<'_>, name: &str, uid: u32, was: Option<&Before>) -> io::Result<()> {
    let Some(list) = load(file, name)? else { return Ok(()) };
    match without(&list, uid, was) {
        Some(new) if new == list => Ok(()),
        Some(new) => store(file, name, &new),
        None => Ok(fremovexattr(file, name)?),
    }
}

/// The list without what was put in for an account; `None` for a default list that was not there before and of which
/// nothing is left.
fn without(list: &[Entry], uid: u32, was: Option<&Before>) -> Option<Vec<Entry>> {
    let is_own = |entry: &Entry| entry.tag == USER && entry.id == uid;
    let is_named = |entry: &Entry| matches!(entry.tag, USER | GROUP);
    let mut new = list.to_vec();
    match was.and_then(|was| was.entry) {
        Some(rights) => new.iter_mut().filter(|entry| is_own(entry)).for_each(|entry| entry.rights = rights),
        None => new.retain(|entry| !is_own(entry)),
    }
    let has_named = new.iter().any(is_named);
    if was.is_none() && !has_named {
        return None;
    }
    let all = list.iter().filter(|entry| is_named(entry) || entry.tag == GROUP_OBJECT);
    let all = all.fold(0, |all, entry| all | entry.rights);
    let mask = list.iter().find(|entry| entry.tag == MASK).map(|entry| entry.rights);
    match (mask, was.and_then(|was| was.mask)) {
        // As setfacl has left it: nobody has changed it since.
        (Some(mask), Some(old)) if mask == all => {
            new.iter_mut().filter(|entry| entry.tag == MASK).for_each(|entry| entry.rights = old);
        }
        (Some(mask), None) if !has_named => {
            new.retain(|entry| entry.tag != MASK);
            // The group may what it could.
            new.iter_mut().filter(|entry| entry.tag == GROUP_OBJECT).for_each(|entry| entry.rights &= mask);
        }
        _ => {}
    }
    Some(new)
}

fn before(list: &[Entry], uid: u32) -> Before {
    let find = |wanted: &dyn Fn(&Entry) -> bool| list.iter().find(|e| wanted(e)).map(|entry| entry.rights);
    Before { entry: find(&|e| e.tag == USER && e.id == uid), mask: find(&|e| e.tag == MASK) }
}

fn load(file: BorrowedFd<'_>, name: &str) -> io::Result<Option<Vec<Entry>>> {
    let mut bytes = vec![0; MOST];
    match fgetxattr(file, name, bytes.as_mut_slice()) {
        Ok(length) => from_bytes(&bytes[..length]).map(Some),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The access list, also where there is but the mode, which is one of three entries.
fn access(file: BorrowedFd<'_>) -> io::Result<Vec<Entry>> {
    if let Some(list) = load(file, ACCESS)?.filter(|list| !list.is_empty()) {
        return Ok(list);
    }
    let mode = fstat(file)?.st_mode;
    let rows = [(OWNER, mode >> 6), (GROUP_OBJECT, mode >> 3), (OTHER, mode)];
    Ok(rows.map(|(tag, mode)| Entry { tag, rights: (mode & 7) as u16, id: NOBODY }).to_vec())
}

/// The list with an entry for an account, and a mask that lets all entries be what they say.
fn with(list: &[Entry], uid: u32, rights: u16) -> Vec<Entry> {
    let is_kept = |entry: &&Entry| entry.tag != MASK && !(entry.tag == USER && entry.id == uid);
    let mut new: Vec<Entry> = list.iter().filter(is_kept).copied().collect();
    new.push(Entry { tag: USER, rights, id: uid });
    let masked = new.iter().filter(|entry| matches!(entry.tag, USER | GROUP_OBJECT | GROUP));
    let mask = masked.fold(0, |all, entry| all | entry.rights);
    new.push(Entry { tag: MASK, rights: mask, id: NOBODY });
    // The kernel wants them so.
    new.sort_by_key(|entry| (entry.tag, entry.id));
    new
}

fn store(file: BorrowedFd<'_>, name: &str, list: &[Entry]) -> io::Result<()> {
    Ok(fsetxattr(file, name, &to_bytes(list), XattrFlags::empty())?)
}

fn from_bytes(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    let entries = bytes.strip_prefix(&VERSION).map(<[u8]>::as_chunks::<8>);
    let Some((entries, [])) = entries else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the access list is of an unknown kind"));
    };
    let entry = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| Entry {
        tag: u16::from_le_bytes([a, b]),
        rights: u16::from_le_bytes([c, d]),
        id: u32::from_le_bytes([e, f, g, h]),
    };
    Ok(entries.iter().map(entry).collect())
}

fn to_bytes(list: &[Entry]) -> Vec<u8> {
    let mut bytes = VERSION.to_vec();
    for entry in list {
        bytes.extend(entry.tag.to_le_bytes());
        bytes.extend(entry.rights.to_le_bytes());
        bytes.extend(entry.id.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNS: (u16, u16, u32) = (OWNER, 7, NOBODY);
    const OTHERS: (u16, u16, u32) = (OTHER, 0, NOBODY);

    fn list(entries: &[(u16, u16, u32)]) -> Vec<Entry> {
        entries.iter().map(|&(tag, rights, id)| Entry { tag, rights, id }).collect()
    }

    /// Fails if: taking an entry out leaves anything of it, or changes what others have put in.
    #[test]
    fn is_what_it_was() {
        let (group, none) = ((GROUP_OBJECT, 5, NOBODY), NOBODY);
        let was = |entry, mask| Some(Before { entry, mask });
        for (what, is, before, wanted) in [
            (
                "there was no list",
                list(&[OWNS, (USER, 7, 990), group, (MASK, 7, none), OTHERS]),
                was(None, None),
                Some(list(&[OWNS, group, OTHERS])),
            ),
            (
                "the mask was made smaller meanwhile",
                list(&[OWNS, (USER, 7, 990), group, (MASK, 4, none), OTHERS]),
                was(None, None),
                Some(list(&[OWNS, (GROUP_OBJECT, 4, none), OTHERS])),
            ),
            (
                "somebody was added meanwhile",
                list(&[OWNS, (USER, 6, 7), (USER, 7, 990), group, (MASK, 7, none), OTHERS]),
                was(None, None),
                Some(list(&[OWNS, (USER, 6, 7), group, (MASK, 7, none), OTHERS])),
            ),
            (
                "a mask held others back",
                list(&[OWNS, (USER, 7, 7), (USER, 7, 990), group, (MASK, 7, none), OTHERS]),
                was(None, Some(1)),
                Some(list(&[OWNS, (USER, 7, 7), group, (MASK, 1, none), OTHERS])),
            ),
            (
                "the account had an entry",
                list(&[OWNS, (USER, 7, 990), group, (MASK, 7, none), OTHERS]),
                was(Some(4), Some(5)),
                Some(list(&[OWNS, (USER, 4, 990), group, (MASK, 5, none), OTHERS])),
            ),
            (
                "there was no default list",
                list(&[OWNS, (USER, 7, 990), group, (MASK, 7, none), OTHERS]),
                None,
                None,
            ),
            (
                "there was no default list, and somebody was added",
                list(&[OWNS, (USER, 7, 990), group, (GROUP, 5, 8), (MASK, 7, none), OTHERS]),
                None,
                Some(list(&[OWNS, group, (GROUP, 5, 8), (MASK, 7, none), OTHERS])),
            ),
            (
                "it is not there any more",
                list(&[OWNS, group, OTHERS]),
                was(None, None),
                Some(list(&[OWNS, group, OTHERS])),
            ),
        ] {
            assert_eq!(without(&is, 990, before.as_ref()), wanted, "{what}");
            assert_eq!(from_bytes(&to_bytes(&is)).unwrap(), is, "{what}");
        }
    }

    /// Fails if: an entry gives less than it says, the mask opens nothing to it or takes from others, or the order is not
    /// that of the kernel.
    #[test]
    fn an_entry_is_put_in() {
        let group = |rights| (GROUP_OBJECT, rights, NOBODY);
        let mask = |rights| (MASK, rights, NOBODY);
        for (what, is, rights, wanted) in [
            (
                "a mode",
                vec![OWNS, group(5), OTHERS],
                7,
                vec![OWNS, (USER, 7, 990), group(5), mask(7), OTHERS],
            ),
            (
                "a mode, to pass",
                vec![OWNS, group(0), OTHERS],
                1,
                vec![OWNS, (USER, 1, 990), group(0), mask(1), OTHERS],
            ),
            (
                "others are there",
                vec![OWNS, (USER, 4, 7), (USER, 5, 2000), group(0), (GROUP, 6, 8), mask(4), OTHERS],
                1,
                vec![
                    OWNS,
                    (USER, 4, 7),
                    (USER, 1, 990),
                    (USER, 5, 2000),
                    group(0),
                    (GROUP, 6, 8),
                    mask(7),
                    OTHERS,
                ],
            ),
            (
                "it is there",
                vec![OWNS, (USER, 4, 990), group(0), mask(4), OTHERS],
                7,
                vec![OWNS, (USER, 7, 990), group(0), mask(7), OTHERS],
            ),
        ] {
            assert_eq!(with(&list(&is), 990, rights), list(&wanted), "{what}");
        }
    }

    /// Fails if: what was given to a folder is not what `setfacl` gives, goes to what is hidden in it, through a link, to a
    /// file of elsewhere or to another folder that took its name, or does not go again.
    #[test]
    fn a_folder_is_given_and_taken_back() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| std::fs::canonicalize(dir.path()).unwrap().join(name);
        for folder in ["ict/sub", "ict/.keys", "elsewhere"] {
            std::fs::create_dir_all(path(folder)).unwrap();
            std::fs::set_permissions(path(folder), std::fs::Permissions::from_mode(0o750)).unwrap();
        }
        let hidden = ["ict/.keys", "ict/.keys/key", "ict/.profile"];
        let files = [("ict/report", 0o640), ("ict/program", 0o750), ("secret", 0o600)];
        for (file, mode) in files.into_iter().chain(hidden[1..].iter().map(|name| (*name, 0o600))) {
            std::fs::write(path(file), "x").unwrap();
            std::fs::set_permissions(path(file), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::hard_link(path("secret"), path("ict/second")).unwrap();
        symlink(path("elsewhere"), path("ict/link")).unwrap();
        let of = |name: &str, kind| {
            let file = std::fs::File::open(path(name)).unwrap();
            load(file.as_fd(), kind).unwrap()
        };
        let own = |list: Option<Vec<Entry>>| list.and_then(|list| before(&list, 990).entry);
        let was = state(&path("ict"), 990).unwrap();
        if let Err(error) = give_all(&path("ict"), 990, true) {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
            return; // no access lists on this file system
        }
        let folder = list(&[OWNS, (USER, 7, 990), (GROUP_OBJECT, 5, NOBODY), (MASK, 7, NOBODY), OTHERS]);
        for name in ["ict/sub", "ict"] {
            assert_eq!(of(name, DEFAULT).map(|list| list.len()), Some(5), "{name}");
        }
        assert_eq!((of("ict/sub", ACCESS), of("ict/sub", DEFAULT)), (Some(folder.clone()), Some(folder)));
        assert_eq!((own(of("ict/report", ACCESS)), own(of("ict/program", ACCESS))), (Some(6), Some(7)));
        for name in ["elsewhere", "secret"].into_iter().chain(hidden) {
            assert_eq!(of(name, ACCESS), None, "{name}");
        }
        take_back_all(&path("ict"), 990, &was, &[]).unwrap();
        for name in ["ict", "ict/sub", "ict/report", "ict/program"] {
            assert_eq!((of(name, ACCESS), of(name, DEFAULT)), (None, None), "{name}");
        }
        give_pass(&path("ict"), 990, &was).unwrap();
        assert_eq!((own(of("ict", ACCESS)), of("ict", DEFAULT)), (Some(1), None));
        take_back_pass(&path("ict"), 990, &was).unwrap();
        assert_eq!(of("ict", ACCESS), None);

        // Swapped between opening and giving.
        let opened = place::open_to_give(&path("ict")).unwrap();
        std::fs::rename(path("ict"), path("moved")).unwrap();
        symlink(path("elsewhere"), path("ict")).unwrap();
        Give { uid: 990 }.folder(opened.as_fd()).unwrap();
        assert_eq!((own(of("moved", ACCESS)), own(of("elsewhere", ACCESS))), (Some(7), None));
        for result in [
            give_all(&path("ict"), 990, true),
            give_pass(&path("ict"), 990, &was),
            take_back_all(&path("ict"), 990, &was, &[]),
            take_back_pass(&path("ict"), 990, &was),
        ] {
            assert!(result.unwrap_err().to_string().contains("is a link to"));
        }
    }

    /// Fails if: bytes that are no list are taken for one.
    #[test]
    fn strange_bytes() {
        for bytes in [&b""[..], &[1, 0, 0, 0], &[2, 0, 0, 0, 1], &[2, 0, 0, 0, 1, 0, 7, 0, 0, 0, 0]] {
            assert!(from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}
