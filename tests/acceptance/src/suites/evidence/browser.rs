//! A browser without a window: pictures of a page, and what it has made of it.

use crate::command::{missing, tool};
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
pub(super) struct Browser(&'static str);

/// What the browser has made of a page.
#[derive(Deserialize)]
pub(super) struct Look {
    pub(super) paper: Color,
    pub(super) cells: BTreeMap<String, Cell>,
}

/// A cell, in pixels of the page.
#[derive(Deserialize)]
pub(super) struct Cell {
    pub(super) class: String,
    pub(super) fill: Color,
    pub(super) ink: Color,
    pub(super) text: String,
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) height: usize,
}

/// A color, as the browser writes it: `rgb(1, 2, 3)`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Color([u8; 3]);

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Color, String> {
        let inner = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')'));
        let numbers = inner.into_iter().flat_map(|inner| inner.split(", ")).map(str::parse);
        let numbers: Vec<u8> = numbers.collect::<Result<_, _>>().map_err(|_| format!("{text:?} is no color"))?;
        numbers.try_into().map(Color).map_err(|_| format!("{text:?} is no color"))
    }
}

impl Color {
    /// Whether nobody sees the difference.
    pub(super) fn is_near(self, other: Color) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a.abs_diff(b) <= 6)
    }

    /// The ratio of luminances, by WCAG.
    pub(super) fn contrast(self, other: Color) -> f64 {
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
pub(super) struct Picture {
    width: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// The color of a pixel; black outside.
    pub(super) fn at(&self, x: usize, y: usize) -> Color {
        let place = (y * self.width + x) * 3;
        Color(self.pixels.get(place..place + 3).and_then(|rgb| rgb.try_into().ok()).unwrap_or_default())
    }
}

impl Browser {
    /// The first of the browsers that is installed.
    pub(super) fn find() -> Option<Browser> {
        BROWSERS.into_iter().find(|name| missing(&[name]).is_none()).map(Browser)
    }

    /// Draws a page into a file, and reads it.
    pub(super) fn picture(
        &self,
        page: &Path,
        file: &Path,
        width: u32,
        height: u32,
        dark: bool,
    ) -> Result<Picture> {
        let (size, out) =
            (format!("--window-size={width},{height}"), format!("--screenshot={}", file.display()));
        self.run(page, &[&size, &out], dark)?;
        let raw = file.with_extension("rgb");
        tool("convert", 30).arg(file).args(["-depth", "8"]).arg(format!("rgb:{}", raw.display())).run()?;
        let pixels = fs::read(&raw).with_context(|| format!("reading {}", raw.display()))?;
        fs::remove_file(&raw)?;
        let expected = width as usize * height as usize * 3;
        ensure!(pixels.len() == expected, "{} is not {width} x {height} pixels", file.display());
        Ok(Picture { width: width as usize, pixels })
    }

    /// What the browser has made of a page, in a window as wide as that of the picture.
    pub(super) fn look(&self, page: &Path, folder: &Path, dark: bool) -> Result<Look> {
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
    pub(super) fn phone(&self, page: &Path, folder: &Path, width: u32) -> Result<(u32, u32)> {
        let text = fs::read_to_string(page)?.replace('&', "&amp;").replace('"', "&quot;");
        let frame = format!("<iframe style=\"width:{width}px;height:700px;border:0\" srcdoc=\"{text}\"></iframe>");
        let script = "
            const inner = document.querySelector('iframe').contentDocument.documentElement;
            leave([inner.scrollWidth, inner.clientWidth]);";
        self.measure(&format!("<!doctype html><body>{frame}{}", with_script(script)), folder, false)
    }

    /// Runs a page with a script, and reads what that leaves.
    fn measure<T: serde::de::DeserializeOwned>(&self, page: &str, folder: &Path, dark: bool) -> Result<T> {
        let file = folder.join("measured.html");
        fs::write(&file, page)?;
        let text = self.run(&file, &["--window-size=1200,1500", "--dump-dom"], dark)?;
        let left = text.split_once(MEASURED.0).and_then(|(_, rest)| rest.split_once(MEASURED.1));
        let (left, _) = left.with_context(|| format!("the script in the page left nothing:\n{text}"))?;
        let left = left.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&left).with_context(|| format!("reading {left}"))
    }

    fn run(&self, page: &Path, words: &[&str], dark: bool) -> Result<String> {
        // The page is ours and fetches nothing, and root has no sandbox.
        let common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
        let address = format!("file://{}", page.display());
        tool(self.0, 60).args(common).arg("--force-device-scale-factor=1").arg(scheme).args(words).arg(address).read()
    }
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
