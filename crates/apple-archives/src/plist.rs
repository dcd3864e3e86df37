//! Property lists in XML, as bundles and launchd have them.
//!
//! Specified by the [document type](https://www.apple.com/DTDs/PropertyList-1.0.dtd) and `plist(5)`. Dates and data are
//! not known here: no list of a bundle or a daemon has them.

use crate::Error;
use crate::xml::escape;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const FORMAT: &str = "property list";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
    <plist version=\"1.0\">\n";

/// A dictionary: values by name.
pub type Dictionary = BTreeMap<String, Value>;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Several values.
    Array(Vec<Value>),
    /// Values by name.
    Dictionary(Dictionary),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }
}

/// The text of a list whose value is a dictionary, with its names in order.
pub fn write(dictionary: &Dictionary) -> String {
    let mut out = HEAD.to_owned();
    write_dictionary(&mut out, dictionary, 0);
    out + "</plist>\n"
}

fn write_dictionary(out: &mut String, dictionary: &Dictionary, depth: usize) {
    let indent = "\t".repeat(depth);
    if dictionary.is_empty() {
        let _ = writeln!(out, "{indent}<dict/>");
        return;
    }
    let _ = writeln!(out, "{indent}<dict>");
    for (key, value) in dictionary {
        let _ = writeln!(out, "{indent}\t<key>{}</key>", escape(key));
        write_value(out, value, depth + 1);
    }
    let _ = writeln!(out, "{indent}</dict>");
}

fn write_value(out: &mut String, value: &Value, depth: usize) {
    let indent = "\t".repeat(depth);
    let _ = match value {
        Value::Text(text) => writeln!(out, "{indent}<string>{}</string>", escape(text)),
        Value::Integer(number) => writeln!(out, "{indent}<integer>{number}</integer>"),
        Value::Boolean(value) => writeln!(out, "{indent}<{value}/>"),
        Value::Array(values) if values.is_empty() => writeln!(out, "{indent}<array/>"),
        Value::Array(values) => {
            let _ = writeln!(out, "{indent}<array>");
            values.iter().for_each(|value| write_value(out, value, depth + 1));
            writeln!(out, "{indent}</array>")
        }
        Value::Dictionary(dictionary) => {
            write_dictionary(out, dictionary, depth);
            Ok(())
        }
    };
}

/// The dictionary of a list.
///
/// # Errors
/// If the text is no property list in XML, or its value is no dictionary of what is known here.
pub fn read(text: &str) -> Result<Dictionary, Error> {
    // Every list names its document type, which is not fetched.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| Error::damaged(FORMAT, error.to_string()))?;
    let root = document.root_element();
    let mut values = root.children().filter(Node::is_element);
    match (root.has_tag_name("plist"), values.next(), values.next()) {
        (true, Some(dictionary), None) if dictionary.has_tag_name("dict") => read_dictionary(dictionary, 0),
        _ => Err(Error::damaged(FORMAT, "it is not one dictionary in <plist>")),
    }
}

/// Levels that lists of bundles and daemons stay far below.
const DEEPEST: usize = 32;

fn read_dictionary(node: Node<'_, '_>, depth: usize) -> Result<Dictionary, Error> {
    let mut dictionary = Dictionary::new();
    let mut children = node.children().filter(Node::is_element);
    while let Some(key) = children.next() {
        let name = key.text().unwrap_or_default();
        let value = children.next().filter(|_| key.has_tag_name("key"));
        let value = value.ok_or_else(|| wrong(key, "is no key with a value behind it"))?;
        if dictionary.insert(name.to_owned(), read_value(value, depth + 1)?).is_some() {
            return Err(wrong(key, "is there for a second time"));
        }
    }
    Ok(dictionary)
}

fn read_value(node: Node<'_, '_>, depth: usize) -> Result<Value, Error> {
    if depth > DEEPEST {
        return Err(wrong(node, "lies too deep"));
    }
    let text = node.text().unwrap_or_default();
    Ok(match node.tag_name().name() {
        "string" => Value::Text(text.to_owned()),
        "integer" => Value::Integer(text.trim().parse().map_err(|_| wrong(node, "is no whole number"))?),
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        "array" => {
            let values = node.children().filter(Node::is_element);
            Value::Array(values.map(|value| read_value(value, depth + 1)).collect::<Result<_, _>>()?)
        }
        "dict" => Value::Dictionary(read_dictionary(node, depth)?),
        _ => return Err(wrong(node, "is of a kind that is not known")),
    })
}

fn wrong(node: Node<'_, '_>, what: &str) -> Error {
    let text = node.text().unwrap_or_default().trim();
    Error::damaged(FORMAT, format!("<{}> {text:?} {what}", node.tag_name().name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a list is not read as it was written, or the order of names decides its text.
    #[test]
    fn reads_what_it_writes() {
        let inner =
            Dictionary::from([("empty".into(), Value::Array(vec![])), ("no".into(), Value::Boolean(false))]);
        let list = Dictionary::from([
            ("b <&>".into(), Value::from("\"text\" <&> æøå")),
            (
                "a".into(),
                Value::Array(vec![Value::Integer(-23), Value::Dictionary(inner), Value::Boolean(true)]),
            ),
            ("c".into(), Value::Dictionary(Dictionary::new())),
        ]);
        let text = write(&list);
        assert!(text.find("<key>a</key>") < text.find("<key>b &lt;&amp;&gt;</key>"), "{text}");
        assert_eq!(read(&text).unwrap(), list);
    }

    /// Fails if: what is no list of ours is taken for one, or the error does not say where it is wrong.
    #[test]
    fn refuses_what_is_unclear() {
        let deep = format!("<dict><key>a</key>{}1{}</dict>", "<array>".repeat(40), "</array>".repeat(40));
        for (body, complaint) in [
            ("", "not one dictionary"),
            ("<array/>", "not one dictionary"),
            ("<dict/><dict/>", "not one dictionary"),
            ("<dict><key>a</key></dict>", "<key> \"a\" is no key with a value"),
            ("<dict>\n<string>a</string><string>b</string></dict>", "<string> \"a\" is no key"),
            ("<dict><key>a</key><true/><key>a</key><true/></dict>", "\"a\" is there for a second time"),
            ("<dict><key>a</key><integer>x</integer></dict>", "<integer> \"x\" is no whole number"),
            ("<dict><key>a</key><date>x</date></dict>", "<date> \"x\" is of a kind"),
            (&deep, "too deep"),
        ] {
            let error = read(&format!("{HEAD}{body}</plist>")).unwrap_err().to_string();
            assert!(error.contains(complaint), "{body}: {error}");
        }
        assert!(read("<plist>").is_err());
    }
}
