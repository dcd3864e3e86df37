//! Which files are to be looked at, now or later, and what is known of each. Nothing here takes longer
//! when more of them wait, and one that nothing is known of costs little memory: after a weekend 100,000 may wait.

use super::take::Memory;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::time::Instant;

/// Room for more files than this is given back when none is left.
const FEW: usize = 1000;

/// See the module.
#[derive(Debug, Default)]
pub struct Agenda {
    files: HashMap<OsString, File>,
    /// In the order in which they are looked at.
    now: VecDeque<OsString>,
    /// What is not true of the file any more is passed over.
    later: BinaryHeap<Reverse<(Instant, OsString)>>,
}

#[derive(Debug)]
struct File {
    /// None until something was heard of it, or it was looked at.
    memory: Option<Box<Memory>>,
    due: Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    /// When something is heard of it.
    Never,
}

impl Agenda {
    /// What is known of a file; of a new one nothing.
    pub fn memory(&mut self, name: &OsStr, now: Instant) -> &mut Memory {
        self.file(name).memory.get_or_insert_with(|| Box::new(Memory::new(now)))
    }

    fn file(&mut self, name: &OsStr) -> &mut File {
        if !self.files.contains_key(name) {
            self.files.insert(name.to_owned(), File { memory: None, due: Due::Never });
        }
        match self.files.get_mut(name) {
            Some(file) => file,
            None => unreachable!("it was just put there"),
        }
    }

    /// What is known of a file, if anything is.
    pub fn known(&self, name: &OsStr) -> Option<&Memory> {
        self.files.get(name)?.memory.as_deref()
    }

    /// The files that something is known of, and what.
    pub fn all(&self) -> impl Iterator<Item = (&OsStr, &Memory)> {
        self.files.iter().filter_map(|(name, file)| Some((name.as_os_str(), file.memory.as_deref()?)))
    }

    /// What is known of all files.
    pub fn memories(&mut self) -> impl Iterator<Item = &mut Memory> {
        self.files.values_mut().filter_map(|file| file.memory.as_deref_mut())
    }

    /// A file is to be looked at now.
    pub fn do_now(&mut self, name: &OsStr) {
        let file = self.file(name);
        if file.due != Due::Now {
            file.due = Due::Now;
            self.now.push_back(name.to_owned());
        }
    }

    /// A file is to be looked at then, or when something is heard of it.
    pub fn do_at(&mut self, name: &OsStr, then: Instant) {
        if let Some(file) = self.files.get_mut(name) {
            file.due = Due::At(then);
            self.later.push(Reverse((then, name.to_owned())));
        }
    }

    /// A file that nothing is known of is to be looked at then.
    pub fn expect(&mut self, name: &OsStr, then: Instant) {
        if !self.files.contains_key(name) {
            self.file(name);
            self.do_at(name, then);
        }
    }

    /// The next file to look at. What is known of it stays, and [`Agenda::do_at`] or
    /// [`Agenda::forget`] says what is next.
    pub fn take_next(&mut self) -> Option<OsString> {
        while let Some(name) = self.now.pop_front() {
            if let Some(file) = self.files.get_mut(&name)
                && file.due == Due::Now
            {
                file.due = Due::Never;
                return Some(name);
            }
        }
        None
    }

    /// Whether a file is to be looked at now.
    pub fn is_busy(&self) -> bool {
        !self.now.is_empty()
    }

    /// What was due later and is due now.
    pub fn advance(&mut self, now: Instant) {
        while let Some(Reverse((then, _))) = self.later.peek()
            && *then <= now
        {
            let Some(Reverse((then, name))) = self.later.pop() else { return };
            if self.files.get(&name).is_some_and(|file| file.due == Due::At(then)) {
                self.do_now(&name);
            }
        }
    }

    /// When the next file is due that is not due now.
    pub fn next_due(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse((then, _))| *then)
    }

    /// Nothing needs to be known of a file any more.
    pub fn forget(&mut self, name: &OsStr) {
        self.files.remove(name);
        if self.files.is_empty() && self.files.capacity() > FEW {
            *self = Agenda::default();
        }
    }

    /// Forgets all files but these; says which.
    pub fn keep_only(&mut self, names: &HashSet<&OsStr>) -> Vec<OsString> {
        let gone: Vec<OsString> =
            self.files.keys().filter(|name| !names.contains(name.as_os_str())).cloned().collect();
        gone.iter().for_each(|name| self.forget(name));
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Fails if: a file that nothing is known of takes much memory, or what many took is kept when they are gone.
    #[test]
    fn many_files_take_little() {
        assert!(size_of::<File>() <= 32);
        let mut agenda = Agenda::default();
        let names: Vec<OsString> = (0..2 * FEW).map(|number| number.to_string().into()).collect();
        names.iter().for_each(|name| agenda.do_now(name));
        assert!(agenda.known(&names[0]).is_none());
        names.iter().for_each(|name| agenda.forget(name));
        assert!(agenda.files.capacity() < FEW && agenda.now.capacity() < FEW && !agenda.is_busy());
    }

    /// Fails if: files are looked at out of order, twice, too early or never.
    #[test]
    fn files_come_up_when_they_are_due() {
        let mut agenda = Agenda::default();
        let start = Instant::now();
        let name = |text: &str| OsString::from(text);
        let later = |seconds| start + Duration::from_secs(seconds);
        for text in ["b", "a", "b"] {
            agenda.do_now(&name(text));
        }
        assert_eq!(
            (agenda.take_next(), agenda.take_next(), agenda.take_next()),
            (Some(name("b")), Some(name("a")), None)
        );
        agenda.do_at(&name("a"), later(10));
        agenda.do_at(&name("b"), later(20));
        agenda.do_at(&name("a"), later(30));
        agenda.expect(&name("a"), later(1));
        agenda.expect(&name("c"), later(5));
        agenda.advance(later(20));
        assert_eq!(
            (agenda.take_next(), agenda.take_next(), agenda.take_next()),
            (Some(name("c")), Some(name("b")), None)
        );
        assert_eq!(agenda.next_due(), Some(later(30)));
        agenda.forget(&name("a"));
        agenda.advance(later(30));
        assert_eq!(agenda.take_next(), None);
        assert_eq!(agenda.keep_only(&HashSet::from([OsStr::new("b")])), ["c"]);
        agenda.memory(OsStr::new("b"), start);
        assert!(agenda.known(OsStr::new("b")).is_some() && agenda.known(OsStr::new("c")).is_none());
    }
}
