//! The status page: how the station is, for whoever walks past and for whoever has to do something about it.
//!
//! It is made of [`super::details`] and of nothing else. It runs no script, asks for nothing and changes nothing; it
//! renews itself. Its style is named by its digest in the page's policy
//! ([CSP](https://www.w3.org/TR/CSP3/)), so nothing else can be applied or run, whatever a file is called.

mod html;
mod judge;
mod words;

use super::Audience;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use html::Html;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use judge::{Mood, State};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

const STYLE: &str = include_str!("style.css");

/// What the page may do: look as [`STYLE`] says, and show the picture in its own text for the tab.
pub fn content_security_policy() -> String {
    static POLICY: OnceLock<String> = OnceLock::new();
    let policy = || {
        format!(
            "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            STANDARD.encode(Sha256::digest(STYLE))
        )
    };
    POLICY.get_or_init(policy).clone()
}

/// The page, from the details of the service.
pub fn html(body: &Value, audience: Audience) -> String {
    let page = Page { body, details: &body["details"], now: Timestamp::now(), zone: TimeZone::system() };
    page.write(audience)
}

struct Page<'a> {
    body: &'a Value,
    details: &'a Value,
    now: Timestamp,
    zone: TimeZone,
}

impl Page<'_> {
    fn write(&self, audience: Audience) -> String {
        let state = judge::state(self.body, self.now);
        let mut html = Html::default();
        html.raw(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta http-equiv=\"refresh\" content=\"10\"><meta name=\"robots\" content=\"noindex\">\
             <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"",
        );
        html.raw(state.mood.icon()).raw("\"><title>");
        html.text(format!("{} – {}", self.text("station"), state.words)).raw("</title><style>");
        html.raw(STYLE).raw("</style></head><body>");
        self.header(&mut html);
        html.raw("<main>");
        hero(&mut html, &state);
        self.tiles(&mut html);
        html.raw("<div class=\"columns\"><div>");
        self.tasks(&mut html);
        self.folders(&mut html);
        html.raw("</div><div>");
        self.reports(&mut html, audience);
        html.raw("</div></div></main>");
        self.footer(&mut html, audience);
        html.raw("</body></html>\n");
        html.finish()
    }

    fn text(&self, name: &str) -> &str {
        self.details[name].as_str().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.details[name].as_u64().unwrap_or_default()
    }

    /// When something was, in the words of people.
    fn moment(&self, time: &Value) -> Option<String> {
        let time: Timestamp = time.as_str()?.parse().ok()?;
        Some(words::moment(time, self.now, &self.zone))
    }

    fn header(&self, html: &mut Html) {
        html.raw("<header>").element(["<p class=\"station\">", "</p>"], self.text("station"));
        let now = words::moment(self.now, self.now, &self.zone);
        html.element(["<p class=\"soft\">as of <time>", "</time></p></header>"], now);
    }

    /// The numbers that count.
    fn tiles(&self, html: &mut Html) {
        let waiting = self.number("pending_count");
        let oldest = self.details["oldest_waiting_seconds"].as_u64();
        let under_waiting = match (waiting, oldest) {
            (0, _) => "nothing waits".to_owned(),
            (_, Some(seconds)) => format!("the oldest for {}", words::duration(seconds)),
            (_, None) => "since when is not known".to_owned(),
        };
        let delivered = match self.moment(&self.details["last_delivery"]) {
            Some(time) => format!("the last at {time}"),
            None => "none since the service was started".to_owned(),
        };
        let failed = self.number("failed_folder_files");
        let under_failed = if failed == 0 { "no file in a failed folder" } else { "in the failed folder" };
        let online = self.text("api_status") == "Online";
        html.raw("<section class=\"tiles\" aria-label=\"Numbers\">");
        for (title, value, under, class) in [
            ("Waiting", words::count(waiting), under_waiting, "<div class=\"tile\">"),
            ("Delivered", words::count(self.number("delivered_count")), delivered, "<div class=\"tile\">"),
            ("Refused", words::count(failed), under_failed.to_owned(), "<div class=\"tile\">"),
            (
                "Server",
                if online { "Online" } else { "Offline" }.to_owned(),
                self.answers(),
                if online { "<div class=\"tile\">" } else { "<div class=\"tile off\">" },
            ),
        ] {
            html.raw(class).element(["<h2>", "</h2>"], title).element(["<p class=\"value\">", "</p>"], value);
            html.element(["<p class=\"soft\">", "</p></div>"], under);
        }
        html.raw("</section>");
    }

    /// How often the server said yes, and what else it said.
    fn answers(&self) -> String {
        let (mut fine, mut others) = (0, Vec::new());
        for (status, times) in self.details["answers"].as_object().into_iter().flatten() {
            let times = times.as_u64().unwrap_or_default();
            match status.as_str() {
                "none" => others.push(format!("{} without an answer", words::count(times))),
                status if status.starts_with('2') => fine += times,
                status => others.push(format!("{} × {status}", words::count(times))),
            }
        }
        if fine == 0 && others.is_empty() {
            return "not asked yet".to_owned();
        }
        let fine = format!("{} answers", words::count(fine));
        std::iter::once(fine).chain(others).collect::<Vec<_>>().join(", ")
    }

    /// What somebody has to do, or should know.
    fn tasks(&self, html: &mut Html) {
        let tasks = judge::tasks(self.details);
        if tasks.is_empty() {
            return;
        }
        html.raw("<section class=\"card\"><h2>What to do</h2><ul class=\"tasks\">");
        for task in tasks {
            html.raw(match task.mood {
                Mood::Bad => "<li class=\"bad\">",
                _ => "<li class=\"look\">",
            });
            symbol(html, task.mood);
            html.element(["<div><h3>", "</h3>"], task.title).element(["<p>", "</p>"], &task.what);
            if let Some(deed) = &task.deed {
                html.element(["<p class=\"deed\">", "</p>"], deed);
            }
            html.raw("</div></li>");
        }
        html.raw("</ul></section>");
    }

    fn folders(&self, html: &mut Html) {
        let Some(folders) = self.details["folders"].as_array().filter(|folders| !folders.is_empty()) else {
            return;
        };
        html.raw("<section class=\"card\"><h2>Folders</h2><ul class=\"folders\">");
        for folder in folders {
            let problem = folder["problem"].as_str();
            let mood = if problem.is_some() { Mood::Bad } else { Mood::Good };
            html.raw(if problem.is_some() { "<li class=\"bad\">" } else { "<li class=\"good\">" });
            symbol(html, mood);
            html.element(["<div><h3>", "</h3>"], folder["name"].as_str().unwrap_or_default());
            if let Some(path) = folder["path"].as_str() {
                html.element(["<p class=\"soft\">", "</p>"], path);
            }
            if let Some(problem) = problem {
                html.element(["<p>", "</p>"], judge::sentence(problem));
            }
            for note in folder["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                html.element(["<p>", "</p>"], judge::sentence(note));
            }
            if let Some(not_taken) = judge::not_taken(&folder["not_taken"]) {
                html.element(["<p>", "</p>"], not_taken);
            }
            html.raw("</div></li>");
        }
        html.raw("</ul></section>");
    }

    fn reports(&self, html: &mut Html, audience: Audience) {
        html.raw("<section class=\"card\"><h2>Last reports</h2>");
        let reports = self.details["last_reports"].as_array().filter(|reports| !reports.is_empty());
        let Some(reports) = reports else {
            html.raw("<p class=\"soft\">No report since the service was started.</p></section>");
            return;
        };
        html.raw("<ul class=\"reports\">");
        for report in reports {
            self.report(html, report, audience);
        }
        html.raw("</ul></section>");
    }

    fn report(&self, html: &mut Html, report: &Value, audience: Audience) {
        let refused = report["outcome"] == "refused";
        html.raw(if refused { "<li class=\"bad\">" } else { "<li class=\"good\">" });
        symbol(html, if refused { Mood::Bad } else { Mood::Good });
        html.raw("<div><p class=\"line\">");
        let outcome = report["outcome"].as_str().unwrap_or_default();
        let file = report["file"].as_str().filter(|_| audience == Audience::Here);
        html.element(["<b>", "</b>"], file.unwrap_or(outcome));
        if let Some(number) = report["serial_number"].as_str() {
            html.element(["<span class=\"soft\">", "</span>"], number);
        }
        let time = self.moment(&report["time"]).unwrap_or_default();
        html.element(["<time class=\"soft\">", "</time></p>"], time);
        if let Some(reason) = report["reason"].as_str() {
            html.element(["<p>", "</p>"], judge::sentence(reason));
        }
        if let Some(deed) = report["what_to_do"].as_str() {
            html.element(["<p class=\"deed\">", "</p>"], deed);
        }
        html.raw("</div></li>");
    }

    fn footer(&self, html: &mut Html, audience: Audience) {
        html.raw("<footer><p>");
        html.text(format!("pyWATS Client {}", self.text("version")));
        html.text(format!(" · runs for {}", words::duration(self.number("uptime_seconds"))));
        if let Some(bytes) = self.details["free_bytes"].as_u64() {
            html.text(format!(" · {} free on the disk of the data folder", words::size(bytes)));
        }
        if let Some(seconds) = self.details["clock_offset_seconds"].as_i64().filter(|off| off.abs() > 2) {
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            let by = words::duration(seconds.unsigned_abs());
            html.text(format!(" · clock {by} {way} the server's"));
        }
        if let Some(path) = self.details["config_path"].as_str() {
            html.text(format!(" · {path}"));
        }
        html.raw("</p><p>This page renews itself every 10 seconds.");
        if audience == Audience::Elsewhere {
            html.raw(" Names of files, serial numbers and reasons are shown on the station itself.");
        }
        html.raw("</p></footer>");
    }
}

/// The state, for those who stand three metres away.
fn hero(html: &mut Html, state: &State) {
    html.raw(match state.mood {
        Mood::Good => "<section class=\"hero good\">",
        Mood::Look => "<section class=\"hero look\">",
        Mood::Bad => "<section class=\"hero bad\">",
    });
    symbol(html, state.mood);
    html.element(["<div><h1>", "</h1>"], state.words);
    html.element(["<p>", "</p></div></section>"], &state.sentence);
}

/// A symbol tells what a color tells: a circle with a tick, a triangle, an octagon.
fn symbol(html: &mut Html, mood: Mood) {
    html.raw("<svg class=\"symbol\" viewBox=\"0 0 24 24\" aria-hidden=\"true\">")
        .raw(mood.shape())
        .raw("</svg>");
}

#[cfg(test)]
mod tests;
