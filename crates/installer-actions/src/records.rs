//! The data of an action, as a text property carries it: a record a line, its fields separated by `|`.
//!
//! Neither character can be in a Windows path; [`crate::settings`] refuses them in everything that people give.

use std::collections::BTreeMap;

/// The fields of every record that has any.
pub fn parse(data: &str) -> Vec<Vec<&str>> {
    data.lines().filter(|line| !line.is_empty()).map(|line| line.split('|').collect()).collect()
}

/// Records of two fields, by the first. A field may contain `|` only if it is the second.
pub fn pairs(data: &str) -> BTreeMap<&str, &str> {
    data.lines().filter_map(|line| line.split_once('|')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a field or a record is lost, or an empty one is taken for none.
    #[test]
    fn reads_records() {
        assert_eq!(parse("a|b|\n\nc||d\n"), [vec!["a", "b", ""], vec!["c", "", "d"]]);
        assert_eq!(parse(""), Vec::<Vec<&str>>::new());
        let map = pairs("name|x\ncommand|\"a b\" | c\nempty|\nnothing\n");
        assert_eq!(map["command"], "\"a b\" | c");
        assert_eq!((map["name"], map["empty"], map.len()), ("x", "", 3));
    }
}
