//! Volumes on which nothing can be kept: the container says so in a sentence, and does its work once that is mended.

use super::engine::Engine;
use crate::bench::Bench;
use crate::client;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A volume, by the option that mounts it, and what is said about it.
struct Trouble {
    what: &'static str,
    /// Makes the option, of a folder of the host.
    option: fn(&std::path::Path) -> Result<String>,
    said: &'static [&'static str],
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        what: "that cannot be written to",
        option: |folder| Ok(format!("--volume={}:/var/lib/pywats:ro", folder.display())),
        said: &["/var/lib/pywats", "Read-only file system"],
    },
    Trouble {
        what: "that belongs to somebody else",
        option: |folder| {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            Ok(format!("--volume={}:/var/lib/pywats", folder.display()))
        },
        said: &["/var/lib/pywats", "Permission denied"],
    },
    Trouble {
        what: "that is full",
        option: |_| Ok("--mount=type=tmpfs,destination=/var/lib/pywats,tmpfs-size=4096,tmpfs-mode=1777".to_owned()),
        said: &["/var/lib/pywats", "space"],
    },
];

pub(super) fn judge(bench: &mut Bench, engine: &Engine, about: &str) -> Result<()> {
    let said = engine.podman(60).args(["images", "--quiet"]).read()?;
    let Some(image) = said.lines().next().map(str::to_owned) else {
        bench.not_run(&format!("{about}: volumes"), "no image was loaded");
        return Ok(());
    };
    for trouble in TROUBLES {
        bench.case(&format!("{about}: a volume {} is told in a sentence", trouble.what), || {
            let name = format!("volume-{}", trouble.what.replace(' ', "-"));
            let told = tells(engine, &image, trouble, &name);
            engine.remove(&name);
            told
        });
    }
    Ok(())
}

/// Fails if: the container ends, is ready, or does not say what is wrong with its volume.
fn tells(engine: &Engine, image: &str, trouble: &Trouble, name: &str) -> Result<()> {
    let port = client::free_port()?;
    let options = [
        format!("--env=PYWATS_HEALTH_PORT={port}"),
        "--env=PYWATS_SERVER_URL=http://127.0.0.1:9".to_owned(),
        format!("--env=PYWATS_API_TOKEN={}", client::TOKEN),
        (trouble.option)(&engine.place(name)?)?,
    ];
    engine.start(name, &options, image, &[])?;
    let tells = |text: &str| trouble.said.iter().all(|word| text.contains(word));
    let in_log = || engine.log(name).is_ok_and(|log| log.lines().any(tells));
    client::wait_until(in_log).with_context(|| format!("it says\n{}", engine.log(name).unwrap_or_default()))?;
    let (code, body) = client::health(port, "/health/ready")?;
    ensure!(code == 503 && tells(&body), "/health/ready says {code} {body}");
    let (code, _) = client::health(port, "/health/live")?;
    ensure!(code == 200, "it is not alive: {code}");
    Ok(())
}
