//! A browser without a window: pictures of a page, and what it has made of it.

use crate::command::{Tool, missing, said, tool};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Any of them does. `cargo xtask test` knows the Debian package of the first.
const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];
/// Around what a script leaves in the page.
const MEASURED: (&str, &str) = ("<pre id=\"measured\">", "</pre>");

/// One of them.
pub(crate) struct Browser(&'static str);

/// What the browser has made of a page.
#[derive(Deserialize)]
pub(crate) struct Look {
    pub(crate) paper: Color,
    pub(crate) cells: BTreeMap<String, Cell>,
}

/// A cell, in pixels of the page.
#[derive(Deserialize)]
pub(crate) struct Cell {
    pub(crate) class: String,
    pub(crate) fill: Color,
    pub(crate) ink: Color,
    pub(crate) text: String,
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) height: usize,
}

/// A color, as the browser writes it: `rgb(1, 2, 3)`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Color([u8; 3]);

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Color, String> {
        let inner = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')'));
        let numbers = inner.into_iter().flat_map(|inner| inner.split(", ")).map(str::parse);
        let numbers: Vec<u8> =
            numbers.collect::<Result<_, _>>().map_err(|_| format!("{text:?} is no color"))?;
        numbers.try_into().map(Color).map_err(|_| format!("{text:?} is no color"))
    }
}

impl Color {
    /// Whether nobody sees the difference.
    pub(crate) fn is_near(self, other: Color) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a.abs_diff(b) <= 6)
    }

    /// The ratio of luminances, by WCAG.
    pub(crate) fn contrast(self, other: Color) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

/// A picture's pixels.
pub(crate) struct Picture {
    width: usize,
    pixels: Vec<u8>,
}

impl Picture {
    fn read(file: &Path, width: usize, height: usize) -> Result<Picture> {
        let raw = file.with_extension("rgb");
        tool("convert", 30).arg(file).args(["-depth", "8"]).arg(format!("rgb:{}", raw.display())).run()?;
        let pixels = fs::read(&raw).with_context(|| format!("reading {}", raw.display()))?;
        fs::remove_file(&raw)?;
        let expected = width * height * 3;
        ensure!(pixels.len() == expected, "{} is not {width} x {height} pixels", file.display());
        Ok(Picture { width, pixels })
    }

    /// The color of a pixel; black outside.
    pub(crate) fn at(&self, x: usize, y: usize) -> Color {
        let place = (y * self.width + x) * 3;
        Color(self.pixels.get(place..place + 3).and_then(|rgb| rgb.try_into().ok()).unwrap_or_default())
    }
}

impl Browser {
    /// The first of the browsers that is installed.
    pub(crate) fn find() -> Option<Browser> {
        BROWSERS.into_iter().find(|name| missing(&[name]).is_none()).map(Browser)
    }

    /// Draws a page into a file, and reads it.
    pub(crate) fn picture(
        &self,
        page: &Path,
        file: &Path,
        width: u32,
        height: u32,
        dark: bool,
    ) -> Result<Picture> {
        let (size, out) =
            (format!("--window-size={width},{height}"), format!("--screenshot={}", file.display()));
        self.run(&of_file(page), &[&size, &out], dark)?;
        Picture::read(file, width as usize, height as usize)
    }

    /// Draws what a server says into a file, and reads it. Returns also what the page made the browser say, and whom it
    /// asked.
    pub(crate) fn visit(
        &self,
        address: &str,
        file: &Path,
        (width, height): (u32, u32),
        dark: bool,
    ) -> Result<Visit> {
        let log = file.with_extension("net.json");
        let words = [
            format!("--window-size={width},{height}"),
            format!("--screenshot={}", file.display()),
            format!("--log-net-log={}", log.display()),
            "--enable-logging=stderr".to_owned(),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = self.tool(address, &words, dark).output()?;
        ensure!(output.status.success(), "{}", said(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
        fs::remove_file(&log)?;
        let mut asked: Vec<String> = text
            .split("\"url\":\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect();
        asked.sort();
        asked.dedup();
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Ok(Visit { picture: Picture::read(file, width as usize, height as usize)?, console, asked })
    }

    /// The document that the browser has made of what a server says.
    pub(crate) fn document(&self, address: &str) -> Result<String> {
        self.run(address, &["--dump-dom"], false)
    }

    /// What the browser has made of a page, in a window as wide as that of the picture.
    pub(crate) fn look(&self, page: &Path, folder: &Path, dark: bool) -> Result<Look> {
        let script = "
            const color = (element, name) => getComputedStyle(element)[name], cells = {};
            for (const cell of document.querySelectorAll('[data-cell]')) {
                const rect = cell.querySelector('rect'), text = cell.querySelector('text');
                const box = rect.getBoundingClientRect();
                cells[cell.dataset.cell] = {
                    class: cell.classList[1], text: text.textContent.trim(), ink: color(text, 'fill'),
                    fill: color(rect, 'fill') == 'none' ? color(document.body, 'backgroundColor') : color(rect, 'fill'),
                    left: Math.round(box.left), top: Math.round(box.top), height: Math.round(box.height),
                };
            }
            leave({ paper: color(document.body, 'backgroundColor'), cells });";
        let text = fs::read_to_string(page)?;
        self.measure(&(text + &with_script(script)), folder, dark)
    }

    /// How wide the content of a page is, and how wide the page, in a window of a phone. A browser's own window has a
    /// least width, a frame has none.
    pub(crate) fn phone(&self, page: &Path, folder: &Path, width: u32) -> Result<(u32, u32)> {
        let text = fs::read_to_string(page)?.replace('&', "&amp;").replace('"', "&quot;");
        let frame =
            format!("<iframe style=\"width:{width}px;height:700px;border:0\" srcdoc=\"{text}\"></iframe>");
        let script = "
            const inner = document.querySelector('iframe').contentDocument.documentElement;
            leave([inner.scrollWidth, inner.clientWidth]);";
        self.measure(&format!("<!doctype html><body>{frame}{}", with_script(script)), folder, false)
    }

    /// Every text of a page, with its color and the color behind it.
    pub(crate) fn texts(&self, page: &Path, folder: &Path, dark: bool) -> Result<Vec<Text>> {
        let script = "
            const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const text = walker.currentNode.textContent.trim();
                let element = walker.currentNode.parentElement;
                const ink = getComputedStyle(element).color, fill = () => getComputedStyle(element).backgroundColor;
                while (fill() == 'rgba(0, 0, 0, 0)') element = element.parentElement;
                if (text) texts.push({ text, ink, ground: fill() });
            }
            leave(texts);";
        let text = fs::read_to_string(page)?;
        self.measure(&(text + &with_script(script)), folder, dark)
    }

    /// Runs a page with a script, and reads what that leaves.
    fn measure<T: serde::de::DeserializeOwned>(&self, page: &str, folder: &Path, dark: bool) -> Result<T> {
        let file = folder.join("measured.html");
        fs::write(&file, page)?;
        let text = self.run(&of_file(&file), &["--window-size=1200,1500", "--dump-dom"], dark)?;
        let left = text.split_once(MEASURED.0).and_then(|(_, rest)| rest.split_once(MEASURED.1));
        let (left, _) = left.with_context(|| format!("the script in the page left nothing:\n{text}"))?;
        let left = left.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&left).with_context(|| format!("reading {left}"))
    }

    fn run(&self, address: &str, words: &[&str], dark: bool) -> Result<String> {
        self.tool(address, words, dark).read()
    }

    fn tool(&self, address: &str, words: &[&str], dark: bool) -> Tool {
        // The page is ours and fetches nothing, and root has no sandbox.
        let common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
        tool(self.0, 60)
            .args(common)
            .arg("--force-device-scale-factor=1")
            .arg(scheme)
            .args(words)
            .arg(address)
    }
}

/// What came of a visit.
pub(crate) struct Visit {
    pub(crate) picture: Picture,
    /// What the page made the browser say.
    pub(crate) console: Vec<String>,
    /// The addresses that were asked.
    pub(crate) asked: Vec<String>,
}

fn of_file(page: &Path) -> String {
    format!("file://{}", page.display())
}

/// A text in a page.
#[derive(Deserialize)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) ink: Color,
    pub(crate) ground: Color,
}

/// A script that runs when everything is there, and may `leave` something.
fn with_script(script: &str) -> String {
    format!(
        "<script>addEventListener('load', () => {{
            const leave = (what) => {{
                const pre = document.body.appendChild(document.createElement('pre'));
                pre.id = 'measured';
                pre.textContent = JSON.stringify(what);
            }};
            {script}
        }});</script>"
    )
}
