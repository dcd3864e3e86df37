//! The server's handle and its thread.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::check;
use crate::http;
use crate::request::{Kind, Received};
use crate::state::State;
use crate::tls::{self, Tls};
use crate::traffic::{Arrival, Traffic};
use crate::wire::Format;

/// How to start a server.
///
/// By default a free port of 127.0.0.1, over HTTP, without token or records.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The token (base64 of `user:password`) that requests must carry; without one, all may pass.
    pub token: Option<String>,
    /// The directory that each accepted report is written to, as `0001.json`, `0002.json`, …
    pub record: Option<PathBuf>,
    /// Speak HTTPS; [`Server::ca_pem`] gives the authority to trust.
    pub tls: bool,
    /// How it shows itself by HTTPS.
    pub identity: Tls,
    /// Refuse reports as the vendor's rules say (see [`crate::rules`]), and bodies as IIS does by default; otherwise any
    /// JSON object is a report, which is enough for most tests.
    pub strict: bool,
    /// Keep requests and reports for [`Server::received`], [`Server::reports`] and [`Server::stored`]. Without,
    /// only what they are ([`Server::arrivals`]), so that gigabytes can be sent.
    pub keep: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: None,
            record: None,
            tls: false,
            identity: Tls::default(),
            strict: false,
            keep: true,
        }
    }
}

/// Fewer reports came than a test waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{got} of {wanted} reports came within {timeout:?}")]
pub struct TooFew {
    wanted: usize,
    got: usize,
    timeout: Duration,
}

/// A running server. It stops, and all its connections end, when this is dropped.
pub struct Server {
    url: String,
    state: Arc<State>,
    ca_pem: Option<String>,
    /// Dropped first: its end is the thread's signal to end.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a free port of 127.0.0.1, without token and over HTTP.
    ///
    /// # Errors
    /// As [`Server::start_with`].
    pub fn start() -> io::Result<Server> {
        Server::start_with(Options::default())
    }

    /// Starts a server.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the directory for records not be created.
    pub fn start_with(options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let identity = options.tls.then(|| tls::identity(&options.identity)).transpose()?;
        let state = Arc::new(State::new(options)?);
        let (scheme, acceptor, ca_pem) = match identity {
            Some(identity) => ("https", Some(identity.acceptor), Some(identity.ca_pem)),
            None => ("http", None, None),
        };

        let (stop, stopped) = oneshot::channel();
        let runtime = runtime()?;
        let connections = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("wats-test-server".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, acceptor, connections) => {}
                    _ = stopped => {}
                }
            });
            // Dropping the runtime here ends every connection.
        })?;
        Ok(Server {
            url: format!("{scheme}://{address}"),
            state,
            ca_pem,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address to submit to, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority of an HTTPS server, as PEM.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Adds answers to the next submissions of reports, one each; other requests use up none.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.script(answers);
    }

    /// Sets the answer to every request that the script does not decide; at first
    /// [`Answer::Accept`].
    pub fn set_default(&self, answer: Answer) {
        self.state.set_default(answer);
    }

    /// Adds answers to the next submissions of one report, which is named by its serial number or its id. They go
    /// before [`Server::script`].
    pub fn script_report(&self, report: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.script_report(report, answers);
    }

    /// Answers every submission of one report so, which is named by its serial number or its id.
    pub fn always(&self, report: &str, answer: Answer) {
        self.state.always(report, answer);
    }

    /// Forgets what was said of one report.
    pub fn forgive(&self, report: &str) {
        self.state.forgive(report);
    }

    /// Answers every request of a kind so, before the default: the version fails while reports pass, or the other
    /// way round. `None` takes it back.
    pub fn set_for(&self, kind: Kind, answer: impl Into<Option<Answer>>) {
        self.state.set_for(kind, answer.into());
    }

    /// Lets every request take so long, from its last byte to what is done with it.
    pub fn set_latency(&self, latency: Duration) {
        self.state.set_latency(latency);
    }

    /// Writes answers so, whatever the request's `Accept` says; `None` takes it back.
    pub fn set_format(&self, format: impl Into<Option<Format>>) {
        self.state.set_format(format.into());
    }

    /// Takes so many submissions in each span of time, and answers the others with 429 and `Retry-After`; `None`
    /// takes it back.
    pub fn limit_rate(&self, limit: impl Into<Option<(u32, Duration)>>) {
        self.state.limit_rate(limit.into());
    }

    /// Answers requests with more bytes of body so, before reading them; `None` takes it back.
    pub fn limit_body(&self, limit: impl Into<Option<(u64, Answer)>>) {
        self.state.limit_body(limit.into());
    }

    /// Every submission so far, accepted or not, in the order in which they were complete.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals()
    }

    /// When it was started: what [`Arrival`] counts from.
    pub fn started_at(&self) -> SystemTime {
        self.state.started_at
    }

    /// Counters over all requests.
    pub fn traffic(&self) -> Traffic {
        self.state.traffic()
    }

    /// Looks whether every report arrived, and none under two identifiers: see [`check::each_once`].
    ///
    /// # Errors
    /// Says which did not, and which has several.
    pub fn each_once<'a>(&self, serial_numbers: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        check::each_once(&self.arrivals(), serial_numbers)
    }

    /// Every request so far, in the order in which they were complete.
    pub fn received(&self) -> Vec<Received> {
        self.state.received()
    }

    /// The body of every report that was accepted, in order, repeated submissions included.
    pub fn reports(&self) -> Vec<Vec<u8>> {
        self.state.reports()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// What the server's database would hold: the last body for each id.
    pub fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.stored()
    }

    /// Waits until `count` reports were accepted, and returns all there are.
    ///
    /// # Errors
    /// [`TooFew`] after `timeout`.
    pub async fn wait_for_reports(&self, count: usize, timeout: Duration) -> Result<Vec<Vec<u8>>, TooFew> {
        let mut counter = self.state.count();
        match tokio::time::timeout(timeout, counter.wait_for(|got| *got >= count)).await {
            Ok(_) => Ok(self.reports()),
            Err(_) => Err(TooFew { wanted: count, got: self.reports().len(), timeout }),
        }
    }

    /// [`Server::wait_for_reports`] for code that is not asynchronous.
    ///
    /// # Errors
    /// [`TooFew`] after `timeout`.
    ///
    /// # Panics
    /// When called from asynchronous code.
    pub fn wait_for_reports_blocking(&self, count: usize, timeout: Duration) -> Result<Vec<Vec<u8>>, TooFew> {
        match runtime() {
            Ok(runtime) => runtime.block_on(self.wait_for_reports(count, timeout)),
            Err(_) => Err(TooFew { wanted: count, got: self.reports().len(), timeout }),
        }
    }
}

impl Server {
    /// Stops the server and ends all its connections, as dropping it does; what it has seen can still be asked for.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Takes connections until it is dropped.
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // One connection was lost, or there are too many: that passes, but not at once.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        state.connections.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&state);
        match &tls {
            Some(acceptor) => {
                let handshake = acceptor.accept(stream);
                tokio::spawn(async move {
                    // A client that does not trust the certificate ends the handshake.
                    if let Ok(mut stream) = handshake.await
                        && http::serve(&mut stream, state).await
                    {
                        reset(stream.get_ref().0);
                    }
                });
            }
            None => {
                tokio::spawn(async move {
                    let mut stream = stream;
                    if http::serve(&mut stream, state).await {
                        reset(&stream);
                    }
                });
            }
        }
    }
}

/// Lets the end of a connection be a reset.
fn reset(stream: &tokio::net::TcpStream) {
    // A connection that is gone already needs none.
    let _ = stream.set_zero_linger();
}
