//! Downloads the files of a release: from a release of GitHub, or from a folder of any web server.
//!
//! Nothing that comes is believed: who asks says how large a file may be, and checks it afterwards.

use crate::settings::plain_url;
use anyhow::{Context, Result, bail, ensure};
use packager::unfinished::Unfinished;
use std::io::{Read as _, copy};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How often an address is asked that does not answer as it should.
const ATTEMPTS: u32 = 3;

/// Where the files are.
pub(crate) struct Remote {
    /// Their address, without the name of the file.
    base: String,
    agent: ureq::Agent,
    is_github: bool,
}

impl Remote {
    /// Takes the address of a release's page on GitHub, or of a folder.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn new(url: &str) -> Result<Remote> {
        let url = plain_url(url)?;
        let (base, is_github) = match download_address(&url) {
            Some(base) => (base, true),
            None => (url, false),
        };
        let config = ureq::Agent::config_builder()
            .https_only(base.starts_with("https://"))
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build();
        Ok(Remote { base, agent: config.new_agent(), is_github })
    }

    /// Downloads a file of at most so many bytes into a folder. Whether there is one.
    ///
    /// # Errors
    /// If the server does not answer, the file is larger, or it cannot be written.
    pub(crate) fn fetch(&self, name: &str, most: u64, folder: &Path) -> Result<bool> {
        let url = |name: &str| format!("{}/{}", self.base, name.replace('+', "%2B"));
        if self.get(&url(name), name, most, folder)? {
            return Ok(true);
        }
        // GitHub gives files with such a name another one.
        let renamed = name.replace('~', ".");
        Ok(self.is_github && renamed != name && self.get(&url(&renamed), name, most, folder)?)
    }

    fn get(&self, url: &str, name: &str, most: u64, folder: &Path) -> Result<bool> {
        let mut attempt = 1;
        loop {
            let got = self.try_once(url, name, most, folder);
            match got {
                Err(error) if attempt < ATTEMPTS && error.is::<Passing>() => {
                    eprintln!("  {error:#}: asking again");
                    sleep(Duration::from_secs(attempt.into()));
                    attempt += 1;
                }
                got => {
                    return got.with_context(|| {
                        format!("fetching {url}: look at the address and the network, and run it again")
                    });
                }
            }
        }
    }

    fn try_once(&self, url: &str, name: &str, most: u64, folder: &Path) -> Result<bool> {
        let answer = self.agent.get(url).call().map_err(|error| passing(&error))?;
        match answer.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(false),
            code @ (408 | 429 | 500..=599) => return Err(passing(&format!("the server answers {code}"))),
            code => bail!("the server answers {code}"),
        }
        let file = Unfinished::begin(folder, name)?;
        let mut body = answer.into_body().into_reader().take(most + 1);
        let size = copy(&mut body, &mut file.file()).map_err(|error| passing(&error))?;
        ensure!(size <= most, "it has more than {most} bytes, and so is not what it should be");
        file.seal()?;
        file.appear()?;
        Ok(true)
    }
}

/// What may be otherwise when it is tried again.
#[derive(Debug)]
struct Passing(String);

impl std::fmt::Display for Passing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Passing {}

fn passing(error: &dyn std::fmt::Display) -> anyhow::Error {
    Passing(error.to_string()).into()
}

/// Where the files are of a release's page on GitHub.
fn download_address(url: &str) -> Option<String> {
    let path = url.strip_prefix("https://github.com/")?;
    match path.split('/').collect::<Vec<_>>()[..] {
        [owner, name, "releases", "tag", tag] => {
            Some(format!("https://github.com/{owner}/{name}/releases/download/{tag}"))
        }
        [owner, name, "releases", "latest"] => {
            Some(format!("https://github.com/{owner}/{name}/releases/latest/download"))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::path::PathBuf;

    /// A web server of a folder; some first requests it answers with an error.
    pub(crate) fn serve(folder: PathBuf, mut errors: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                reader.read_line(&mut line).unwrap();
                while reader.read_line(&mut String::new()).unwrap() > 2 {}
                let name = line.split(' ').nth(1).unwrap().trim_start_matches('/').replace("%2B", "+");
                let content = fs::read(folder.join(&name)).ok();
                let (status, body) = match content {
                    _ if errors > 0 => ("502 Bad Gateway", Vec::new()),
                    Some(content) => ("200 OK", content),
                    None => ("404 Not Found", Vec::new()),
                };
                errors = errors.saturating_sub(1);
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                // Whoever asks may have seen enough.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        address
    }

    /// Fails if: a file arrives otherwise, one that is too large arrives, a passing error counts, or a missing file is an
    /// error.
    #[test]
    fn fetches_files() {
        let [from, to] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        fs::write(from.path().join("a~1+x"), "text").unwrap();
        let remote = Remote::new(&serve(from.path().to_owned(), 2)).unwrap();
        assert!(remote.fetch("a~1+x", 4, to.path()).unwrap());
        assert_eq!(fs::read_to_string(to.path().join("a~1+x")).unwrap(), "text");
        assert!(!remote.fetch("b", 4, to.path()).unwrap());
        let error = format!("{:#}", remote.fetch("a~1+x", 3, to.path()).unwrap_err());
        assert!(error.contains("more than 3 bytes"), "{error}");
        assert!(Remote::new("file:///etc/passwd").is_err());
    }

    /// Fails if: the files of a release's page are looked for elsewhere.
    #[test]
    fn knows_pages_of_releases() {
        for (url, base) in [
            ("https://github.com/a/b/releases/tag/v1", Some("https://github.com/a/b/releases/download/v1")),
            (
                "https://github.com/a/b/releases/latest",
                Some("https://github.com/a/b/releases/latest/download"),
            ),
            ("https://example.com/a/b/releases/tag/v1", None),
            ("https://github.com/a/b", None),
        ] {
            assert_eq!(download_address(url).as_deref(), base);
        }
    }
}
