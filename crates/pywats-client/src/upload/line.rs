//! The reports that wait their turn: a window of the queue for each class of them, in its order.

use crate::queue::Entry;
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// How many are read from the queue at once.
pub const WINDOW: usize = 256;
/// When so few are left, the next are read.
const LOW: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Line {
    /// By class and place in the queue: the first is the next.
    ready: BTreeMap<(usize, i64), Entry>,
    /// Reports that are in the window, on their way, held or decided but not committed: never taken twice.
    known: HashSet<i64>,
    /// Identifiers of reports on their way: never two with one at the same time.
    ids: HashSet<Uuid>,
    windows: Vec<Window>,
    /// The last that was ever read.
    newest: i64,
    /// What came later is new.
    marked: i64,
    /// Which class is being read.
    reading: Option<usize>,
    /// The queue was rewound since it is being read.
    rewound: bool,
    /// Those that were forgotten since the queue is being read: what is read may be older than that.
    gone: HashSet<i64>,
}

/// How far the reports of one class were read.
#[derive(Clone, Debug)]
struct Window {
    after: i64,
    /// There may be more in the queue.
    more: bool,
    /// The queue has told of new ones since it was read last.
    news: bool,
}

/// What is to be read next: reports of this class after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The class.
    pub class: usize,
    /// The place in the queue.
    pub after: i64,
}

impl Line {
    /// Nothing was read yet of so many classes.
    pub fn new(classes: usize) -> Self {
        Line {
            ready: BTreeMap::new(),
            known: HashSet::new(),
            ids: HashSet::new(),
            windows: vec![Window { after: 0, more: true, news: false }; classes.max(1)],
            newest: 0,
            marked: 0,
            reading: None,
            rewound: false,
            gone: HashSet::new(),
        }
    }

    /// The queue has new reports.
    pub fn news(&mut self) {
        for window in &mut self.windows {
            window.news = true;
            window.more = true;
        }
    }

    /// The queue may have some before those that it gave out.
    pub fn rewind(&mut self) {
        self.windows.iter_mut().for_each(|window| window.after = 0);
        self.rewound = self.reading.is_some();
        self.news();
    }

    /// What to read on, if anything: of the first class of which few are left.
    pub fn wants_more(&mut self) -> Option<Wanted> {
        if self.reading.is_some() {
            return None;
        }
        let few =
            |class: usize| self.ready.range((class, i64::MIN)..=(class, i64::MAX)).take(LOW).count() < LOW;
        let class = (0..self.windows.len()).find(|class| self.windows[*class].more && few(*class))?;
        self.reading = Some(class);
        let window = &mut self.windows[class];
        window.news = false;
        Some(Wanted { class, after: window.after })
    }

    /// What was read.
    pub fn read(&mut self, entries: Vec<Entry>) {
        let rewound = std::mem::take(&mut self.rewound);
        if let Some(window) = self.reading.take().and_then(|class| self.windows.get_mut(class)) {
            window.more = entries.len() >= WINDOW || window.news;
            if !rewound && let Some(last) = entries.last() {
                window.after = window.after.max(last.seq);
            }
        }
        let gone = std::mem::take(&mut self.gone);
        for entry in entries {
            self.newest = self.newest.max(entry.seq);
            if !gone.contains(&entry.seq) && self.known.insert(entry.seq) {
                self.ready.insert((entry.class, entry.seq), entry);
            }
        }
    }

    /// It could not be read; it is tried again when somebody says so.
    pub fn not_read(&mut self) {
        self.reading = None;
        self.rewound = false;
        self.gone.clear();
    }

    /// Whether the next ones are not known yet.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some() && self.ready.is_empty()
    }

    /// Whether some wait here.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether some wait here, or may wait in the queue.
    pub fn has_waiting(&self) -> bool {
        self.windows.iter().any(|window| window.more) || !self.ready.is_empty()
    }

    /// Whether a later one with the same identifier waits here. Looks at all of them.
    pub fn has_later(&self, entry: &Entry) -> bool {
        self.ready.values().any(|later| later.seq > entry.seq && later.id == entry.id)
    }

    /// Whether some wait here that are none of those.
    pub fn has_other_than(&self, those: impl Fn(i64) -> bool) -> bool {
        self.ready.keys().any(|(_, seq)| !those(*seq))
    }

    /// What comes from now on is new.
    pub fn mark(&mut self) {
        self.marked = self.newest;
    }

    /// Whether a new one waits here that is none of those.
    pub fn has_new_other_than(&self, those: impl Fn(i64) -> bool) -> bool {
        self.ready.keys().any(|(_, seq)| *seq > self.marked && !those(*seq))
    }

    /// Takes the first one whose identifier is not on its way, if there is room for it.
    pub fn take(&mut self, has_room: impl FnOnce(u64) -> bool) -> Option<Entry> {
        let first = self.ready.values().find(|entry| !self.ids.contains(&entry.id))?;
        if !has_room(first.size) {
            return None;
        }
        self.take_out((first.class, first.seq), first.id)
    }

    /// Takes the one for which this is the least, whatever its size; the first of several.
    pub fn take_least<T: Ord>(&mut self, of: impl Fn(i64) -> T) -> Option<Entry> {
        let free = self.ready.values().filter(|entry| !self.ids.contains(&entry.id));
        let least = free.min_by_key(|entry| of(entry.seq))?;
        self.take_out((least.class, least.seq), least.id)
    }

    fn take_out(&mut self, place: (usize, i64), id: Uuid) -> Option<Entry> {
        self.ids.insert(id);
        self.ready.remove(&place)
    }

    /// Takes out one that waits here and will not be sent.
    pub fn take_away(&mut self, seq: i64) -> Option<Entry> {
        let place = *self.ready.keys().find(|(_, waits)| *waits == seq)?;
        self.ready.remove(&place)
    }

    /// Takes a report that waits elsewhere on its way, if its identifier is not.
    pub fn lend(&mut self, entry: &Entry) -> bool {
        self.ids.insert(entry.id)
    }

    /// It is known without having been read here.
    pub fn know(&mut self, seq: i64) {
        self.known.insert(seq);
    }

    /// A report is not on its way any more.
    pub fn landed(&mut self, entry: &Entry) {
        self.ids.remove(&entry.id);
    }

    /// It goes back to its place.
    pub fn put_back(&mut self, entry: Entry) {
        self.ready.insert((entry.class, entry.seq), entry);
    }

    /// The queue will not give it out again.
    pub fn forget(&mut self, seq: i64) {
        self.known.remove(&seq);
        if self.reading.is_some() {
            self.gone.insert(seq);
        }
    }

    /// The queue gives it out again once it was judged, which it may have been already.
    pub fn expect_again(&mut self, seq: i64) {
        self.forget(seq);
        self.rewind();
    }
}

impl Default for Line {
    fn default() -> Self {
        Line::new(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, id: u128, size: u64) -> Entry {
        Entry {
            seq,
            id: Uuid::from_u128(id),
            name: "a.json".into(),
            folder: "/watch".into(),
            size,
            sha256: [0; 32],
            edits: String::new(),
            serial_number: String::new(),
            attempts: 0,
            place: crate::queue::Place::Row,
            class: 0,
        }
    }

    #[allow(clippy::unnecessary_wraps)]
    fn after(after: i64) -> Option<Wanted> {
        Some(Wanted { class: 0, after })
    }

    /// Fails if: a report of a later class is sent before one of an earlier class, or the earlier class is not read
    /// while many of the later one wait.
    #[test]
    fn classes_in_their_order() {
        let mut line = Line::new(2);
        let of = |class: usize, seq: i64| Entry { class, ..entry(seq, seq as u128, 1) };
        assert_eq!(line.wants_more(), after(0));
        line.read(Vec::new());
        assert_eq!(line.wants_more(), Some(Wanted { class: 1, after: 0 }));
        line.read((1..=WINDOW as i64).map(|seq| of(1, seq)).collect());
        assert_eq!(line.wants_more(), None);
        assert_eq!(line.take(|_| true).map(|entry| entry.seq), Some(1));
        line.news();
        assert_eq!(line.wants_more(), after(0));
        line.read(vec![of(0, 900), of(0, 901)]);
        let order: Vec<_> = (0..3).map(|_| line.take(|_| true).unwrap().seq).collect();
        assert_eq!(order, [900, 901, 2]);
    }

    /// Fails if: the order is not kept, two reports with one identifier are on their way at once, or a large
    /// one is passed by smaller ones for ever.
    #[test]
    fn in_order() {
        let mut line = Line::new(1);
        assert_eq!(line.wants_more(), after(0));
        assert_eq!(line.wants_more(), None, "one reads at a time");
        line.read(vec![entry(1, 7, 10), entry(2, 7, 10), entry(3, 8, 99), entry(4, 9, 10)]);
        let first = line.take(|_| true).unwrap();
        assert_eq!(first.seq, 1);
        assert_eq!(line.take(|size| size < 50), None, "3 is the next, and waits for room");
        assert_eq!(line.take(|_| true).map(|entry| entry.seq), Some(3), "2 has the identifier of 1");
        line.landed(&first);
        assert_eq!(line.take(|_| true).map(|entry| entry.seq), Some(2));
        line.put_back(first.clone());
        assert_eq!(line.take(|_| true).map(|entry| entry.seq), Some(4), "1 has the identifier of 2");
        assert!(!line.lend(&first));
    }

    /// Fails if: news that come while the queue is read get lost, or a report is taken twice.
    #[test]
    fn news_while_reading() {
        let mut line = Line::new(1);
        assert_eq!(line.wants_more(), after(0));
        line.news();
        line.read(vec![entry(1, 1, 1)]);
        assert_eq!(line.wants_more(), after(1), "it may be one that came after the reading");
        line.read(Vec::new());
        assert_eq!(line.wants_more(), None);
        assert_eq!(line.take(|_| true).map(|entry| entry.seq), Some(1));
        line.rewind();
        assert_eq!(line.wants_more(), after(0));
        line.read(vec![entry(1, 1, 1)]);
        assert_eq!(line.take(|_| true), None, "it is on its way");
        assert!(!line.has_waiting());
        line.rewind();
        assert_eq!(line.wants_more(), after(0));
        line.landed(&entry(1, 1, 1));
        line.forget(1);
        line.read(vec![entry(1, 1, 1)]);
        assert_eq!(line.take(|_| true), None, "it was delivered since");
        line.rewind();
        assert_eq!(line.wants_more(), after(0));
        line.expect_again(1);
        line.read(vec![entry(1, 1, 1)]);
        assert_eq!(line.wants_more(), after(0), "it may be as it was");
        line.read(vec![entry(1, 1, 2)]);
        assert_eq!(line.take(|_| true).map(|entry| entry.size), Some(2));
    }
}
