//! Finds the addresses of a name, also where a DNS server answers for IPv6 badly.
//!
//! The system is asked for all addresses first. musl's resolver takes a bad answer for IPv6 (`AAAA`) for the
//! answer to the whole question, although the one for IPv4 is good: DNS servers in small routers answer it with
//! SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, FORMERR or not at all. So a question that fails, or takes long, is asked
//! again for IPv4 alone ([RFC 4074](https://www.rfc-editor.org/rfc/rfc4074) lists the mistakes).

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::task::{JoinError, spawn_blocking};

/// How long the answer for all addresses is waited for alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    V4,
}

type LookUp = dyn Fn(&str, Family) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// See the module.
#[derive(Clone)]
pub(super) struct Resolver {
    look_up: Arc<LookUp>,
    /// Whether IPv4 alone was faster the last time: then both are asked for at once.
    hurried: Arc<AtomicBool>,
}

/// No address was found for a name.
#[derive(Debug)]
pub(super) struct NotFound {
    pub(super) name: String,
    error: io::Error,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for NotFound {}

impl Resolver {
    /// Asks this system.
    pub(super) fn of_system() -> Resolver {
        Resolver::asking(look_up)
    }

    fn asking(
        look_up: impl Fn(&str, Family) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver { look_up: Arc::new(look_up), hurried: Arc::default() }
    }

    async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, NotFound> {
        let ask = |family| {
            let (look_up, name) = (Arc::clone(&self.look_up), name.clone());
            spawn_blocking(move || look_up(&name, family))
        };
        let patience = if self.hurried.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let mut any = ask(Family::Any);
        let answer = tokio::time::timeout(patience, &mut any).await.ok().map(found);
        let error = match answer {
            Some(Ok(addresses)) => return Ok(addresses),
            Some(Err(error)) => {
                let v4 = found(ask(Family::V4).await);
                self.hurried.store(v4.is_ok(), Ordering::Relaxed);
                v4.map_err(|_| error)
            }
            None => {
                let mut v4 = ask(Family::V4);
                tokio::select! {
                    answer = &mut any => match found(answer) {
                        Ok(addresses) => {
                            self.hurried.store(false, Ordering::Relaxed);
                            Ok(addresses)
                        }
                        Err(error) => found(v4.await).map_err(|_| error),
                    },
                    answer = &mut v4 => match found(answer) {
                        Ok(addresses) => {
                            self.hurried.store(true, Ordering::Relaxed);
                            Ok(addresses)
                        }
                        Err(_) => found(any.await),
                    },
                }
            }
        };
        error.map_err(|error| NotFound { name, error })
    }
}

fn found(answer: Result<io::Result<Vec<SocketAddr>>, JoinError>) -> io::Result<Vec<SocketAddr>> {
    let addresses = answer.map_err(io::Error::other)??;
    if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str().to_owned()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn look_up(name: &str, family: Family) -> io::Result<Vec<SocketAddr>> {
    match family {
        // The port is none: whoever connects knows it.
        Family::Any => (name, 0).to_socket_addrs().map(Iterator::collect),
        Family::V4 => look_up_v4(name),
    }
}

#[cfg(unix)]
fn look_up_v4(name: &str) -> io::Result<Vec<SocketAddr>> {
    use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};
    let hints = AddrInfoHints {
        address: AddrFamily::Inet.into(),
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(io::Error::from)?;
    found.map(|one| one.map(|one| one.sockaddr)).collect()
}

/// Windows asks for each kind of address by itself.
#[cfg(not(unix))]
fn look_up_v4(name: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((name, 0).to_socket_addrs()?.filter(SocketAddr::is_ipv4).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Instant;

    fn good() -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0))])
    }

    fn bad() -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("no answer"))
    }

    /// Fails if: a bad or missing answer for IPv6 hides the good one for IPv4, a good one is asked for twice, or
    /// the reason is lost.
    #[tokio::test]
    async fn copes_with_bad_answers() {
        type Answer = fn() -> io::Result<Vec<SocketAddr>>;
        fn late() -> io::Result<Vec<SocketAddr>> {
            std::thread::sleep(PATIENCE + Duration::from_secs(2));
            bad()
        }
        // The answers for all addresses and for IPv4, whether one is found, and what was asked.
        let cases: [(Answer, Answer, bool, &[Family]); 6] = [
            (good, bad, true, &[Family::Any]),
            (bad, good, true, &[Family::Any, Family::V4]),
            (|| Ok(Vec::new()), good, true, &[Family::Any, Family::V4]),
            (late, good, true, &[Family::Any, Family::V4]),
            (bad, bad, false, &[Family::Any, Family::V4]),
            (late, bad, false, &[Family::Any, Family::V4]),
        ];
        for (number, (any, v4, wanted, questions)) in cases.into_iter().enumerate() {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&asked);
            let resolver = Resolver::asking(move |_, family| {
                noted.lock().unwrap().push(family);
                if family == Family::V4 { v4() } else { any() }
            });
            let result = resolver.clone().addresses("wats.example".to_owned()).await;
            assert_eq!(result.is_ok(), wanted, "case {number}");
            assert_eq!(*asked.lock().unwrap(), questions, "case {number}");
            match result {
                Ok(addresses) => assert_eq!(addresses, good().unwrap()),
                Err(error) => assert_eq!(
                    (error.name.as_str(), error.to_string().as_str()),
                    ("wats.example", "no answer")
                ),
            }
        }
    }

    /// Fails if: each new connection waits for the answer that never comes.
    #[tokio::test]
    async fn waits_once_only() {
        let resolver = Resolver::asking(|_, family| match family {
            Family::V4 => good(),
            Family::Any => {
                std::thread::sleep(4 * PATIENCE);
                bad()
            }
        });
        let start = Instant::now();
        for _ in 0..4 {
            resolver.clone().addresses("wats.example".to_owned()).await.unwrap();
        }
        assert!(start.elapsed() < 3 * PATIENCE, "{:?}", start.elapsed());
    }

    /// Fails if: this system's answers are not taken over.
    #[tokio::test]
    async fn asks_the_system() {
        assert!(!Resolver::of_system().addresses("localhost".to_owned()).await.unwrap().is_empty());
        assert_eq!(look_up_v4("localhost").unwrap()[0].ip().to_string(), "127.0.0.1");
        assert!(Resolver::of_system().addresses("no-such-host.invalid".to_owned()).await.is_err());
    }
}
