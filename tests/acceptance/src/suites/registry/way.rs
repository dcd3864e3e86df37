//! The way to the registry: a server that passes everything on and writes it down, and on which connections break off,
//! answers get lost or come from somebody else.
//!
//! It also gives tokens out, and can keep the list of what is about an image, which the registry of Debian cannot.

use super::tokens::Tokens;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// When a connection breaks off.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Before the registry hears of the request.
    Before,
    /// When it has heard of half of it.
    Half,
    /// When it has carried the request out.
    After,
}

pub(super) const TIMES: [When; 3] = [When::Before, When::Half, When::After];

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The connection breaks off, and there is no other one until the way is mended.
    Cut(When),
    /// The connection breaks off.
    Lose(When),
    /// Somebody else answers: a status, further lines of the head, and a text.
    Answer(u16, &'static str, &'static str),
}

/// Which request it concerns.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// The one of this number, from 1.
    Number(usize),
    /// The next with this method, and this in its path.
    Next(&'static str, &'static str),
}

#[derive(Default)]
struct Control {
    log: Vec<Asked>,
    faults: Vec<(At, Fault)>,
    is_gone: bool,
    keeps_lists: bool,
    lists: BTreeMap<String, BTreeSet<(String, usize)>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    /// What the registry answered, if it heard of the request.
    pub(super) status: u16,
}

struct Shared {
    control: Mutex<Control>,
    /// Where the registry is by now.
    registry: Mutex<PathBuf>,
    tokens: Option<Tokens>,
}

/// See the [module](self). It ends with the bench.
pub(super) struct Way {
    port: u16,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Way {
    /// Opens it; it leads nowhere yet.
    pub(super) fn open(tokens: Option<Tokens>) -> Result<Way> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on the loopback interface")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { control: Mutex::default(), registry: Mutex::default(), tokens });
        let all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let one = Arc::clone(&all);
                // Whoever asked sees that the answer is missing.
                std::thread::spawn(move || drop(one.serve(&stream)));
            }
        });
        Ok(Way { port, shared })
    }

    /// Lets it lead to a registry.
    pub(super) fn to(&self, socket: &Path) {
        socket.clone_into(&mut lock(&self.shared.registry));
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.host())
    }

    pub(super) fn fault(&self, at: At, fault: Fault) {
        lock(&self.shared.control).faults.push((at, fault));
    }

    /// Forgets faults that did not happen and what was written down, and takes connections again.
    pub(super) fn mend(&self) {
        *lock(&self.shared.control) = Control::default();
    }

    /// From now on it keeps the list of what is about an image.
    pub(super) fn keep_lists(&self) {
        lock(&self.shared.control).keeps_lists = true;
    }

    pub(super) fn log(&self) -> Vec<Asked> {
        lock(&self.shared.control).log.clone()
    }
}

/// A request as it came.
struct Request {
    method: String,
    path: String,
    /// With their names in small letters; there may be several of one.
    headers: Vec<(String, String)>,
    length: usize,
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) -> Result<()> {
        if lock(&self.control).is_gone {
            return Ok(());
        }
        let mut reader = BufReader::new(stream);
        let request = Request::read(&mut reader)?;
        let mut body = vec![0; request.length];
        reader.read_exact(&mut body)?;
        let (fault, number) = {
            let mut control = lock(&self.control);
            let (method, path) = (request.method.clone(), request.path.clone());
            control.log.push(Asked { method, path, status: 0 });
            let number = control.log.len();
            let concerns = |at: &At| match at {
                At::Number(wanted) => *wanted == number,
                At::Next(method, part) => *method == request.method && request.path.contains(part),
            };
            let found = control.faults.iter().position(|(at, _)| concerns(at));
            (found.map(|found| control.faults.remove(found).1), number)
        };
        let pass = || -> Result<Vec<u8>> {
            let answer = self.pass_on(&request, &body)?;
            let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|text| text.parse().ok());
            if let Some(asked) = lock(&self.control).log.get_mut(number - 1) {
                asked.status = status.unwrap_or(0);
            }
            Ok(answer)
        };
        match fault {
            None => stream.write_all(&pass()?)?,
            Some(Fault::Answer(status, head, text)) => stream.write_all(&answer(status, head, text.as_bytes()))?,
            Some(Fault::Cut(when) | Fault::Lose(when)) => {
                if matches!(fault, Some(Fault::Cut(_))) {
                    lock(&self.control).is_gone = true;
                }
                match when {
                    When::Half if body.len() > 1 => {
                        self.connect(&request)?.write_all(&body[..body.len() / 2])?;
                    }
                    When::Before | When::Half => {}
                    When::After => drop(pass()?),
                }
            }
        }
        Ok(())
    }

    /// What the registry answers.
    fn pass_on(&self, request: &Request, body: &[u8]) -> Result<Vec<u8>> {
        if let Some(tokens) = self.tokens.as_ref().filter(|_| request.path.starts_with("/token?")) {
            let (status, text) = tokens.answer(&request.path, request.header("authorization"))?;
            return Ok(answer(status, "", text.as_bytes()));
        }
        if let Some(list) = self.list(&request.path) {
            return Ok(answer(200, "Content-Type: application/vnd.oci.image.index.v1+json\r\n", list.to_string().as_bytes()));
        }
        let mut registry = self.connect(request)?;
        registry.write_all(body)?;
        let mut answer = Vec::new();
        registry.read_to_end(&mut answer)?;
        if let Some(subject) = self.note(request, body, &answer) {
            let end = answer.windows(2).position(|pair| pair == b"\r\n").map_or(answer.len(), |at| at + 2);
            answer.splice(end..end, format!("OCI-Subject: {subject}\r\n").into_bytes());
        }
        Ok(answer)
    }

    fn connect(&self, request: &Request) -> Result<UnixStream> {
        let mut registry = UnixStream::connect(&*lock(&self.registry))?;
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, request.path);
        for (name, value) in request.headers.iter().filter(|(name, _)| *name != "connection") {
            head += &format!("{name}: {value}\r\n");
        }
        registry.write_all(format!("{head}\r\n").as_bytes())?;
        Ok(registry)
    }

    /// The list of what is about an image, if this is what was asked for.
    fn list(&self, path: &str) -> Option<Value> {
        let control = lock(&self.control);
        let (_, subject) = path.split_once("/referrers/").filter(|_| control.keeps_lists)?;
        let known = control.lists.get(subject).into_iter().flatten();
        let manifests: Vec<_> = known
            .map(|(digest, size)| json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size }))
            .collect();
        let index = "application/vnd.oci.image.index.v1+json";
        Some(json!({ "schemaVersion": 2, "mediaType": index, "manifests": manifests }))
    }

    /// Notes what a manifest that was stored is about.
    fn note(&self, request: &Request, body: &[u8], answer: &[u8]) -> Option<String> {
        let mut control = lock(&self.control);
        let is_stored = request.method == "PUT" && request.path.contains("/manifests/") && answer.starts_with(b"HTTP/1.1 201");
        let manifest: Value = serde_json::from_slice(body).ok().filter(|_| is_stored && control.keeps_lists)?;
        let subject = manifest["subject"]["digest"].as_str()?.to_owned();
        let digest = format!("sha256:{:x}", Sha256::digest(body));
        control.lists.entry(subject.clone()).or_default().insert((digest, body.len()));
        Some(subject)
    }
}

impl Request {
    fn read(reader: &mut impl BufRead) -> Result<Request> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().context("a request has a path")?);
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { method, path, headers, length: 0 };
        request.length = request.header("content-length").map_or(Ok(0), str::parse)?;
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn answer(status: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n", body.len());
    [head.as_bytes(), body].concat()
}
