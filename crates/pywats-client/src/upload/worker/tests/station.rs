//! A queue in memory and a server that answers as told, for a worker whose time is not the clock's.

use crate::queue::{Body, Counts, Entry, Error, Granted, Note, Place, Suspicion, Verdict, Wish};
use crate::status::{Phase, Status};
use crate::upload::pause::Waits;
use crate::upload::store::{Remote, Store};
use crate::upload::worker::{Link, Setup, run};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;
use wats::{Failure, FailureKind};

/// Days pass in these tests: a sign of life in each second of them would be all that is computed.
const TICK: Duration = Duration::from_secs(60);

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const WAITS: Waits = Waits { initial: SECOND, max: Duration::from_secs(300) };

#[derive(Debug, Default)]
pub(super) struct Memory {
    rows: BTreeMap<i64, Entry>,
    pub(super) suspects: BTreeMap<i64, Suspicion>,
    pub(super) verdicts: BTreeMap<i64, Verdict>,
    pub(super) attempts: BTreeMap<i64, u64>,
    pub(super) changed: Vec<i64>,
    /// So many commits fail.
    pub(super) failing: u32,
    /// Reports whose bodies cannot be read, so many times.
    pub(super) unreadable: HashMap<i64, u32>,
    pub(super) bodies: HashMap<i64, Body>,
    /// Reports that have an identifier which a later one may have.
    twins: BTreeSet<i64>,
    rewound: bool,
    wishes: Vec<Wish>,
    /// How often the queue was read or written.
    pub(super) uses: u64,
    pub(super) commits: u64,
}

#[derive(Debug, Default)]
pub(super) struct FakeStore(Mutex<Memory>);

fn disk_full() -> Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(13), Some("disk full".to_owned())).into()
}

impl FakeStore {
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FakeStore {
    fn next(&self, _class: usize, after: i64, limit: usize) -> Result<Vec<Entry>, Error> {
        let mut memory = self.memory();
        memory.uses += 1;
        let free = |seq: &i64| !memory.suspects.contains_key(seq) && !memory.verdicts.contains_key(seq);
        let held_up = |entry: &Entry| {
            let has_id = |seq: &&i64| memory.rows.get(seq).is_some_and(|earlier| earlier.id == entry.id);
            memory.twins.range(..entry.seq).filter(has_id).any(free)
        };
        let rows = memory
            .rows
            .range(after + 1..)
            .filter(|(seq, entry)| free(seq) && !memory.changed.contains(seq) && !held_up(entry));
        Ok(rows.take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    fn rewound(&self) -> bool {
        std::mem::take(&mut self.memory().rewound)
    }

    fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, Error> {
        let memory = self.memory();
        let with_entry = |(seq, kept): (&i64, &Suspicion)| (memory.rows[seq].clone(), kept.clone());
        Ok(memory.suspects.iter().map(with_entry).collect())
    }

    fn body(&self, entry: &Entry) -> Result<Body, Error> {
        let mut memory = self.memory();
        match memory.unreadable.get_mut(&entry.seq) {
            Some(times) if *times > 0 => {
                *times -= 1;
                Err(disk_full())
            }
            _ => Ok(memory
                .bodies
                .get(&entry.seq)
                .cloned()
                .unwrap_or(Body::Ready(entry.seq.to_string().into()))),
        }
    }

    fn changed(&self, entry: &Entry) -> Result<(), Error> {
        self.memory().changed.push(entry.seq);
        Ok(())
    }

    fn note(&self, notes: &[(i64, Note)]) -> Result<(), Error> {
        let mut memory = self.memory();
        memory.uses += 1;
        if memory.failing > 0 {
            memory.failing -= 1;
            return Err(disk_full());
        }
        memory.commits += 1;
        for (seq, note) in notes {
            memory.rewound |= memory.twins.contains(seq) && *note != Note::Attempt;
            match note {
                Note::Attempt => *memory.attempts.entry(*seq).or_default() += 1,
                Note::Suspect(kept) => {
                    memory.suspects.insert(*seq, kept.clone());
                }
                Note::Cleared => {
                    memory.suspects.remove(seq);
                }
                Note::Decided(verdict) => {
                    memory.suspects.remove(seq);
                    assert_eq!(memory.verdicts.insert(*seq, verdict.clone()), None, "decided twice");
                }
                Note::Dropped(reason) => {
                    memory.suspects.remove(seq);
                    memory.verdicts.entry(*seq).or_insert_with(|| Verdict::Refused(reason.clone()));
                }
            }
        }
        Ok(())
    }

    fn counts(&self) -> Counts {
        Counts::default()
    }

    fn wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut self.memory().wishes)
    }
}

/// What the server answers to a report.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Accept,
    Refuse(FailureKind, u16),
    /// Another identifier, and this when it is asked for the report.
    OtherId(Result<bool, u16>),
    Hang,
}

/// So many reports in each window of time: what comes then is told to wait.
#[derive(Debug)]
pub(super) struct Limit {
    allowed: usize,
    window: Duration,
    ends: Duration,
    left: usize,
}

impl Limit {
    pub(super) fn new(allowed: usize, window: Duration) -> Self {
        Limit { allowed, window, ends: Duration::ZERO, left: 0 }
    }

    fn lets_pass(&mut self, now: Duration) -> bool {
        while now >= self.ends {
            self.ends += self.window;
            self.left = self.allowed;
        }
        let passes = self.left > 0;
        self.left = self.left.saturating_sub(1);
        passes
    }
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) replies: HashMap<i64, VecDeque<Reply>>,
    /// To reports without a reply of their own.
    pub(super) default: Reply,
    pub(super) version: Result<(), (FailureKind, u16)>,
    /// Nobody answers.
    pub(super) down: bool,
    pub(super) limit: Option<Limit>,
    pub(super) latency: Duration,
    /// When which report was sent.
    pub(super) sent: Vec<(Duration, i64)>,
    pub(super) versions: Vec<Duration>,
    started: Instant,
    now: usize,
    /// The most at once.
    pub(super) most: usize,
    read_back: HashMap<Uuid, Result<bool, u16>>,
}

#[derive(Clone, Debug)]
pub(super) struct FakeRemote(Arc<Mutex<Server>>);

impl FakeRemote {
    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn failure(kind: FailureKind, status: u16) -> Failure {
    let status = (status > 0).then_some(status);
    Failure { kind, message: format!("{kind:?} {status:?}"), words: Some("words".to_owned()), status }
}

fn id(seq: i64) -> Uuid {
    Uuid::from_u128(seq.cast_unsigned().into())
}

/// The body of a report is the number of its row.
fn seq(body: &[u8]) -> i64 {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}

impl Remote for FakeRemote {
    fn url(&self) -> String {
        "https://wats".to_owned()
    }

    async fn version(&self) -> Result<String, Failure> {
        let (latency, result) = {
            let mut server = self.server();
            let at = server.started.elapsed();
            server.versions.push(at);
            let version = if server.down { Err((FailureKind::Unreachable, 0)) } else { server.version };
            (server.latency, version)
        };
        tokio::time::sleep(latency).await;
        result.map(|()| "1".to_owned()).map_err(|(kind, status)| failure(kind, status))
    }

    async fn submit(&self, id: Uuid, body: Bytes) -> Result<(), Failure> {
        let seq = seq(&body);
        let (latency, reply) = {
            let mut server = self.server();
            let at = server.started.elapsed();
            server.sent.push((at, seq));
            server.now += 1;
            server.most = server.most.max(server.now);
            let own = server.replies.get_mut(&seq).and_then(|replies| {
                if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
            });
            let down = server.down.then_some(Reply::Refuse(FailureKind::Unreachable, 0));
            let busy = Reply::Refuse(FailureKind::Busy { retry_after: None }, 429);
            let limited = server.limit.as_mut().is_some_and(|limit| !limit.lets_pass(at)).then_some(busy);
            (server.latency, down.or(limited).or(own).unwrap_or(server.default.clone()))
        };
        tokio::time::sleep(latency).await;
        if let Reply::Hang = reply {
            tokio::time::sleep(Duration::from_secs(1_000_000)).await;
        }
        let mut server = self.server();
        server.now -= 1;
        match reply {
            Reply::Accept | Reply::Hang => Ok(()),
            Reply::Refuse(kind, status) => Err(failure(kind, status)),
            Reply::OtherId(there) => {
                server.read_back.insert(id, there);
                Err(failure(FailureKind::OtherId, 200))
            }
        }
    }

    async fn holds(&self, id: Uuid) -> Result<bool, Failure> {
        let latency = self.server().latency;
        tokio::time::sleep(latency).await;
        let there = self.server().read_back[&id];
        there.map_err(|status| failure(FailureKind::RefusedBlank, status))
    }
}

/// A worker, its queue and its server.
pub(super) struct Station {
    pub(super) store: Arc<FakeStore>,
    pub(super) remote: FakeRemote,
    pub(super) status: Arc<Status>,
    pub(super) link: watch::Sender<Link<FakeRemote>>,
    queued: Arc<Notify>,
    stop: watch::Sender<bool>,
    pub(super) worker: Option<JoinHandle<Result<(), Error>>>,
    next: i64,
}

impl Station {
    /// Not running yet.
    pub(super) fn new(concurrency: usize) -> Self {
        let server = Server {
            replies: HashMap::new(),
            default: Reply::Accept,
            version: Ok(()),
            down: false,
            limit: None,
            latency: Duration::from_millis(100),
            sent: Vec::new(),
            versions: Vec::new(),
            started: Instant::now(),
            now: 0,
            most: 0,
            read_back: HashMap::new(),
        };
        let remote = FakeRemote(Arc::new(Mutex::new(server)));
        let link = Link {
            remote: Ok(remote.clone()),
            waits: WAITS,
            concurrency,
            max_per_minute: None,
            trust_answer: false,
        };
        let status = Arc::new(Status::new());
        status.enter(Phase::Running);
        Station {
            store: Arc::default(),
            remote,
            status,
            link: watch::channel(link).0,
            queued: Arc::default(),
            stop: watch::channel(false).0,
            worker: None,
            next: 1,
        }
    }

    pub(super) fn start(&mut self) {
        self.stop.send_replace(false);
        self.worker = Some(tokio::spawn(run(Setup {
            store: Arc::clone(&self.store),
            status: Arc::clone(&self.status),
            queued: Arc::clone(&self.queued),
            link: self.link.subscribe(),
            stop: self.stop.subscribe(),
            tick: TICK,
        })));
    }

    /// Stops, and says how long that took.
    pub(super) async fn stop(&mut self) -> Duration {
        let asked = Instant::now();
        self.stop.send_replace(true);
        self.worker.take().unwrap().await.unwrap().unwrap();
        asked.elapsed()
    }

    /// Queues a report of this size and gives back its row.
    pub(super) fn put_sized(&mut self, size: u64) -> i64 {
        self.put_as(id(self.next), size)
    }

    /// Queues a report with the identifier of an earlier one.
    pub(super) fn put_twin(&mut self, earlier: i64) -> i64 {
        self.store.memory().twins.extend([earlier, self.next]);
        self.put_as(id(earlier), 1000)
    }

    fn put_as(&mut self, id: Uuid, size: u64) -> i64 {
        let seq = self.next;
        self.next += 1;
        let entry = Entry {
            seq,
            id,
            name: format!("{seq}.json").into(),
            folder: "/watch".into(),
            size,
            sha256: [0; 32],
            edits: String::new(),
            serial_number: String::new(),
            attempts: 0,
            place: Place::Row,
            class: 0,
        };
        self.store.memory().rows.insert(seq, entry);
        self.queued.notify_one();
        seq
    }

    pub(super) fn put(&mut self) -> i64 {
        self.put_sized(1000)
    }

    pub(super) fn replies(&self, seq: i64, replies: &[Reply]) {
        self.remote.server().replies.insert(seq, replies.iter().cloned().collect());
    }

    /// Somebody gives a report up; what is answered comes there.
    pub(super) fn drop_report(&self, seq: i64) -> Receiver<Granted> {
        let (granted, answer) = channel();
        self.store.memory().wishes.push(Wish::Drop { seq, reason: "dropped".to_owned(), granted });
        self.queued.notify_one();
        answer
    }

    /// How often a report was sent.
    pub(super) fn times(&self, seq: i64) -> usize {
        self.remote.server().sent.iter().filter(|(_, sent)| *sent == seq).count()
    }

    pub(super) fn verdict(&self, seq: i64) -> Option<Verdict> {
        self.store.memory().verdicts.get(&seq).cloned()
    }

    pub(super) fn is_delivered(&self, seq: i64) -> bool {
        self.verdict(seq) == Some(Verdict::Delivered)
    }

    pub(super) fn is_parked(&self, seq: i64) -> bool {
        self.store.memory().suspects.get(&seq).is_some_and(|kept| kept.parked)
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits for at most this long.
    pub(super) async fn wait(&self, limit: Duration, what: &str, condition: impl Fn(&Station) -> bool) {
        let until = Instant::now() + limit;
        while !condition(self) {
            assert!(Instant::now() < until, "not in {limit:?}: {what}; {:?}", self.status.not_ready());
            tokio::time::sleep((limit / 1000).clamp(Duration::from_millis(10), 5 * SECOND)).await;
        }
    }

    pub(super) fn reason(&self) -> String {
        self.status.not_ready().unwrap_or_default()
    }
}
