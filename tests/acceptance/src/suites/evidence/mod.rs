//! The table of platforms, `cargo xtask evidence`: the page is drawn by a browser and looked at, its cells are what
//! results that were made up for this say, and `tests/record.py` writes results that it reads.
//!
//! Pictures for people are in `target/test/evidence`.

mod made_up;

use crate::bench::Bench;
use crate::browser::{self, Browser, Color, Look};
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Text is read from where the ratio of luminances is at least this (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
/// The width of a small phone.
const PHONE: u32 = 360;

/// What the made-up results come to: platform, deed, and the class of the cell.
const CELLS: &[(&str, &str)] = &[
    ("windows-server:installed", "real"),
    ("windows-client:installed", "stand-in"),
    ("debian-x86_64:delivered", "stand-in"),
    ("windows-client:built", "bench"),
    ("macos-arm64:delivered", "failed"),
    ("macos-x86_64:delivered", "not-tested"),
    ("debian-x86_64:installed", "incomplete"),
    ("debian-x86_64:judged", "elsewhere"),
    ("container:built", "not-tested"),
    ("linux-arm64:installed", "without"),
];

/// Runs the cases.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder("evidence")?;
    let pictures = workspace().join("target/test/evidence");
    fs::create_dir_all(&pictures).with_context(|| format!("creating {}", pictures.display()))?;
    made_up::write(&folder)?;
    let page = folder.join("out/platforms.html");
    let made = bench.case("results become a page, a text and data", || makes(&folder, &page));
    bench.case("what tests/record.py writes is read", || recorded(&folder));
    let Some(browser) = Browser::find().filter(|_| made) else {
        bench.not_run("the page in a browser", "there is no page, or none of the browsers is installed");
        return Ok(());
    };
    for (name, dark) in [("light", false), ("dark", true)] {
        bench.case(&format!("{name}: every cell is drawn as what it is, and can be read"), || {
            let look = browser.look(&page, &folder, dark)?;
            let picture = browser.picture(&page, &pictures.join(format!("{name}.png")), 1200, 1500, dark)?;
            cells(&look)?;
            colors(&look, &picture)?;
            readable(&look)
        });
    }
    bench.case("on a phone the page does not move sideways", || {
        browser.picture(&page, &pictures.join("phone.png"), PHONE, 1500, false)?;
        let (scroll, client) = browser.phone(&page, &folder, PHONE)?;
        ensure!(client <= PHONE && client + 20 > PHONE, "the page was drawn {client} pixels wide");
        ensure!(scroll <= client, "the page is {scroll} pixels wide, in a window of {client}");
        Ok(())
    });
    Ok(())
}

/// `cargo xtask evidence` on what was made up.
fn makes(folder: &Path, page: &Path) -> Result<()> {
    evidence(&[folder.join("results")], folder, &folder.join("out"))?;
    let text = fs::read_to_string(page)?;
    ensure!(!text.contains("<b>") && text.contains("&lt;b&gt;Server"), "text of a result is not escaped");
    let fetched = ["http:", "https:", "url(http", "src=", "@import"].iter().find(|what| text.contains(**what));
    ensure!(fetched.is_none(), "the page fetches something: {fetched:?}");
    let markdown = fs::read_to_string(folder.join("out/platforms.md"))?;
    for words in ["● Windows Server", "◐ Wine", "✗ failed: the archive has the program", "of commit fedcba9876"] {
        ensure!(markdown.contains(words), "the text does not say {words:?}:\n{markdown}");
    }
    let data: Value = serde_json::from_slice(&fs::read(folder.join("out/platforms.json"))?)?;
    ensure!(data["commit"] == made_up::COMMIT, "the data is about the commit {}", data["commit"]);
    Ok(())
}

/// Fails if: the table does not know what `tests/record.py` wrote, whatever the command did.
fn recorded(folder: &Path) -> Result<()> {
    let results = folder.join("recorded");
    let said = "passed: the archive has the program\nnot run: the report has arrived unchanged (no server)\n\
                FAILED: the service ends when told to";
    let recorded = tool("python3", 30)
        .arg(workspace().join("tests/record.py"))
        .args(["macos-archive", "--json"])
        .arg(results.join("one.json"))
        .args(["--", "sh", "-c"])
        .arg(format!("echo '{said}'; exit 1"))
        .current_dir(workspace())
        .output()?;
    ensure!(recorded.status.code() == Some(1), "it did not end as its command: {}", recorded.status);
    let result: Value = serde_json::from_slice(&fs::read(results.join("one.json"))?)?;
    let cases = result["cases"].as_array().context("there are no cases")?;
    let outcomes: Vec<_> = cases.iter().filter_map(|case| case["outcome"].as_str()).collect();
    ensure!(outcomes == ["passed", "not_run", "failed"], "the cases are {cases:?}");
    ensure!(result["system"]["os"] == "linux" && result["date"].is_string(), "it says not where: {result}");
    evidence(&[results], folder, &folder.join("out-recorded"))?;
    let data: Value = serde_json::from_slice(&fs::read(folder.join("out-recorded/platforms.json"))?)?;
    ensure!(data["suites"][0]["suite"] == "macos-archive", "the table knows {}", data["suites"]);
    // It ran on Linux, so it says nothing of a Mac.
    ensure!(data["verdicts"] == json!([]), "Linux was taken for something else: {}", data["verdicts"]);
    Ok(())
}

fn evidence(results: &[PathBuf], folder: &Path, out: &Path) -> Result<()> {
    let xtask = std::env::var_os("XTASK").map_or_else(|| workspace().join("target/debug/xtask"), PathBuf::from);
    let mut command = tool(xtask, 30).arg("evidence");
    for results in results {
        command = command.arg("--results").arg(results);
    }
    command.arg("--artifacts").arg(folder.join("dist")).arg("--out").arg(out).current_dir(workspace()).run()
}

/// Fails if: a cell is not what the results say.
fn cells(look: &Look) -> Result<()> {
    for (name, class) in CELLS {
        let cell = look.cells.get(*name).with_context(|| format!("there is no cell {name}"))?;
        ensure!(cell.class == *class, "{name} is drawn as {}, not as {class}", cell.class);
    }
    Ok(())
}

/// Fails if: the picture is empty, a cell has another color in it than its own, two kinds of cells have the same, or a
/// stand-in has no pattern.
fn colors(look: &Look, picture: &browser::Picture) -> Result<()> {
    let mut fills: BTreeMap<&str, Color> = BTreeMap::new();
    for (name, class) in CELLS.iter().filter(|(_, class)| *class != "without") {
        let cell = &look.cells[*name];
        fills.insert(class, cell.fill);
        // Below the text, beside the rounded corner.
        let strip: Vec<Color> = (10..40).map(|x| picture.at(cell.left + x, cell.top + cell.height - 4)).collect();
        let like = strip.iter().filter(|color| color.is_near(cell.fill)).count();
        let pattern = *class == "stand-in";
        let enough = if pattern { 3..strip.len() - 2 } else { strip.len()..strip.len() + 1 };
        ensure!(enough.contains(&like), "{name}, {class}: of {} pixels {like} are {:?}", strip.len(), cell.fill);
    }
    for (one, color) in &fills {
        let twin = fills.iter().find(|(other, its)| *other != one && its.is_near(*color));
        ensure!(twin.is_none(), "{one} and {twin:?} have the same color");
    }
    Ok(())
}

/// Fails if: the words in a cell cannot be read on its color.
fn readable(look: &Look) -> Result<()> {
    for (name, cell) in &look.cells {
        let ground = if cell.class == "without" { look.paper } else { cell.fill };
        let ratio = ground.contrast(cell.ink);
        ensure!(ratio >= READABLE, "{name}, {}: the ratio of its text is {ratio:.1}", cell.class);
        ensure!(!cell.text.is_empty(), "{name} says nothing without its color");
    }
    Ok(())
}
