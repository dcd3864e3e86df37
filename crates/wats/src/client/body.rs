//! What the body of an answer is, and the words in it.
//!
//! A WATS server writes JSON where it is asked for it, but also XML or text; what stands between writes pages.
//! The forms of explanations that are known:
//!
//! | form                       | as in                                                                       |
//! |----------------------------|-----------------------------------------------------------------------------|
//! | text, often of many lines  | `root -> step A: name is required`, plain or as a JSON string               |
//! | ASP.NET's fault            | `{"Message": "…", "ModelState": {"sn": ["…"]}}`, also as XML                |
//! | problem details            | [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), as JSON or XML          |
//! | any other JSON or XML      | all texts in it, each behind its name                                       |

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;
use uuid::Uuid;

/// Bytes of an explanation that are kept.
const MAX_WORDS: usize = 64 * 1024;

/// How deep elements of XML are looked into; serde_json has its own limit.
const MAX_DEPTH: usize = 32;

/// Characters of an explanation that fit into a message of one line.
const MAX_SHORT: usize = 500;

/// Members that hold the explanation itself: these come first, and their names say nothing.
const MAIN: [&str; 6] = ["message", "error", "title", "detail", "error_description", "string"];

/// Elements that only a page begins with.
const PAGE: [&str; 16] = [
    "html", "head", "body", "title", "meta", "h1", "h2", "h3", "p", "div", "center", "pre", "b", "br",
    "font", "script",
];

/// A body, by its form.
pub(super) enum Body {
    /// Nothing but white space.
    Empty,
    /// A page for people, with its title.
    Page(Option<String>),
    Json(Value),
    /// Text that is well-formed XML and no page.
    Xml(String),
    Text(String),
}

impl Body {
    /// Takes a body apart. `content_type` only tells a page from a text.
    pub(super) fn read(content_type: &str, bytes: &[u8]) -> Body {
        let text = decode(bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        if text.is_empty() {
            return Body::Empty;
        }
        if let Ok(json) = serde_json::from_str(text) {
            return Body::Json(json);
        }
        if text.starts_with('<')
            && let Some(document) = document(text)
            && !is_of_page(document.root_element().tag_name().name())
        {
            return Body::Xml(text.to_owned());
        }
        if Uuid::try_parse(text).is_ok() {
            return Body::Text(text.to_owned()); // whatever its type is said to be
        }
        let lower = text.to_ascii_lowercase();
        let media_type = content_type.to_ascii_lowercase();
        let is_page = text.starts_with('<')
            || media_type.contains("html")
            || ["<html", "<!doctype"].iter().any(|tag| lower.contains(tag));
        if is_page { Body::Page(title(text, &lower)) } else { Body::Text(text.to_owned()) }
    }

    /// All that the body says to people, a line for each fault; `None` where it has no words. A page has none:
    /// nobody knows who wrote it.
    pub(super) fn words(&self) -> Option<String> {
        let mut words = Words::default();
        match self {
            Body::Empty | Body::Page(_) => {}
            Body::Json(json) => words.of_json(json, ""),
            Body::Xml(text) => {
                if let Some(document) = document(text) {
                    words.of_xml(document.root_element(), "", 0);
                }
            }
            Body::Text(text) => words.text("", text),
        }
        words.any.then(|| words.lines.join("\n"))
    }
}

/// Takes XML apart, but no more of it than an explanation has.
pub(super) fn document(text: &str) -> Option<Document<'_>> {
    Document::parse_with_options(text, ParsingOptions { nodes_limit: 100_000, ..ParsingOptions::default() })
        .ok()
}

fn is_of_page(element: &str) -> bool {
    PAGE.iter().any(|name| name.eq_ignore_ascii_case(element))
}

/// The text of a body: UTF-8, and what is not UTF-8 is taken for Latin-1.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Cut off within a character, as long bodies are.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The title of a page, or its first heading.
fn title(text: &str, lower: &str) -> Option<String> {
    let content = |tag: &str| {
        let start = lower.find(&format!("<{tag}"))?;
        let inner = start + lower[start..].find('>')? + 1;
        let end = inner + lower[inner..].find('<')?;
        let title = one_line(&text[inner..end]);
        (!title.is_empty()).then_some(title)
    };
    ["title", "h1", "h2"].iter().find_map(|tag| content(tag))
}

/// The words of a body, as they are collected.
#[derive(Default)]
struct Words {
    lines: Vec<String>,
    /// Whether there is a word among them; numbers alone say nothing.
    any: bool,
}

impl Words {
    fn of_json(&mut self, json: &Value, name: &str) {
        match json {
            Value::Null => {}
            Value::String(text) => self.text(name, text),
            Value::Bool(_) | Value::Number(_) => self.push(name, &json.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.of_json(value, name)),
            Value::Object(members) => {
                let (main, rest): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| is_main(name));
                for (_, value) in main {
                    self.of_json(value, name);
                }
                for (member, value) in rest {
                    self.of_json(value, &joined(name, member));
                }
            }
        }
    }

    fn of_xml(&mut self, node: Node<'_, '_>, name: &str, depth: usize) {
        if depth == MAX_DEPTH {
            return;
        }
        let elements = || node.children().filter(Node::is_element);
        if elements().next().is_none() {
            self.text(name, node.text().unwrap_or_default());
            return;
        }
        let (main, rest): (Vec<_>, Vec<_>) = elements().partition(|child| is_main(child.tag_name().name()));
        for child in main {
            self.of_xml(child, name, depth + 1);
        }
        for child in rest {
            self.of_xml(child, &joined(name, child.tag_name().name()), depth + 1);
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.any |= text.contains(char::is_alphabetic);
            self.push(name, text);
        }
    }

    fn push(&mut self, name: &str, text: &str) {
        self.lines.push(if name.is_empty() { text.to_owned() } else { format!("{name}: {text}") });
    }
}

fn is_main(name: &str) -> bool {
    MAIN.iter().any(|main| main.eq_ignore_ascii_case(name))
}

fn joined(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        // The name of a container of faults by field says nothing.
        (_, "ModelState" | "errors") | (_, "") => outer.to_owned(),
        ("", inner) => inner.to_owned(),
        _ => format!("{outer}.{inner}"),
    }
}

/// Words as they are kept: lines stay lines, and nothing in them moves a cursor or hides text.
pub(super) fn kept(words: &str) -> String {
    let mut kept = String::new();
    for line in words.lines() {
        let shown = line.chars().map(|c| if c == '\t' { ' ' } else { c });
        let shown: String = shown.filter(|c| !c.is_control() && !is_invisible(*c)).collect();
        if kept.len() + shown.len() > MAX_WORDS {
            let room = MAX_WORDS.saturating_sub(kept.len());
            kept.push_str(&shown[..shown.floor_char_boundary(room)]);
            kept.push('…');
            break;
        }
        kept.push_str(shown.trim_end());
        kept.push('\n');
    }
    kept.trim().to_owned()
}

/// Words as they fit into a message: one line of [`MAX_SHORT`] characters.
pub(super) fn short(words: &str) -> String {
    let lines = words.lines().map(|line| line.trim().trim_end_matches([';', '.']));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).take(MAX_SHORT).collect();
    one_line(&lines.join("; "))
}

/// One line without control characters, cut to [`MAX_SHORT`] characters.
pub(super) fn one_line(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c)) {
        if word.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * MAX_SHORT {
            break; // more cannot be kept, whatever the size of the characters
        }
    }
    match words.char_indices().nth(MAX_SHORT) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// Characters that reorder or hide the text around them in a terminal or a log viewer.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a page or nothing passes for an explanation, words are lost, or lines run together.
    #[test]
    fn finds_the_words() {
        let iis = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"x\"><html><head><title>404 - File \
                   or directory not found.</title></head><body><br></body></html>";
        let model = r#"{"Message":"The request is invalid.","ModelState":{"report.sn":["too long","odd"],"pn":["none"]}}"#;
        let problem = r#"{"type":"about:blank","title":"Not valid","status":400,"detail":"bad unit","errors":{"sn":["too long"]}}"#;
        let xml_fault =
            "<Error><Message>Not valid</Message><ModelState><sn>too long</sn></ModelState></Error>";
        let xml_problem = "<?xml version=\"1.0\"?><problem xmlns=\"urn:ietf:rfc:7807\"><title>Not valid</title>\
                           <detail>bad unit</detail><status>400</status></problem>";
        let xml_text =
            "<string xmlns=\"http://schemas.microsoft.com/2003/10/Serialization/\">a &lt; b\nsecond</string>";
        let cases = [
            ("", "", None),
            ("", " \u{FEFF}\r\n", None),
            ("text/html", "plain words", None),
            ("", iis, None),
            ("text/html; charset=us-ascii", "<h2>Bad Request - Invalid Hostname</h2>\r\n<hr>", None),
            ("", "<h1>Bad Request</h1>", None),
            ("text/plain", "Error\n<HTML><body>login", None),
            ("", "<not closed", None),
            ("application/json", "{}", None),
            ("", "[]", None),
            ("", "null", None),
            ("", "\"\"", None),
            ("", "404", None),
            ("", r#"{"status":400,"ok":false}"#, None),
            ("", "- ! -", None),
            ("", "bad unit", Some("bad unit")),
            ("text/html", "\"bad unit\"", Some("bad unit")),
            ("", "\"one\\r\\ntwo\"", Some("one\ntwo")),
            ("", "one\r\n  two\r\n", Some("one\n  two")),
            ("", r#"{"message":"","error":null,"detail":"bad unit"}"#, Some("bad unit")),
            ("", r#"["one",{"Message":"two"}]"#, Some("one\ntwo")),
            ("", model, Some("The request is invalid.\nreport.sn: too long\nreport.sn: odd\npn: none")),
            ("", problem, Some("Not valid\nbad unit\ntype: about:blank\nstatus: 400\nsn: too long")),
            ("", xml_fault, Some("Not valid\nsn: too long")),
            ("text/xml", xml_problem, Some("Not valid\nbad unit\nstatus: 400")),
            ("", xml_text, Some("a < b\nsecond")),
            ("", "a\u{1b}[31m\u{202e}\tb\0", Some("a[31m b")),
        ];
        for (content_type, body, words) in cases {
            let found = Body::read(content_type, body.as_bytes()).words().map(|words| kept(&words));
            assert_eq!(found.as_deref(), words, "{body}");
        }
        let Body::Page(title) = Body::read("", iis.as_bytes()) else { panic!("not a page") };
        assert_eq!(title.as_deref(), Some("404 - File or directory not found."));
    }

    /// Fails if: words of another code page are lost, or those of a body that was cut off.
    #[test]
    fn reads_what_is_not_utf_8() {
        for (bytes, text) in [(&b"Pr\xFCfung"[..], "Prüfung"), (b"Pr\xC3\xBCfung \xC3", "Prüfung")] {
            assert_eq!(Body::read("", bytes).words().as_deref(), Some(text));
        }
    }

    /// Fails if: a body that is made to exhaust the stack or the memory does.
    #[test]
    fn survives_hostile_bodies() {
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
        for body in [deep("<a>", "</a>"), deep("[", "]"), deep("{\"a\":", ""), bomb.to_owned()] {
            let read = Body::read("", body.as_bytes());
            let _ = read.words().map(|words| kept(&words));
        }
    }

    /// Fails if: words have no bound, or are cut within a character.
    #[test]
    fn bounds_the_words() {
        let line = "ä".repeat(999);
        let kept = kept(&[line.as_str(); 500].join("\n"));
        assert!((MAX_WORDS - 2..MAX_WORDS + 4).contains(&kept.len()), "{}", kept.len());
        assert!(kept.starts_with(&format!("{line}\n{line}")) && kept.ends_with("ä…"));
        assert_eq!(short("one.\n\n two;\nthree"), "one; two; three");
        assert_eq!(short(&"x\n".repeat(2000)).chars().count(), MAX_SHORT + 1);
    }
}
