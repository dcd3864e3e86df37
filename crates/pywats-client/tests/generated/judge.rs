//! Reads the committed templates as Windows does, and compares them with what the client reads.

use crate::{packaging, templates};
use pywats_client::config::policy::{Input, KEY};
use roxmltree::{Document, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

fn read(name: &str) -> String {
    let path = packaging().join("windows/policy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The elements of this name.
fn all<'a>(document: &'a Document<'_>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(move |node| node.tag_name().name() == name)
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_else(|| panic!("<{}> has no {name}", node.tag_name().name()))
}

/// The values of an attribute, each of which must be there once, and a name: letters, digits, underscores.
fn unique<'a>(nodes: impl Iterator<Item = Node<'a, 'a>>, name: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for node in nodes {
        let value = attribute(node, name);
        assert!(value.chars().all(|c| c.is_alphanumeric() || c == '_'), "{value:?} is no name");
        assert!(found.insert(value), "<{}> {name} {value:?} is there twice", node.tag_name().name());
    }
    found
}

/// Fails if: a text or a presentation that the structure refers to is missing, one is there that nothing
/// refers to, or an identifier is there twice or is no name.
#[test]
fn every_reference_resolves() {
    let (admx, adml) = (read("pywats-client.admx"), read("en-US/pywats-client.adml"));
    let (structure, texts) = (Document::parse(&admx).unwrap(), Document::parse(&adml).unwrap());
    for (kind, element) in [("string", "string"), ("presentation", "presentation")] {
        // <value><string> holds a value of the registry and is of the structure, so it is not met here.
        let there = unique(all(&texts, element), "id");
        let prefix = format!("$({kind}.");
        let wanted: BTreeSet<&str> = structure
            .descendants()
            .flat_map(|node| node.attributes())
            .filter_map(|attribute| attribute.value().strip_prefix(&prefix)?.strip_suffix(')'))
            .collect();
        assert_eq!(wanted, there, "{kind}s: those referred to, and those that are there");
        assert!(!there.is_empty());
    }
    for string in all(&texts, "string") {
        assert!(!string.text().unwrap_or_default().trim().is_empty(), "{string:?} is empty");
    }
    let categories = unique(all(&structure, "category"), "name");
    let supported = unique(all(&structure, "definition"), "name");
    for (element, known) in [("parentCategory", &categories), ("supportedOn", &supported)] {
        let references: Vec<&str> =
            all(&structure, element).filter_map(|node| node.attribute("ref")).collect();
        assert!(!references.is_empty(), "{element}");
        assert!(references.iter().all(|name| known.contains(name)), "{element}: {references:?}");
    }
}

/// Fails if: the templates write another key, value, type or range than the client reads, a field of the
/// editor belongs to no value, or a policy is for users, whose registry the client does not read.
#[test]
fn templates_write_what_the_client_reads() {
    let (admx, adml) = (read("pywats-client.admx"), read("en-US/pywats-client.adml"));
    let (structure, texts) = (Document::parse(&admx).unwrap(), Document::parse(&adml).unwrap());
    let fields: BTreeMap<&str, BTreeSet<(&str, &str)>> = all(&texts, "presentation")
        .map(|node| {
            let fields = node.children().filter(Node::is_element);
            let fields = fields.map(|field| (field.tag_name().name(), attribute(field, "refId"))).collect();
            (attribute(node, "id"), fields)
        })
        .collect();
    let mut written = unique(all(&structure, "policy"), "name");
    for (_, policy) in templates::policies() {
        let node =
            all(&structure, "policy").find(|node| node.attribute("name") == Some(policy.value)).unwrap();
        written.remove(policy.value);
        assert_eq!(attribute(node, "class"), "Machine");
        assert_eq!(attribute(node, "key"), KEY);
        let elements = node.children().find(|child| child.tag_name().name() == "elements").unwrap();
        let elements: Vec<_> = elements.children().filter(Node::is_element).collect();
        let [element] = elements[..] else { panic!("{}: {elements:?}", policy.value) };
        assert_eq!(attribute(element, "valueName"), policy.value);
        assert_eq!(attribute(element, "required"), "true", "without it an empty field would be written");
        let values: Vec<&str> = element
            .descendants()
            .filter(|node| node.tag_name().name() == "string")
            .filter_map(|node| node.text())
            .collect();
        let (kind, field) = match policy.input {
            Input::Text => ("text", "textBox"),
            Input::Choice(words) => {
                assert_eq!(values, words);
                ("enum", "dropdownList")
            }
            Input::Number { least, most } => {
                let range = (attribute(element, "minValue"), attribute(element, "maxValue"));
                assert_eq!(range, (least.to_string().as_str(), most.to_string().as_str()));
                // Without storeAsText the editor writes a REG_DWORD.
                assert_eq!(element.attribute("storeAsText"), None);
                ("decimal", "decimalTextBox")
            }
        };
        assert_eq!(element.tag_name().name(), kind);
        assert_eq!(fields[policy.value], BTreeSet::from([(field, attribute(element, "id"))]));
    }
    assert!(written.is_empty(), "of no setting: {written:?}");
}

/// Fails if: the templates are not in the places where Windows looks for the texts of a language, or not
/// of one namespace, or an older revision of the texts would be accepted than the structure needs.
#[test]
fn structure_and_texts_belong_together() {
    let (admx, adml) = (read("pywats-client.admx"), read("en-US/pywats-client.adml"));
    let (structure, texts) = (Document::parse(&admx).unwrap(), Document::parse(&adml).unwrap());
    let (structure, texts) = (structure.root_element(), texts.root_element());
    assert_eq!(structure.tag_name().namespace(), texts.tag_name().namespace());
    assert_eq!(structure.tag_name().name(), "policyDefinitions");
    assert_eq!(texts.tag_name().name(), "policyDefinitionResources");
    let needed = structure.children().find(|node| node.tag_name().name() == "resources").unwrap();
    assert_eq!(attribute(needed, "minRequiredRevision"), attribute(texts, "revision"));
    let target = structure.descendants().find(|node| node.tag_name().name() == "target").unwrap();
    assert_eq!(attribute(target, "namespace"), "Virinco.Policies.pyWATS");
}
