//! The life of a container: configured from outside, it delivers; it is replaced while reports wait, and none is lost.

use super::engine::Engine;
use super::{Image, unpack};
use crate::bench::Bench;
use crate::client;
use crate::command::said;
use crate::products;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wats_test_server::{Answer, Kind, Server};

/// The version that images are upgraded to.
const NEWER: &str = "99.0.0";
/// What Docker and Podman wait for a container to stop.
const GRACE: Duration = Duration::from_secs(10);
/// The program in containers.
const PROGRAM: &str = "/usr/bin/pywats-client";
/// Where the emulator is put.
const EMULATOR: &str = "/emulator";

/// Containers of one image, with what they are given.
struct Station<'e> {
    engine: &'e Engine,
    image: &'e Image,
    server: Server,
    port: u16,
    /// The host's folder that is the watch folder.
    watch: PathBuf,
    secret: PathBuf,
    volume: String,
}

pub(super) fn judge(
    bench: &mut Bench,
    engine: &Engine,
    image: &Image,
    oci: &Path,
    about: &str,
) -> Result<()> {
    let station = Station::new(engine, image)?;
    let report = client::sample()?;
    let newer = std::cell::RefCell::new(String::new());
    let old = std::cell::RefCell::new(String::new());
    bench.steps(
        about,
        &[
            ("it is loaded", &|| {
                unpack(oci, image)?;
                *old.borrow_mut() = engine.load(&image.archive)?;
                Ok(())
            }),
            ("it is alive and ready, and its log is JSON on standard output", &|| {
                station.start("first", &old.borrow())?;
                station.is_ready("first")
            }),
            ("a report from a mounted folder is delivered", &|| {
                station.put("a.json", &report)?;
                client::expect_report(&station.server, 1, &report).with_context(|| station.last("first"))
            }),
            ("another container on the same volume is refused", &|| station.refuses_another(&old.borrow())),
            ("it stops within its grace, with reports waiting", &|| {
                station.server.set_for(Kind::Submission, Answer::status(503));
                station.put("b.json", &report)?;
                station.has_taken("b.json", "first")?;
                station.stops("first")
            }),
            ("another container of it delivers what waits", &|| {
                station.start("second", &old.borrow())?;
                station.server.set_for(Kind::Submission, None);
                client::expect_report(&station.server, 2, &report).with_context(|| station.last("second"))
            }),
            ("a newer image delivers what the older one left, even if that was killed", &|| {
                station.server.set_for(Kind::Submission, Answer::status(503));
                station.put("c.json", &report)?;
                station.has_taken("c.json", "second")?;
                station.engine.podman(60).args(["kill", "--signal", "KILL", "second"]).run()?;
                let target = format!("{}-linux", image.processor.rust);
                let folder = engine.place("newer")?;
                let archive =
                    products::package("docker-archive", &target, NEWER, &image.program(), &folder)?;
                *newer.borrow_mut() = engine.load(&archive)?;
                ensure!(newer.borrow().ends_with(NEWER), "it is called {}", newer.borrow());
                engine.remove("second");
                station.start("third", &newer.borrow())?;
                station.server.set_for(Kind::Submission, None);
                client::expect_report(&station.server, 3, &report).with_context(|| station.last("third"))
            }),
            ("any account of the group of root does", &|| {
                engine.remove("third");
                // What is mounted belongs to the account of the image, so this one has its watch folder in the volume.
                let mut options = station.options("any-account");
                options.retain(|option| !option.contains("/watch") && !option.contains("/run/secrets"));
                options.push(format!("--env=PYWATS_API_TOKEN={}", client::TOKEN));
                options.push("--user=12345:0".to_owned());
                engine.start("fourth", &options, &newer.borrow(), &station.arguments(&["run"]))?;
                station.is_ready("fourth")?;
                station.stops("fourth")
            }),
        ],
    );
    Ok(())
}

impl<'e> Station<'e> {
    fn new(engine: &'e Engine, image: &'e Image) -> Result<Station<'e>> {
        let folder = engine.place("station")?;
        let (watch, secret) = (folder.join("watch"), folder.join("token"));
        fs::create_dir_all(&watch)?;
        fs::write(&secret, format!("{}\n", client::TOKEN))?;
        for path in [&watch, &secret] {
            chown(path, Some(65532), Some(65532)).context("giving it to the account")?;
        }
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o400))?;
        let (server, port) = (Server::start()?, client::free_port()?);
        let volume = "station-data".to_owned();
        Ok(Station { engine, image, server, port, watch, secret, volume })
    }

    fn options(&self, volume: &str) -> Vec<String> {
        let mut options: Vec<String> = [
            ("PYWATS_SERVER_URL", self.server.url()),
            ("PYWATS_SERVER_TOKEN_FILE", "/run/secrets/token"),
            ("PYWATS_SERVER_PROXY", "none"),
            ("PYWATS_HEALTH_PORT", &self.port.to_string()),
            ("PYWATS_STATION_NAME", "container-7"),
            ("PYWATS_UPLOAD_RETRY_MAX_SECONDS", "2"),
            ("PYWATS_LOGGING_FORMAT", "json"),
        ]
        .into_iter()
        .map(|(name, value)| format!("--env={name}={value}"))
        .collect();
        options.push(format!("--volume={volume}:/var/lib/pywats"));
        options.push(format!("--volume={}:/var/lib/pywats/watch", self.watch.display()));
        options.push(format!("--volume={}:/run/secrets/token:ro", self.secret.display()));
        if let Some(emulator) = self.image.processor.emulator() {
            options.push(format!("--volume=/usr/bin/{emulator}:{EMULATOR}:ro"));
            options.push(format!("--entrypoint={EMULATOR}"));
        }
        options
    }

    /// The arguments of a container: those of the program, and before them the program, if it is emulated.
    fn arguments<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let is_emulated = self.image.processor.emulator().is_some();
        let program: &[&str] = if is_emulated { &[PROGRAM] } else { &[] };
        [program, arguments].concat()
    }

    fn start(&self, name: &str, image: &str) -> Result<()> {
        // What the image says by itself is what is started, unless an emulator stands before it.
        let is_emulated = self.image.processor.emulator().is_some();
        let arguments = if is_emulated { self.arguments(&["run"]) } else { Vec::new() };
        self.engine.start(name, &self.options(&self.volume), image, &arguments)
    }

    /// Puts a report into the watch folder, as the account that the container has.
    fn put(&self, name: &str, report: &[u8]) -> Result<()> {
        let temporary = self.watch.join(format!("{name}.tmp"));
        fs::write(&temporary, report).with_context(|| format!("writing {}", temporary.display()))?;
        chown(&temporary, Some(65532), Some(65532)).context("giving it to the account")?;
        fs::rename(&temporary, self.watch.join(name)).with_context(|| format!("renaming to {name}"))
    }

    /// Waits until a report is in the queue.
    fn has_taken(&self, name: &str, container: &str) -> Result<()> {
        client::wait_until(|| !self.watch.join(name).exists()).with_context(|| self.last(container))
    }

    /// Runs the program in a running container.
    fn exec(&self, name: &str, arguments: &[&str]) -> Result<std::process::Output> {
        let emulator: &[&str] = if self.image.processor.emulator().is_some() { &[EMULATOR] } else { &[] };
        self.engine.podman(60).args(["exec", name]).args(emulator).arg(PROGRAM).args(arguments).output()
    }

    fn is_ready(&self, name: &str) -> Result<()> {
        let ready = || client::health(self.port, "/health/ready").is_ok_and(|(code, _)| code == 200);
        client::wait_until(ready).with_context(|| self.last(name))?;
        for arguments in [&["health"][..], &["health", "--ready"]] {
            let output = self.exec(name, arguments)?;
            ensure!(output.status.success(), "{arguments:?}: {}", said(&output));
        }
        if self.image.processor.emulator().is_none() {
            self.engine.podman(60).args(["healthcheck", "run", name]).run().context("its own health check")?;
        }
        let log = self.engine.log(name)?;
        ensure!(!log.is_empty(), "there is nothing on standard output");
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
            ensure!(event["message"].is_string() && event["level"].is_string(), "{line}");
        }
        ensure!(!log.contains(client::TOKEN), "the token is in the log");
        Ok(())
    }

    /// Fails if: a second container works on the queue of the first, ends otherwise than with its code, or says nothing.
    fn refuses_another(&self, image: &str) -> Result<()> {
        let mut options = self.options(&self.volume);
        options.push(format!("--env=PYWATS_HEALTH_PORT={}", client::free_port()?));
        self.engine.start("other", &options, image, &self.arguments(&["run"]))?;
        let code = self.engine.podman(60).args(["wait", "other"]).read()?;
        let log = self.engine.log("other")?;
        ensure!(code.trim() == "30", "it ended with {code}{log}");
        ensure!(log.contains("another"), "it does not say why:\n{log}");
        self.engine.remove("other");
        let (code, body) = client::health(self.port, "/health/live")?;
        ensure!(code == 200, "the first one suffered: {body}");
        Ok(())
    }

    /// Fails if: a container has to be killed, or ends with an error.
    fn stops(&self, name: &str) -> Result<()> {
        let started = Instant::now();
        self.engine.podman(60).args(["stop", "--time", "60", name]).run()?;
        let took = started.elapsed();
        let code = self.engine.fact(name, "{{.State.ExitCode}}")?;
        ensure!(code == "0", "it ended with {code}: {}", self.last(name));
        let most = GRACE * if self.image.processor.emulator().is_some() { crate::command::LOADED } else { 1 };
        ensure!(took < most, "it took {} s to stop: {}", took.as_secs(), self.last(name));
        self.engine.remove(name);
        Ok(())
    }

    /// The end of what a container said.
    fn last(&self, name: &str) -> String {
        match self.engine.podman(30).args(["logs", "--tail", "30", name]).output() {
            Ok(output) => format!("the log of the container:\n{}", said(&output)),
            Err(error) => format!("the container has no log: {error:#}"),
        }
    }
}
