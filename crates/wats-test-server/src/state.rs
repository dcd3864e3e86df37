//! What the server was told and what it has seen.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::watch;
use uuid::Uuid;

use crate::VERSION;
use crate::answer::{Answer, Reply};
use crate::pages;
use crate::record::Recorder;
use crate::request::{Kind, Received, Request};
use crate::rules;
use crate::server::Options;
use crate::traffic::{Arrival, InFlight, Serving, Traffic};
use crate::wire::{Format, Inserted};

/// Shared by the handle, which asks, and the connections, which act.
pub(crate) struct State {
    /// The header that requests must carry.
    authorization: Option<String>,
    strict: bool,
    keep: bool,
    started: Instant,
    /// The same moment on the clock of the machine.
    pub(crate) started_at: SystemTime,
    in_flight: InFlight,
    inner: Mutex<Inner>,
    /// How many connections were opened.
    pub(crate) connections: AtomicUsize,
    /// The number of reports kept; tests wait for it.
    count: watch::Sender<usize>,
}

struct Inner {
    script: VecDeque<Answer>,
    by_report: BTreeMap<String, Orders>,
    by_kind: BTreeMap<Kind, Answer>,
    default: Answer,
    latency: Duration,
    format: Option<Format>,
    rate: Option<Rate>,
    too_large: Option<(u64, Answer)>,
    received: Vec<Request>,
    arrivals: Vec<Arrival>,
    reports: Vec<Bytes>,
    /// How many were kept, with or without their bodies.
    accepted: usize,
    stored: BTreeMap<String, Bytes>,
    recorder: Option<Recorder>,
}

/// What one report is answered.
#[derive(Default)]
struct Orders {
    next: VecDeque<Answer>,
    always: Option<Answer>,
}

/// A limit, and what has been counted towards it.
struct Rate {
    submissions: u32,
    per: Duration,
    since: Instant,
    counted: u32,
}

impl State {
    /// # Errors
    /// When the directory for records cannot be created.
    pub(crate) fn new(options: Options) -> io::Result<State> {
        let Options { token, record, strict, keep, .. } = options;
        let recorder = record.map(Recorder::create).transpose()?;
        Ok(State {
            authorization: token.map(|token| format!("Basic {token}")),
            strict,
            keep,
            started: Instant::now(),
            started_at: SystemTime::now(),
            in_flight: InFlight::default(),
            inner: Mutex::new(Inner {
                script: VecDeque::new(),
                by_report: BTreeMap::new(),
                by_kind: BTreeMap::new(),
                default: Answer::Accept,
                latency: Duration::ZERO,
                format: None,
                rate: None,
                too_large: strict.then(|| (rules::MAX_CONTENT_LENGTH, pages::content_length_too_large())),
                received: Vec::new(),
                arrivals: Vec::new(),
                reports: Vec::new(),
                accepted: 0,
                stored: BTreeMap::new(),
                recorder,
            }),
            connections: AtomicUsize::new(0),
            count: watch::Sender::new(0),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No invariant spans a panic here: each field is changed by one call.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner().script.extend(answers);
    }

    pub(crate) fn script_report(&self, report: &str, answers: impl IntoIterator<Item = Answer>) {
        self.inner().by_report.entry(report.to_ascii_lowercase()).or_default().next.extend(answers);
    }

    pub(crate) fn always(&self, report: &str, answer: Answer) {
        self.inner().by_report.entry(report.to_ascii_lowercase()).or_default().always = Some(answer);
    }

    pub(crate) fn forgive(&self, report: &str) {
        self.inner().by_report.remove(&report.to_ascii_lowercase());
    }

    pub(crate) fn set_default(&self, answer: Answer) {
        self.inner().default = answer;
    }

    pub(crate) fn set_for(&self, kind: Kind, answer: Option<Answer>) {
        let by_kind = &mut self.inner().by_kind;
        match answer {
            Some(answer) => by_kind.insert(kind, answer),
            None => by_kind.remove(&kind),
        };
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.inner().latency = latency;
    }

    pub(crate) fn latency(&self) -> Duration {
        self.inner().latency
    }

    pub(crate) fn set_format(&self, format: Option<Format>) {
        self.inner().format = format;
    }

    pub(crate) fn limit_rate(&self, limit: Option<(u32, Duration)>) {
        self.inner().rate =
            limit.map(|(submissions, per)| Rate { submissions, per, since: Instant::now(), counted: 0 });
    }

    pub(crate) fn limit_body(&self, limit: Option<(u64, Answer)>) {
        self.inner().too_large = limit;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner().received.iter().map(Request::received).collect()
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.inner().arrivals.clone()
    }

    pub(crate) fn reports(&self) -> Vec<Vec<u8>> {
        self.inner().reports.iter().map(|report| report.to_vec()).collect()
    }

    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().stored.iter().map(|(id, report)| (id.clone(), report.to_vec())).collect()
    }

    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        self.in_flight.report(&mut traffic);
        let inner = self.inner();
        traffic.submissions = inner.arrivals.len() as u64;
        traffic.stored = inner.accepted as u64;
        traffic.bytes = inner.arrivals.iter().map(|arrival| arrival.bytes).sum();
        traffic
    }

    /// A request is being served as long as this lives.
    pub(crate) fn arrived(&self) -> Serving {
        self.in_flight.request()
    }

    /// A request for this id is being served as long as this lives.
    pub(crate) fn same_id(&self, id: Option<&str>) -> Option<Serving> {
        id.map(|id| self.in_flight.id(&id.to_ascii_lowercase()))
    }

    /// The refusal of a body of this length, which is not even read.
    pub(crate) fn too_large(&self, announced: u64) -> Option<Answer> {
        let inner = self.inner();
        let (limit, refusal) = inner.too_large.as_ref()?;
        (announced > *limit).then(|| refusal.clone())
    }

    /// Notes a request, and decides how it is answered. A submission gets the number of its arrival.
    pub(crate) fn decide(&self, request: &Request) -> (Answer, Option<usize>) {
        let mut inner = self.inner();
        let answer = inner.answer(request);
        let mut arrival = None;
        if request.kind == Kind::Submission {
            arrival = Some(inner.arrivals.len());
            inner.arrivals.push(Arrival {
                at: self.started.elapsed(),
                serial_number: request.serial_number().map(str::to_owned),
                id: request.id().map(str::to_owned),
                bytes: request.body.len() as u64,
                stored: None,
            });
        }
        if self.keep {
            inner.received.push(request.clone());
        }
        (answer, arrival)
    }

    /// Answers, and keeps the report if the answer is one that does.
    pub(crate) fn act(&self, mut answer: Answer, request: &Request, arrival: Option<usize>) -> Reply {
        // What was to be waited for has been.
        while let Answer::After(_, then) = answer {
            answer = *then;
        }
        let inner = &mut *self.inner();
        let format = inner.format.unwrap_or_else(|| Format::wanted(request.header("accept")));
        let mut serve = |named: Named| self.serve(inner, request, arrival, format, named);
        // Refusals stay what they are.
        let accepted = |reply: Reply, then: &dyn Fn(Reply) -> Reply| match reply.is_success() {
            true => then(reply),
            false => reply,
        };
        match answer {
            Answer::Accept => serve(Named::AsSent),
            Answer::AcceptThenClose => accepted(serve(Named::AsSent), &|_| Reply::Close),
            Answer::AcceptThenReset => accepted(serve(Named::AsSent), &|_| Reply::Reset),
            Answer::AcceptThenHang => accepted(serve(Named::AsSent), &|_| Reply::Hang),
            Answer::AcceptThenCutOff => accepted(serve(Named::AsSent), &Reply::cut_off),
            Answer::AcceptThenAfter(delay) => accepted(serve(Named::AsSent), &|reply| match reply {
                Reply::Send(response) => Reply::SendLater(response, delay),
                other => other,
            }),
            Answer::AcceptThenSay { content_type, body } => accepted(serve(Named::AsSent), &|_| {
                let body = body.replace("{id}", request.id().unwrap_or_default());
                Reply::new(200, &content_type, body)
            }),
            Answer::OtherId => serve(Named::Otherwise),
            Answer::KeptUnderOtherId => serve(Named::AndKeptOtherwise),
            Answer::Status { code, headers, body } => Reply::scripted(code, &headers, &body),
            Answer::Html => Reply::html(),
            Answer::Empty => Reply::empty(),
            Answer::Garbage => Reply::garbage(),
            Answer::Close => Reply::Close,
            Answer::Reset => Reply::Reset,
            Answer::Hang | Answer::After(..) => Reply::Hang,
        }
    }

    /// Does what a WATS server does.
    fn serve(
        &self,
        inner: &mut Inner,
        request: &Request,
        arrival: Option<usize>,
        format: Format,
        named: Named,
    ) -> Reply {
        let refuse = |code, text: &str| format.message(code, text);
        if self.authorization.is_some() && request.header("authorization") != self.authorization.as_deref() {
            return refuse(401, "Authorization has been denied for this request.");
        }
        match (request.kind, &request.head) {
            (Kind::Submission, Some(Ok(_))) => self.accept(inner, request, arrival, format, named),
            (Kind::Submission, Some(Err(fault))) => refuse(400, fault),
            (Kind::Version, _) => format.version(VERSION),
            (Kind::Status, _) if serde_json::from_slice::<Map<String, Value>>(&request.body).is_ok() => {
                Reply::empty()
            }
            (Kind::Status, _) => refuse(400, "The status is no JSON object."),
            (Kind::ReadBack, _) => {
                let id = request.route().rsplit('/').next().unwrap_or_default();
                let id = Uuid::try_parse(id).map(|id| id.to_string());
                match id.ok().and_then(|id| inner.stored.get(&id)) {
                    Some(report) => Reply::new(200, "application/json; charset=utf-8", report.clone()),
                    None => refuse(404, "The report was not found."),
                }
            }
            _ if is_known(request.route()) => {
                refuse(405, "The requested resource does not support this method.")
            }
            _ => refuse(404, "No HTTP resource was found that matches the request."),
        }
    }

    fn accept(
        &self,
        inner: &mut Inner,
        request: &Request,
        arrival: Option<usize>,
        format: Format,
        named: Named,
    ) -> Reply {
        if self.strict {
            let faults = serde_json::from_slice::<Map<String, Value>>(&request.body)
                .map_or_else(|error| vec![error.to_string()], |report| rules::faults(&report));
            if !faults.is_empty() {
                return Reply::new(400, "text/plain; charset=utf-8", faults.join("\r\n"));
            }
        }
        let sent = match request.head.as_ref().and_then(|head| head.as_ref().ok()?.id.as_ref()) {
            None => Uuid::new_v4(),
            Some(id) => match id.as_str().map(Uuid::try_parse) {
                Some(Ok(id)) => id,
                _ => return format.message(400, "The report's id is not a UUID."),
            },
        };
        if let Some(Err(error)) = inner.recorder.as_mut().map(|recorder| recorder.write(&request.body)) {
            return format.message(500, &format!("The report cannot be recorded: {error}"));
        }
        let own = Uuid::new_v4();
        let key = if matches!(named, Named::AndKeptOtherwise) { own } else { sent }.to_string();
        if let Some(arrival) = arrival.and_then(|number| inner.arrivals.get_mut(number)) {
            arrival.stored = Some((key.clone(), self.started.elapsed()));
        }
        inner.accepted += 1;
        if self.keep {
            inner.reports.push(request.body.clone());
        }
        let body = if self.keep { request.body.clone() } else { Bytes::new() };
        inner.stored.insert(key, body);
        self.count.send_replace(inner.accepted);
        let id = if matches!(named, Named::AsSent) { sent } else { own };
        format.inserted(&Inserted { id, uuid: own, report_id: inner.accepted })
    }
}

/// Under which id an accepted report is kept and named.
#[derive(Clone, Copy)]
enum Named {
    AsSent,
    /// Kept as sent, named otherwise.
    Otherwise,
    /// Kept and named otherwise.
    AndKeptOtherwise,
}

impl Inner {
    /// What is special about one report goes before what is true of all.
    fn answer(&mut self, request: &Request) -> Answer {
        if request.kind == Kind::Submission {
            if let Some(busy) = self.rate.as_mut().and_then(Rate::refusal) {
                return busy;
            }
            for name in [request.id(), request.serial_number()].into_iter().flatten() {
                let orders = self.by_report.get_mut(&name.to_ascii_lowercase());
                if let Some(answer) = orders.and_then(Orders::answer) {
                    return answer;
                }
            }
            if let Some(answer) = self.script.pop_front() {
                return answer;
            }
        }
        self.by_kind.get(&request.kind).unwrap_or(&self.default).clone()
    }
}

impl Orders {
    fn answer(&mut self) -> Option<Answer> {
        self.next.pop_front().or_else(|| self.always.clone())
    }
}

impl Rate {
    /// Counts a submission; the refusal says when the next will be taken.
    fn refusal(&mut self) -> Option<Answer> {
        if self.since.elapsed() >= self.per {
            (self.since, self.counted) = (Instant::now(), 0);
        }
        if self.counted < self.submissions {
            self.counted += 1;
            return None;
        }
        let left = self.per.saturating_sub(self.since.elapsed());
        Some(Answer::busy(&left.as_secs_f64().ceil().to_string()))
    }
}

/// Whether this path exists, for another method.
fn is_known(route: &str) -> bool {
    ["/api/report/wsjf", "/api/app/version", "/api/client/update"]
        .contains(&route.to_ascii_lowercase().as_str())
}
