//! The data of an action, as a text property carries it: a record a line, its fields separated by `|`.
//!
//! Neither character can be in a Windows path; [`crate::settings`] refuses them in everything that people give, and
//! the packager in what a product says. What is not understood is refused, never passed over: a check or a right that
//! gets lost on the way from the package would be missed by nobody.

use std::collections::BTreeMap;

/// The fields of every record. At least one there must be: an action without data would do nothing.
///
/// # Errors
/// If there is none.
pub fn parse(data: &str) -> Result<Vec<Vec<&str>>, String> {
    let records: Vec<Vec<&str>> =
        data.lines().filter(|line| !line.is_empty()).map(|line| line.split('|').collect()).collect();
    if records.is_empty() {
        return Err("the package does not say what to do: the data of the action is empty".to_owned());
    }
    Ok(records)
}

/// The error for a record that is not understood; `of` says what it belongs to.
pub fn unknown(of: &str, record: &[&str]) -> String {
    format!("the package is not understood: {:?} is no record of {of}", record.join("|"))
}

/// Records of two fields, by the first, which is a name. The second may contain `|`.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    of: &'static str,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Pairs<'a> {
    /// Reads them. `of` says what they belong to, `known` which names there are.
    ///
    /// # Errors
    /// If a record has one field, another name, or the name of an earlier one.
    pub fn parse(data: &'a str, of: &'static str, known: &[&str]) -> Result<Pairs<'a>, String> {
        Pairs::parse_any(data, of, |name| known.contains(&name))
    }

    /// The same with names that a function knows.
    ///
    /// # Errors
    /// As those of [`Pairs::parse`].
    pub fn parse_any(
        data: &'a str,
        of: &'static str,
        known: impl Fn(&str) -> bool,
    ) -> Result<Pairs<'a>, String> {
        let mut values = BTreeMap::new();
        for line in data.lines().filter(|line| !line.is_empty()) {
            let pair = line.split_once('|').filter(|(name, _)| known(name));
            let Some((name, value)) = pair else { return Err(unknown(of, &[line])) };
            if values.insert(name, value).is_some() {
                return Err(format!("the package is not understood: {name:?} is twice in {of}"));
            }
        }
        Ok(Pairs { of, values })
    }

    /// The second field of a record, if there is such a record.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).copied()
    }

    /// The second field of a record.
    ///
    /// # Errors
    /// If there is no such record.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        self.get(name)
            .ok_or_else(|| format!("the package is not understood: {name:?} is missing in {}", self.of))
    }

    /// The second field of a record that must not be empty.
    ///
    /// # Errors
    /// If there is no such record, or it is empty.
    pub fn filled(&self, name: &str) -> Result<&'a str, String> {
        match self.text(name)? {
            "" => Err(format!("the package is not understood: {name:?} is empty in {}", self.of)),
            text => Ok(text),
        }
    }

    /// The second field of a record, a number.
    ///
    /// # Errors
    /// If there is no such record, or it has something else.
    pub fn number(&self, name: &str) -> Result<u32, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| {
            format!("the package is not understood: {name:?} in {} is {text:?}, no number", self.of)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a field or a record is lost, or an empty one is taken for none.
    #[test]
    fn reads_records() {
        assert_eq!(parse("a|b|\n\nc||d\n").unwrap(), [vec!["a", "b", ""], vec!["c", "", "d"]]);
        for data in ["", "\n\n"] {
            assert!(parse(data).unwrap_err().contains("is empty"), "{data:?}");
        }
        let pairs = Pairs::parse("name|x\ncommand|\"a b\" | c\nempty|\nseconds|60\n", "this", KNOWN).unwrap();
        assert_eq!(pairs.text("command").unwrap(), "\"a b\" | c");
        assert_eq!((pairs.filled("name"), pairs.text("empty")), (Ok("x"), Ok("")));
        assert_eq!((pairs.number("seconds"), pairs.get("other")), (Ok(60), None));
    }

    const KNOWN: &[&str] = &["name", "command", "empty", "seconds", "other"];

    /// Fails if: a pair that is not understood is passed over, or the error does not name it.
    #[test]
    fn refuses_pairs_that_it_does_not_know() {
        type Read = fn(&Pairs<'_>) -> Result<String, String>;
        let nothing: Read = |_| Ok(String::new());
        let cases: [(&str, Read, &str); 8] = [
            ("name", nothing, "\"name\""),
            ("nane|x", nothing, "\"nane|x\""),
            ("|x", nothing, "\"|x\""),
            ("name|x\nname|y", nothing, "\"name\" is twice in this"),
            ("name|x", |pairs| pairs.text("other").map(str::to_owned), "\"other\" is missing in this"),
            ("name|", |pairs| pairs.filled("name").map(str::to_owned), "\"name\" is empty in this"),
            ("seconds|1s", |pairs| pairs.number("seconds").map(|n| n.to_string()), "\"1s\", no number"),
            ("seconds|-1", |pairs| pairs.number("seconds").map(|n| n.to_string()), "\"-1\", no number"),
        ];
        for (data, read, part) in cases {
            let refused = Pairs::parse(data, "this", KNOWN).and_then(|pairs| read(&pairs)).unwrap_err();
            assert!(refused.contains(part), "{data}: {refused}");
        }
    }
}
