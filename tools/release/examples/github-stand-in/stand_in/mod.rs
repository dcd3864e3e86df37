//! A stand-in of GitHub: what publishing asks of it, in memory, and as unpleasant as the real one.
//!
//! Drafts are not found by their tag, a broken upload leaves a file that is not whole and keeps its name, what is
//! published cannot be changed, lists come in pages, and downloads are sent to another host, which wants no token.
//! It can be told to break off at any request, before or after it was carried out.

mod api;
mod state;

pub(crate) use api::Request;
use api::{Addresses, Answer, stored_name};
use jiff::Timestamp;
use serde_json::json;

pub(crate) use state::{Asset, Commit, Pull, Release, State};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// When something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the request is carried out.
    Before,
    /// In the middle of it: of an upload, half has arrived.
    Half,
    /// After it was carried out, before the answer.
    After,
}

/// What goes wrong.
pub(crate) enum Fault {
    /// The connection is cut, and none is taken any more until [`StandIn::restore`].
    Cut(When),
    /// The connection is cut, this once.
    Lose(When),
    /// Nothing comes any more until the other side is gone, and no other connection is taken.
    Hang(When),
    /// Something else is answered and nothing carried out, but for half of an upload with a status above 500.
    Answer(u16, Vec<(&'static str, String)>, &'static str),
    /// Something happens before the request is carried out.
    Meanwhile(Box<dyn FnOnce(&mut State) + Send>),
}

/// Which request it concerns.
pub(crate) enum At {
    /// The Nth, from 1.
    Nth(usize),
    /// The next with this method, and this in its path.
    Next(&'static str, &'static str),
}

#[derive(Default)]
struct Control {
    count: usize,
    faults: Vec<(At, Fault)>,
    is_gone: bool,
    is_hanging: bool,
    clock: i64,
    log: Vec<String>,
    leaks: Vec<String>,
}

struct Shared {
    state: Mutex<State>,
    control: Mutex<Control>,
    hangs: Condvar,
    at: Addresses,
    token: String,
}

/// The stand-in, which runs until the process ends.
pub(crate) struct StandIn(Arc<Shared>);

impl StandIn {
    /// Starts it on free ports of the loopback interface.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn start(token: &str) -> io::Result<StandIn> {
        let (api, downloads) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let at = Addresses {
            api: format!("http://{}", api.local_addr()?),
            downloads: format!("http://{}", downloads.local_addr()?),
        };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            control: Mutex::default(),
            hangs: Condvar::new(),
            at,
            token: token.to_owned(),
        });
        for (listener, is_api) in [(api, true), (downloads, false)] {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.serve(&stream, is_api));
                }
            });
        }
        Ok(StandIn(shared))
    }

    /// Forgets everything, as its threads stay until the process ends.
    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// The address of its API.
    pub(crate) fn api(&self) -> &str {
        &self.0.at.api
    }

    /// What it knows.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no thread fails while it has this")
    }

    /// Lets something go wrong.
    pub(crate) fn fault(&self, at: At, fault: Fault) {
        self.0.control().faults.push((at, fault));
    }

    /// Takes connections again, and forgets faults that did not happen and what was counted.
    pub(crate) fn restore(&self) {
        let mut control = self.0.control();
        *control =
            Control { clock: control.clock, leaks: std::mem::take(&mut control.leaks), ..Control::default() };
    }

    /// Tells a time that is off by so many seconds.
    pub(crate) fn set_clock(&self, seconds: i64) {
        self.0.control().clock = seconds;
    }

    /// The requests since it was started or restored.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.control().log.clone()
    }

    /// Requests by which the token came to where it does not belong.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.0.control().leaks.clone()
    }

    /// Waits until a request hangs, if one does.
    pub(crate) fn wait_until_hanging(&self, limit: std::time::Duration) -> bool {
        let control = self.0.control();
        let waited = self.0.hangs.wait_timeout_while(control, limit, |control| !control.is_hanging);
        waited.is_ok_and(|(control, _)| control.is_hanging)
    }
}

impl Shared {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().expect("no thread fails while it has this")
    }

    fn serve(&self, stream: &TcpStream, is_api: bool) {
        // A client that goes away is no matter of ours.
        let _gone = self.exchange(stream, is_api);
    }

    fn exchange(&self, stream: &TcpStream, is_api: bool) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        if self.control().is_gone {
            return Ok(());
        }
        let (mut request, length) = read_head(&mut reader)?;
        if let Some(command) = request.path.strip_prefix("/_stand-in/") {
            return write(stream, self.clock(), &self.command(command, &request));
        }
        let fault = {
            let mut control = self.control();
            if control.is_gone {
                return Ok(());
            }
            control.count += 1;
            control.log.push(format!("{} {}", request.method, request.path));
            if !is_api && request.headers.contains_key("authorization") {
                control.leaks.push(request.path.clone());
            }
            let (count, path) = (control.count, &request.path);
            let concerns = |at: &At| match at {
                At::Nth(number) => *number == count,
                At::Next(method, part) => *method == request.method && path.contains(part),
            };
            let found = control.faults.iter().position(|(at, _)| concerns(at));
            found.map(|found| control.faults.remove(found).1)
        };
        match fault {
            Some(Fault::Cut(when)) => {
                self.carry_out(&mut reader, &mut request, length, is_api, when)?;
                self.control().is_gone = true;
                Ok(())
            }
            Some(Fault::Lose(when)) => {
                self.carry_out(&mut reader, &mut request, length, is_api, when).map(drop)
            }
            Some(Fault::Hang(when)) => {
                self.carry_out(&mut reader, &mut request, length, is_api, when)?;
                let mut control = self.control();
                (control.is_gone, control.is_hanging) = (true, true);
                self.hangs.notify_all();
                drop(control);
                // Until the other side has ended.
                io::copy(&mut reader, &mut io::sink()).map(drop)
            }
            Some(Fault::Answer(status, headers, message)) => {
                let when = if status > 500 { When::Half } else { When::Before };
                self.carry_out(&mut reader, &mut request, length, is_api, when)?;
                let left = (length - request.body.len()) as u64;
                io::copy(&mut reader.by_ref().take(left), &mut io::sink())?;
                let mut answer = Answer::refusal(status, message, serde_json::Value::Null);
                answer.headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                write(stream, self.clock(), &answer)
            }
            fault => {
                if let Some(Fault::Meanwhile(happen)) = fault {
                    happen(&mut self.state.lock().expect("no thread fails while it has this"));
                }
                let answer = self.carry_out(&mut reader, &mut request, length, is_api, When::After)?;
                write(stream, self.clock(), &answer.expect("it was carried out"))
            }
        }
    }

    fn clock(&self) -> i64 {
        Timestamp::now().as_second() + self.control().clock
    }

    /// Carries out a request as far as it goes.
    fn carry_out(
        &self,
        reader: &mut impl Read,
        request: &mut Request,
        length: usize,
        is_api: bool,
        when: When,
    ) -> io::Result<Option<Answer>> {
        match when {
            When::Before => Ok(None),
            When::Half => {
                let is_upload = request.method == "POST" && request.path.starts_with("/uploads/");
                request.body = vec![0; length / 2];
                reader.read_exact(&mut request.body)?;
                if is_upload {
                    self.half_upload(request);
                }
                Ok(None)
            }
            When::After => {
                request.body = vec![0; length];
                reader.read_exact(&mut request.body)?;
                let mut state = self.state.lock().expect("no thread fails while it has this");
                Ok(Some(match is_api {
                    true => api::answer(&mut state, &self.at, &self.token, request),
                    false => download(&state, request),
                }))
            }
        }
    }

    /// Leaves what a broken upload leaves: a file that has the name and nothing else.
    fn half_upload(&self, request: &Request) {
        let mut state = self.state.lock().expect("no thread fails while it has this");
        let id = state.next();
        let name = stored_name(request.query.get("name").map_or("", String::as_str));
        let release = request.path.split('/').nth_back(1).and_then(|id| id.parse().ok()).unwrap_or(0_u64);
        let releases = state.repositories.values_mut().flat_map(|repository| &mut repository.releases);
        for release in
            releases.filter(|r| r.id == release && !r.assets.iter().any(|asset| asset.name == name))
        {
            release.assets.push(Asset { id, name: name.clone(), content: None });
        }
    }

    /// What a program on the outside can ask: the state, and to break off.
    fn command(&self, command: &str, request: &Request) -> Answer {
        let field = |name: &str| request.query.get(name).map_or("", String::as_str);
        match command {
            "state" => {
                Answer::json(200, &self.state.lock().expect("no thread fails while it has this").dump())
            }
            "count" => Answer::json(200, &json!(self.control().count)),
            "break" => {
                let when = match field("when") {
                    "before" => When::Before,
                    "half" => When::Half,
                    _ => When::After,
                };
                let mut control = self.control();
                let number = control.count + field("in").parse().unwrap_or(1);
                // Lost and not cut, for this has to be reached later.
                control.faults.push((At::Nth(number), Fault::Lose(when)));
                Answer::json(200, &json!(number))
            }
            _ => Answer::json(404, &json!("state, count, break?in=N&when=before|half|after")),
        }
    }
}

fn download(state: &State, request: &Request) -> Answer {
    if request.headers.contains_key("authorization") {
        return Answer::refusal(400, "Only one auth mechanism allowed", serde_json::Value::Null);
    }
    let id = request.path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0_u64);
    let releases = state.repositories.values().flat_map(|repository| &repository.releases);
    let asset = releases.flat_map(|release| &release.assets).find(|asset| asset.id == id);
    match asset.and_then(|asset| asset.content.clone()) {
        Some((body, _)) => Answer { status: 200, headers: Vec::new(), body },
        None => Answer::refusal(404, "NoSuchKey", serde_json::Value::Null),
    }
}

/// Reads a request up to its body, and how long that is.
pub(crate) fn read_head(reader: &mut impl BufRead) -> io::Result<(Request, usize)> {
    let bad = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Err(bad("no request"));
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&head).map_err(|error| bad(&error.to_string()))?;
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.replace("%2B", "+"))).collect();
    let headers: BTreeMap<_, _> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let method = parsed.method.unwrap_or_default().to_owned();
    Ok((Request { method, path: path.to_owned(), query, headers, body: Vec::new() }, length))
}

fn write(mut stream: &TcpStream, now: i64, answer: &Answer) -> io::Result<()> {
    let now = Timestamp::from_second(now).unwrap_or_default();
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
    let mut text = format!(
        "HTTP/1.1 {} Answer\r\nDate: {date}\r\nContent-Length: {}\r\nConnection: close\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        text += &format!("{name}: {value}\r\n");
    }
    // At once: in two, the second would wait until the other side has said that it has the first.
    stream.write_all(&[format!("{text}\r\n").as_bytes(), &answer.body].concat())
}
