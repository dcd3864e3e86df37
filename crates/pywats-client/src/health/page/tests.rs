use super::*;
use serde_json::json;

/// What a service says that has met everything.
fn eventful() -> Value {
    let now = crate::status::utc(Timestamp::now());
    json!({
        "healthy": false, "reason": "the server refuses the token",
        "details": {
            "version": "1.0.0", "station": "ict-7 <b>", "service_status": "Running", "api_status": "Offline",
            "uptime_seconds": 93_000, "pending_count": 1234, "oldest_waiting_seconds": 5400, "delivered_count": 88_214,
            "last_delivery": now, "failed_count": 3, "failed_folder_files": 2, "free_bytes": 41_000_000_000_u64,
            "failed_folder_newest": {
                "file": "<script>alert(1)</script>.json", "time": now, "reason": "not one JSON object",
                "what_to_do": "Correct the report, then drop it into the watch folder again.",
            },
            "answers": { "200": 88_214, "401": 12, "none": 2 },
            "problems": {
                "server": "server https://company.wats.com: 401 Unauthorized \"<img src=x onerror=alert(2)>\"; check \
                           server.token and what it is allowed to do; reports stay queued",
            },
            "notes": { "clock": "this machine's clock is 9 minutes ahead of the server's: correct it" },
            "parked": { "count": 1, "newest": "report 1 (\"a.json\")", "reason": "500", "try_now": "systemctl reload" },
            "folders": [
                { "name": "default", "path": "/var/lib/pywats/watch", "problem": null, "notes": [],
                  "not_taken": { "pictures": 3 } },
                { "name": "ict", "path": "//server/share/ict", "problem": "the share is away; tried again",
                  "notes": ["the system sends no news of it"], "not_taken": {} },
            ],
            "last_reports": [
                { "time": now, "file": "<script>alert(3)</script>.json", "outcome": "refused", "serial_number": null,
                  "reason": "ProcessCode <script>alert(4)</script> is unknown", "what_to_do": "Correct it." },
                { "time": now, "file": "board-0042.json", "outcome": "delivered", "serial_number": "0042\" onload=\"x",
                  "reason": null, "what_to_do": null },
            ],
            "clock_offset_seconds": 540, "config_path": "/etc/pywats/config.json",
        },
    })
}

/// Fails if: anything that was read from a file or a server becomes markup, the page runs or fetches something, or what
/// somebody has to know is not on it.
#[test]
fn shows_everything_and_escapes_it() {
    let page = html(&eventful(), Audience::Here);
    for part in [
        "Needs help",
        "1,234 reports wait here",
        "the oldest for 1\u{a0}h\u{a0}30\u{a0}min",
        "88,214",
        "ict-7 &lt;b&gt;",
        "&lt;script&gt;alert(3)&lt;/script&gt;.json",
        "Check server.token",
        "&lt;img src=x onerror=alert(2)&gt;",
        "0042&quot; onload=&quot;x",
        "The share is away",
        "Not taken: 3 pictures.",
        "9 minutes ahead",
        "To try them at once: systemctl reload",
        "12 × 401",
        "41 GB free",
    ] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
    for part in ["<script", "<img", "<b>\"", " on", "http:", "src=", "@import", " style="] {
        let found = page.match_indices(part).find(|(at, _)| {
            let before = &page[..*at];
            // Within a tag.
            before.rfind('<') > before.rfind('>') || part.starts_with('<')
        });
        let found = found.map(|(at, _)| &page[at..page.len().min(at + 60)]);
        let known = found.is_none_or(|found| found.contains("www.w3.org/2000/svg"));
        assert!(known, "{part:?}: {found:?}");
    }
}

/// Fails if: the headline does not fit what the service says.
#[test]
fn headlines() {
    let fine = json!({ "healthy": true, "details": { "service_status": "Running", "api_status": "Online" } });
    let with = |path: &str, value: Value| {
        let mut body = fine.clone();
        body["healthy"] = (path != "problems").into();
        body["details"][path] = value;
        body
    };
    let now = Timestamp::now();
    let failed = |time: &str| {
        let mut body = with("failed_folder_files", 1.into());
        body["details"]["failed_folder_newest"] = json!({ "file": "a", "reason": "b", "time": time });
        body
    };
    let mut unheard = fine.clone();
    unheard["healthy"] = false.into();
    unheard["reason"] = "the server has not answered yet".into();
    let mut waiting = with("problems", json!({ "server": "gone" }));
    waiting["details"]["pending_count"] = 1.into();
    for (body, mood, words, part) in [
        (fine.clone(), Mood::Good, "All is well", "delivered"),
        (with("notes", json!({ "clock": "wrong" })), Mood::Look, "Have a look", "person"),
        (failed(&crate::status::utc(now)), Mood::Look, "Have a look", "person"),
        (failed("2020-01-01T00:00:00Z"), Mood::Good, "All is well", "delivered"),
        (unheard, Mood::Look, "Starting", "not answered"),
        (with("service_status", "StartPending".into()), Mood::Look, "Starting", "opened"),
        (with("service_status", "StopPending".into()), Mood::Look, "Stopping", "next start"),
        (waiting, Mood::Bad, "Needs help", "1 report waits"),
        (with("problems", json!({ "watch_folder": "gone" })), Mood::Bad, "Needs help", "not taken"),
    ] {
        let state = judge::state(&body, now);
        assert_eq!((state.mood, state.words), (mood, words), "{body}");
        assert!(state.sentence.contains(part), "{}: {body}", state.sentence);
    }
}
