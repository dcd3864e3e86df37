//! A stand-in of a registry for container images, with a service for tokens, and another server beside it: storage, or
//! whoever answers in the registry's place. What it is asked for can be answered otherwise.
//!
//! Unlike real ones it takes manifests whose blobs it does not have.

use crate::stand_in::{Request, read_head};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packager::digest::sha256;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

pub(crate) const USER: &str = "robot";
pub(crate) const TOKEN: &str = "registry-token-4711";
pub(crate) const BEARER: &str = "bearer-0815";

/// Name and password, as they are sent.
pub(crate) fn basic() -> String {
    STANDARD.encode(format!("{USER}:{TOKEN}"))
}

/// A request, and where the two servers are.
pub(crate) struct Ask<'a> {
    request: &'a Request,
    pub(crate) is_storage: bool,
    /// `127.0.0.1:PORT` of the other server.
    pub(crate) storage: &'a str,
}

impl Ask<'_> {
    /// Whether it has this method, and this in its path.
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.request.method == method && self.request.path.contains(part)
    }

    pub(crate) fn is_for_token(&self) -> bool {
        self.request.path == "/token"
    }

    /// What follows the last `/` of the path.
    pub(crate) fn last(&self) -> &str {
        self.request.path.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn authorization(&self) -> &str {
        self.request.headers.get("authorization").map_or("", String::as_str)
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection ends before the body does.
    pub(crate) is_cut: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Reply { status, headers, body: body.into(), is_cut: false }
    }
}

/// What is answered otherwise.
pub(crate) type Otherwise = fn(&Ask<'_>) -> Option<Reply>;

/// What it has.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Media types and contents, by digests.
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) tags: BTreeMap<String, String>,
    otherwise: Option<Otherwise>,
    /// Requests by which something came to the other server that does not belong there.
    pub(crate) leaks: Vec<String>,
}

struct Shared {
    content: Mutex<Content>,
    here: String,
    storage: String,
}

/// See the [module](self); it runs until the process ends.
pub(crate) struct Registry(Arc<Shared>);

impl Registry {
    pub(crate) fn start() -> Registry {
        let [here, storage] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let shared = Arc::new(Shared {
            content: Mutex::default(),
            here: here.local_addr().unwrap().to_string(),
            storage: storage.local_addr().unwrap().to_string(),
        });
        for (listener, is_storage) in [(here, false), (storage, true)] {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    // A client that goes away is no matter of ours.
                    thread::spawn(move || drop(shared.serve(&stream, is_storage)));
                }
            });
        }
        Registry(shared)
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.0.here)
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.content.lock().unwrap()
    }

    pub(crate) fn answer(&self, otherwise: Otherwise) {
        self.content().otherwise = Some(otherwise);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream, is_storage: bool) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut request, length) = read_head(&mut reader)?;
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        let reply = {
            let mut content = self.content.lock().unwrap();
            if is_storage && request.headers.contains_key("authorization") {
                content.leaks.push(format!("{} {}", request.method, request.path));
            }
            let ask = Ask { request: &request, is_storage, storage: &self.storage };
            match content.otherwise.and_then(|otherwise| otherwise(&ask)) {
                Some(reply) => reply,
                None => self.usual(&mut content, &ask),
            }
        };
        write(stream, &reply, request.method == "HEAD")
    }

    fn usual(&self, content: &mut Content, ask: &Ask<'_>) -> Reply {
        let (request, last) = (ask.request, ask.last().to_owned());
        if ask.is_for_token() {
            return match ask.authorization() == format!("Basic {}", basic()) {
                true => Reply::new(200, &[], &json!({ "token": BEARER }).to_string()),
                false => Reply::new(401, &[], ""),
            };
        }
        if !ask.is_storage && ask.authorization() != format!("Bearer {BEARER}") {
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"here\"", self.here);
            return Reply::new(401, &[("WWW-Authenticate", &realm)], "");
        }
        let of = |digest: &str| ("Docker-Content-Digest", digest.to_owned());
        match request.method.as_str() {
            "POST" => Reply::new(202, &[("Location", "/v2/up/u1")], ""),
            "PUT" if request.path.contains("/manifests/") => {
                let digest = format!("sha256:{}", sha256(&request.body));
                let media_type = request.headers["content-type"].clone();
                content.manifests.insert(digest.clone(), (media_type, request.body.clone()));
                if !last.contains(':') {
                    content.tags.insert(last, digest);
                }
                Reply::new(201, &[], "")
            }
            "PUT" => {
                let digest = format!("sha256:{}", sha256(&request.body));
                assert_eq!(request.query["digest"], digest);
                content.blobs.insert(digest, request.body.clone());
                Reply::new(201, &[], "")
            }
            _ if request.path.contains("/manifests/") => {
                let digest = content.tags.get(&last).unwrap_or(&last);
                match content.manifests.get(digest) {
                    Some((media_type, body)) => Reply {
                        headers: vec![("Content-Type", media_type.clone()), of(digest)],
                        body: body.clone(),
                        ..Reply::new(200, &[], "")
                    },
                    None => Reply::new(404, &[], ""),
                }
            }
            // Storage tells no digest.
            _ => match content.blobs.get(&last) {
                Some(body) => Reply {
                    headers: Vec::from_iter((!ask.is_storage).then(|| of(&last))),
                    body: body.clone(),
                    ..Reply::new(200, &[], "")
                },
                None => Reply::new(404, &[], ""),
            },
        }
    }
}

fn write(mut stream: &TcpStream, reply: &Reply, is_head: bool) -> io::Result<()> {
    let length = reply.body.len() + usize::from(reply.is_cut);
    let mut head =
        format!("HTTP/1.1 {} Answer\r\nConnection: close\r\nContent-Length: {length}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let body: &[u8] = if is_head { &[] } else { &reply.body };
    stream.write_all(&[format!("{head}\r\n").as_bytes(), body].concat())
}
