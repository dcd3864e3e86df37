//! The data of an action, as a text property carries it: a record a line, its fields separated by `|`.
//!
//! Neither character can be in a Windows path; [`crate::settings`] refuses them in everything that people give.

use std::collections::BTreeMap;

/// The fields of every record that has any.
pub fn parse(data: &str) -> Vec<Vec<&str>> {
    data.lines().filter(|line| !line.is_empty()).map(|line| line.split('|').collect()).collect()
}

/// Records of two fields, by the first. A field may contain `|` only if it is the second.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Pairs<'a> {
    /// Reads them; what has no second field is left out.
    pub fn parse(data: &'a str) -> Pairs<'a> {
        Pairs(data.lines().filter_map(|line| line.split_once('|')).collect())
    }

    /// The second field of a record; empty if there is no such record.
    pub fn text(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The second field as a number, if it is one.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.text(name).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a field or a record is lost, or an empty one is taken for none.
    #[test]
    fn reads_records() {
        assert_eq!(parse("a|b|\n\nc||d\n"), [vec!["a", "b", ""], vec!["c", "", "d"]]);
        assert_eq!(parse(""), Vec::<Vec<&str>>::new());
        let pairs = Pairs::parse("name|x\ncommand|\"a b\" | c\nempty|\nnothing\nseconds|60\n");
        assert_eq!(pairs.text("command"), "\"a b\" | c");
        assert_eq!((pairs.text("name"), pairs.text("empty"), pairs.text("nothing")), ("x", "", ""));
        assert_eq!(
            (pairs.number("seconds"), pairs.number("name"), pairs.number("empty")),
            (Some(60), None, None)
        );
    }
}
