//! Access lists as Linux keeps them: the extended attributes of
//! [acl(5)](https://man7.org/linux/man-pages/man5/acl.5.html), laid out as in the kernel's `linux/posix_acl_xattr.h`.
//!
//! `setfacl` puts an entry in. Taken out by it, the entry leaves a mask behind, or a default list that overrides every
//! umask. So what was put in is taken out here: the list becomes what it was, and what others have added meanwhile stays.

use super::record::{Before, State};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, XattrFlags};
use rustix::fs::{fgetxattr, fremovexattr, fsetxattr, fstat, openat, stat, statat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
const USER: u16 = 0x02;
const GROUP_OBJECT: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
/// What the account gets in a folder, and files inherit.
const READ_WRITE: u16 = 6;

/// Whom an entry is about, by its tag and number, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u16,
    rights: u16,
    id: u32,
}

/// What a folder's lists say of an account.
pub(super) fn state(folder: &Path, uid: u32) -> io::Result<State> {
    let folder = open(CWD, folder, OFlags::DIRECTORY)?;
    let access = load(folder.as_fd(), ACCESS)?.unwrap_or_default();
    let default = load(folder.as_fd(), DEFAULT)?;
    Ok(State { access: before(&access, uid), default: default.map(|list| before(&list, uid)) })
}

/// Takes out what was put into the list of a folder.
pub(super) fn take_back_pass(folder: &Path, uid: u32, was: &State) -> io::Result<()> {
    change(open(CWD, folder, OFlags::DIRECTORY)?.as_fd(), ACCESS, uid, Some(&was.access))
}

/// Takes out what was put into both lists of a folder, and what has come from there into those of files and folders in it.
///
/// Folders to be kept stay as they are, with all that is in them.
pub(super) fn take_back_all(folder: &Path, uid: u32, was: &State, keep: &[PathBuf]) -> io::Result<()> {
    let folder = open(CWD, folder, OFlags::DIRECTORY)?;
    change(folder.as_fd(), ACCESS, uid, Some(&was.access))?;
    change(folder.as_fd(), DEFAULT, uid, was.default.as_ref())?;
    // What was inherited before may still be.
    if was.default.and_then(|default| default.entry).is_some_and(|rights| rights & READ_WRITE == READ_WRITE) {
        return Ok(());
    }
    let walk = Walk {
        uid,
        default: was.default.map(|default| Before { entry: None, mask: default.mask }),
        device: fstat(&folder)?.st_dev,
        keep: keep.iter().filter_map(|kept| Some(stat(kept).ok()?.st_ino)).collect(),
    };
    walk.within(folder.as_fd())
}

/// What is taken out of all that lies in a folder, on its file system and never through a link.
struct Walk {
    uid: u32,
    /// What there was in the default list of the folder.
    default: Option<Before>,
    device: u64,
    keep: Vec<u64>,
}

impl Walk {
    fn within(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        let mut result = Ok(());
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match self.one(folder, name) {
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

    fn one(&self, folder: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(found.st_mode);
        let is_either = matches!(kind, FileType::RegularFile | FileType::Directory);
        if found.st_dev != self.device || !is_either || self.keep.contains(&found.st_ino) {
            return Ok(());
        }
        let file = open(folder, name, OFlags::NOFOLLOW)?;
        if self.has_come(file.as_fd(), ACCESS)? {
            change(file.as_fd(), ACCESS, self.uid, Some(&Before::default()))?;
        }
        if kind == FileType::Directory {
            if self.has_come(file.as_fd(), DEFAULT)? {
                change(file.as_fd(), DEFAULT, self.uid, self.default.as_ref())?;
            }
            self.within(file.as_fd())?;
        }
        Ok(())
    }

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
        Some(new) => Ok(fsetxattr(file, name, &to_bytes(&new), XattrFlags::empty())?),
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

fn open<P: rustix::path::Arg>(at: impl AsFd, path: P, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(at, path, flags, Mode::empty())?)
}

fn load(file: BorrowedFd<'_>, name: &str) -> io::Result<Option<Vec<Entry>>> {
    let mut bytes = vec![0; MOST];
    match fgetxattr(file, name, bytes.as_mut_slice()) {
        Ok(length) => from_bytes(&bytes[..length]).map(Some),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
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

    const OWNER: (u16, u16, u32) = (0x01, 7, u32::MAX);
    const OTHER: (u16, u16, u32) = (0x20, 0, u32::MAX);

    fn list(entries: &[(u16, u16, u32)]) -> Vec<Entry> {
        entries.iter().map(|&(tag, rights, id)| Entry { tag, rights, id }).collect()
    }

    /// Fails if: taking an entry out leaves anything of it, or changes what others have put in.
    #[test]
    fn is_what_it_was() {
        let (group, none) = ((GROUP_OBJECT, 5, u32::MAX), u32::MAX);
        let was = |entry, mask| Some(Before { entry, mask });
        for (what, is, before, wanted) in [
            (
                "there was no list",
                list(&[OWNER, (USER, 7, 990), group, (MASK, 7, none), OTHER]),
                was(None, None),
                Some(list(&[OWNER, group, OTHER])),
            ),
            (
                "the mask was made smaller meanwhile",
                list(&[OWNER, (USER, 7, 990), group, (MASK, 4, none), OTHER]),
                was(None, None),
                Some(list(&[OWNER, (GROUP_OBJECT, 4, none), OTHER])),
            ),
            (
                "somebody was added meanwhile",
                list(&[OWNER, (USER, 6, 7), (USER, 7, 990), group, (MASK, 7, none), OTHER]),
                was(None, None),
                Some(list(&[OWNER, (USER, 6, 7), group, (MASK, 7, none), OTHER])),
            ),
            (
                "a mask held others back",
                list(&[OWNER, (USER, 7, 7), (USER, 7, 990), group, (MASK, 7, none), OTHER]),
                was(None, Some(1)),
                Some(list(&[OWNER, (USER, 7, 7), group, (MASK, 1, none), OTHER])),
            ),
            (
                "the account had an entry",
                list(&[OWNER, (USER, 7, 990), group, (MASK, 7, none), OTHER]),
                was(Some(4), Some(5)),
                Some(list(&[OWNER, (USER, 4, 990), group, (MASK, 5, none), OTHER])),
            ),
            (
                "there was no default list",
                list(&[OWNER, (USER, 7, 990), group, (MASK, 7, none), OTHER]),
                None,
                None,
            ),
            (
                "there was no default list, and somebody was added",
                list(&[OWNER, (USER, 7, 990), group, (GROUP, 5, 8), (MASK, 7, none), OTHER]),
                None,
                Some(list(&[OWNER, group, (GROUP, 5, 8), (MASK, 7, none), OTHER])),
            ),
            (
                "it is not there any more",
                list(&[OWNER, group, OTHER]),
                was(None, None),
                Some(list(&[OWNER, group, OTHER])),
            ),
        ] {
            assert_eq!(without(&is, 990, before.as_ref()), wanted, "{what}");
            assert_eq!(from_bytes(&to_bytes(&is)).unwrap(), is, "{what}");
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
