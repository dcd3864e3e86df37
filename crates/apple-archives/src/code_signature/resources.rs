//! `_CodeSignature/CodeResources`: the digests of a bundle's files, of which the program's signature has one.
//!
//! A property list ([TN2206](https://developer.apple.com/library/archive/technotes/tn2206/_index.html)): `files` has
//! SHA-1 digests for systems before OS X 10.9.5, `files2` what counts today; `rules` and `rules2` say which files are to
//! be in them. Paths begin below `Contents`.

use super::{Error, Result, ensure, fail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};
use sha1::Digest as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Files of a bundle that no list has: the signature itself, its ticket, and what the program's signature vouches for.
const NOT_LISTED: [&str; 4] = ["_CodeSignature/CodeResources", "CodeResources", "Info.plist", "PkgInfo"];

/// The rules that Apple's signer writes when nobody gives it others.
const RULES: &str = include_str!("rules.plist");

/// The list for the files of a bundle, by their paths below `Contents`; without its program, and those that no list has.
pub fn code_resources(files: &[(&str, &[u8])]) -> Vec<u8> {
    let sorted: BTreeMap<&str, &[u8]> = files.iter().copied().collect();
    let data = |out: &mut String, indent: &str, digest: &[u8]| {
        let _ = write!(out, "{indent}<data>\n{indent}{}\n{indent}</data>\n", STANDARD.encode(digest));
    };
    let (mut old, mut new) = (String::new(), String::new());
    for (path, content) in sorted {
        let key = escape(path);
        let (sha1, sha256) = (sha1::Sha1::digest(content), sha2::Sha256::digest(content));
        let _ = writeln!(old, "\t\t<key>{key}</key>");
        data(&mut old, "\t\t", &sha1);
        let _ = write!(new, "\t\t<key>{key}</key>\n\t\t<dict>\n\t\t\t<key>hash2</key>\n");
        data(&mut new, "\t\t\t", &sha256);
        new += "\t\t</dict>\n";
    }
    RULES.replace("FILES2\n", &new).replace("FILES\n", &old).into_bytes()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Refuses files of a bundle, by their paths below `Contents`, that are not those in its list. `program` is the path of
/// its program, whose own signature vouches for it.
///
/// # Errors
/// If the list is damaged, a file was changed, added or is missing; the error says which.
pub fn check<'a>(
    list: &[u8],
    program: &str,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<()> {
    let mut listed = read(list)?;
    for (path, content) in files {
        if path == program || NOT_LISTED.contains(&path) {
            continue;
        }
        let Some(digest) = listed.remove(path) else {
            return fail(format!("{path} was added after it was signed"));
        };
        ensure(
            digest == sha2::Sha256::digest(content)[..],
            &format!("{path} was changed after it was signed"),
        )?;
    }
    match listed.keys().next() {
        None => Ok(()),
        Some(path) => fail(format!("{path} was signed, and is missing")),
    }
}

/// The SHA-256 of every file in a list.
fn read(list: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let damaged = |what: &str| Error(format!("its CodeResources is damaged: {what}"));
    let text = std::str::from_utf8(list).map_err(|_| damaged("it is not UTF-8"))?;
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| damaged(&error.to_string()))?;
    let dictionary = document.root_element().first_element_child().ok_or_else(|| damaged("it is empty"))?;
    let files = value(dictionary, "files2").ok_or_else(|| damaged("it has no files2"))?;
    let mut found = BTreeMap::new();
    for (path, value_of) in pairs(files) {
        let digest = if value_of.has_tag_name("dict") { value(value_of, "hash2") } else { None };
        let digest = digest.ok_or_else(|| damaged(&format!("{path} has no SHA-256 in it")))?;
        let text: String = digest.text().unwrap_or_default().split_whitespace().collect();
        let digest = STANDARD.decode(text).map_err(|_| damaged(&format!("the digest of {path}")))?;
        if found.insert(path.clone(), digest).is_some() {
            return Err(damaged(&format!("{path} is in it twice")));
        }
    }
    Ok(found)
}

/// The keys of a dictionary with their values.
fn pairs<'a, 'input>(dictionary: Node<'a, 'input>) -> impl Iterator<Item = (String, Node<'a, 'input>)> {
    let keys = dictionary.children().filter(|node| node.has_tag_name("key"));
    keys.filter_map(|key| Some((key.text().unwrap_or_default().to_owned(), key.next_sibling_element()?)))
}

fn value<'a, 'input>(dictionary: Node<'a, 'input>, key: &str) -> Option<Node<'a, 'input>> {
    pairs(dictionary).find(|(name, _)| name == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &[u8]); 2] = [("Resources/b & c", b"two"), ("Resources/a.icns", b"one")];

    /// Fails if: a list does not accept what it was made of, or anything else is accepted by it.
    #[test]
    fn knows_its_files() {
        let list = code_resources(&FILES);
        let others: [(&str, &[u8]); 3] =
            [("MacOS/program", b"any"), ("Info.plist", b"any"), ("_CodeSignature/CodeResources", &list)];
        let with = |change: &[(&'static str, &'static [u8])]| -> std::result::Result<(), String> {
            let mut all: BTreeMap<&str, &[u8]> = FILES.into_iter().chain(others).collect();
            for (path, content) in change {
                if *content == b"gone" {
                    all.remove(path)
                } else {
                    all.insert(path, content)
                };
            }
            check(&list, "MacOS/program", all).map_err(|error| error.to_string())
        };
        assert_eq!(with(&[]), Ok(()));
        for (path, content, expected) in [
            ("Resources/a.icns", &b"more"[..], "Resources/a.icns was changed"),
            ("Resources/b & c", b"gone", "Resources/b & c was signed, and is missing"),
            ("Resources/new", b"", "Resources/new was added"),
            ("MacOS/other", b"", "MacOS/other was added"),
        ] {
            let said = with(&[(path, content)]).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }

    /// Fails if: a damaged list is believed, or makes the reader panic.
    #[test]
    fn refuses_damaged_lists() {
        let list = String::from_utf8(code_resources(&FILES)).unwrap();
        for (from, to, expected) in [
            ("files2", "files3", "no files2"),
            ("hash2", "hash", "no SHA-256"),
            ("Resources/a.icns", "Resources/b &amp; c", "twice"),
            ("</plist>", "", "damaged"),
            ("<dict>", "", "damaged"),
        ] {
            let said = check(list.replace(from, to).as_bytes(), "", []).unwrap_err().to_string();
            assert!(said.contains(expected), "{to}: {said}");
        }
        for end in 0..list.len() - 1 {
            check(&list.as_bytes()[..end], "", []).unwrap_err();
        }
    }
}
