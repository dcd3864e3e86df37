//! Conditions: the grammar of the
//! [conditional statement syntax](https://learn.microsoft.com/en-us/windows/win32/msi/conditional-statement-syntax).
//!
//! ```text
//! expression = term, { ("AND" | "OR" | "XOR" | "EQV" | "IMP"), term };
//! term       = "NOT", term | "(", expression, ")" | value, [ operator, value ];
//! value      = property | "%", environment | ("$" | "?"), component | ("&" | "!"), feature
//!            | integer | '"', text, '"';
//! operator   = [ "~" ], ("=" | "<>" | ">" | ">=" | "<" | "<=" | "><" | "<<" | ">>");
//! ```
//!
//! Which operator binds closer does not matter here: a condition is parsed to know whether Windows can, and
//! what it refers to.

/// How deep parentheses may be nested. Nobody writes more; without a limit a file could exhaust the stack.
const DEPTH: usize = 64;

/// What a condition refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol<'a> {
    /// A property, or a folder.
    Property(&'a str),
    /// The action or installed state of a component.
    Component(&'a str),
    /// The action or installed state of a feature.
    Feature(&'a str),
}

/// Parses a condition, and returns what it refers to. An empty condition is always true.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn parse(text: &str) -> Result<Vec<Symbol<'_>>, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, symbols: Vec::new(), depth: 0 };
    if parser.tokens.is_empty() {
        return Ok(Vec::new());
    }
    parser.expression()?;
    match parser.tokens.get(parser.at) {
        None => Ok(parser.symbols),
        Some((place, text, _)) => {
            Err(format!("{text:?} at character {place} is one too many: join terms with AND or OR"))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Not,
    /// AND, OR, XOR, EQV, IMP.
    Join,
    Compare,
    Literal,
    Symbol(Option<Symbol<'a>>),
}

/// Comparing operators, longest first.
const OPERATORS: &[&str] = &["><", "<<", ">>", "<>", "<=", ">=", "=", "<", ">"];

/// A token with the number of its first character, from 1, and its text.
type Placed<'a> = (usize, &'a str, Token<'a>);

fn tokens(text: &str) -> Result<Vec<Placed<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let place = text[..text.len() - rest.len()].chars().count() + 1;
        let (token, length) =
            token(rest, first).map_err(|reason| format!("at character {place}: {reason}"))?;
        tokens.push((place, &rest[..length], token));
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The token at the start, and how many bytes it takes.
fn token(rest: &str, first: char) -> Result<(Token<'_>, usize), String> {
    let compare = rest.strip_prefix('~').unwrap_or(rest);
    if let Some(operator) = OPERATORS.iter().find(|operator| compare.starts_with(**operator)) {
        return Ok((Token::Compare, rest.len() - compare.len() + operator.len()));
    }
    match first {
        '(' => Ok((Token::Open, 1)),
        ')' => Ok((Token::Close, 1)),
        '"' => match rest[1..].find('"') {
            Some(end) => Ok((Token::Literal, end + 2)),
            None => Err("the text does not end: add the second '\"'".to_owned()),
        },
        '-' | '0'..='9' => number(rest),
        '%' | '$' | '?' | '&' | '!' => {
            let name = identifier(&rest[1..]);
            if name.is_empty() {
                return Err(format!("{first:?} has to be followed by a name"));
            }
            let symbol = match first {
                '%' => None,
                '$' | '?' => Some(Symbol::Component(name)),
                _ => Some(Symbol::Feature(name)),
            };
            Ok((Token::Symbol(symbol), 1 + name.len()))
        }
        _ => word(rest, first),
    }
}

fn number(rest: &str) -> Result<(Token<'_>, usize), String> {
    let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
    match rest[..digits].parse::<i32>() {
        Ok(_) => Ok((Token::Literal, digits)),
        Err(_) => Err(format!("{:?} is no number", &rest[..digits])),
    }
}

fn word(rest: &str, first: char) -> Result<(Token<'_>, usize), String> {
    let name = identifier(rest);
    if name.is_empty() {
        return Err(format!("{first:?} is part of nothing that a condition has"));
    }
    let token = match name.to_ascii_uppercase().as_str() {
        "NOT" => Token::Not,
        "AND" | "OR" | "XOR" | "EQV" | "IMP" => Token::Join,
        _ => Token::Symbol(Some(Symbol::Property(name))),
    };
    Ok((token, name.len()))
}

/// The identifier at the start.
fn identifier(text: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let end = text.find(|c: char| !plain(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}

struct Parser<'a> {
    tokens: Vec<Placed<'a>>,
    at: usize,
    symbols: Vec<Symbol<'a>>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<Placed<'a>> {
        let next = self.tokens.get(self.at).copied();
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(.., token)| *token)
    }

    fn expression(&mut self) -> Result<(), String> {
        self.term()?;
        while self.peek() == Some(Token::Join) {
            self.at += 1;
            self.term()?;
        }
        Ok(())
    }

    fn term(&mut self) -> Result<(), String> {
        // A loop, not recursion: a file may say NOT as often as it likes.
        while self.peek() == Some(Token::Not) {
            self.at += 1;
        }
        if self.peek() != Some(Token::Open) {
            self.value()?;
            if self.peek() == Some(Token::Compare) {
                self.at += 1;
                self.value()?;
            }
            return Ok(());
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("parentheses are nested more than {DEPTH} deep"));
        }
        self.expression()?;
        self.depth -= 1;
        match self.next() {
            Some((.., Token::Close)) => Ok(()),
            _ => Err("a \"(\" has no \")\"".to_owned()),
        }
    }

    fn value(&mut self) -> Result<(), String> {
        match self.next() {
            Some((.., Token::Literal | Token::Symbol(None))) => Ok(()),
            Some((.., Token::Symbol(Some(symbol)))) => {
                self.symbols.push(symbol);
                Ok(())
            }
            Some((place, text, _)) => {
                Err(format!("{text:?} at character {place} stands where a value has to be"))
            }
            None => Err("it ends where a value has to be".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a condition that Windows evaluates is refused, or its symbols are not found.
    #[test]
    fn parses_conditions() {
        use Symbol::{Component, Feature, Property};
        let cases: &[(&str, &[Symbol<'_>])] = &[
            ("", &[]),
            ("1", &[]),
            ("Installed OR VersionNT >= 603", &[Property("Installed"), Property("VersionNT")]),
            ("NOT (A = \"0\") AND NOT(B~<>\"x\")", &[Property("A"), Property("B")]),
            ("$Comp>2 and ?Comp=-7", &[Component("Comp"), Component("Comp")]),
            ("&Feat = 3 AND NOT !Feat = 3", &[Feature("Feat"), Feature("Feat")]),
            ("%PATH ~>< \"bin\" XOR A<<\"a\" EQV A>>\"b\"", &[Property("A"), Property("A")]),
            ("not not A imp b.c", &[Property("A"), Property("b.c")]),
            ("A>=B AND (C<=1 OR (D))", &[Property("A"), Property("B"), Property("C"), Property("D")]),
        ];
        for (text, symbols) in cases {
            assert_eq!(parse(text).as_deref(), Ok(*symbols), "{text}");
        }
    }

    /// Fails if: a condition is accepted that Windows cannot evaluate, or the error does not say where.
    #[test]
    fn refuses_what_is_no_condition() {
        let deep = "(".repeat(100_000);
        for (text, complaint) in [
            ("A B", "\"B\" at character 3 is one too many"),
            ("A AND", "it ends where a value has to be"),
            ("AND A", "at character 1 stands where a value"),
            ("(A", "a \"(\" has no \")\""),
            ("A)", "\")\" at character 2 is one too many"),
            ("()", "stands where a value has to be"),
            ("A = \"x", "at character 5: the text does not end"),
            ("A = (B)", "\"(\" at character 5 stands where a value"),
            ("(A) = 1", "\"=\" at character 5 is one too many"),
            ("A == 1", "\"=\" at character 4"),
            ("$ = 1", "'$' has to be followed by a name"),
            ("[A] = 1", "'[' is part of nothing"),
            ("A = 'x'", "'\\'' is part of nothing"),
            ("A = 99999999999", "is no number"),
            ("A && B", "'&' has to be followed by a name"),
            ("prüf", "'ü' is part of nothing"),
            (&deep, "nested more than 64"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(complaint), "{text}: {complaint:?} is not in {error:?}");
        }
    }
}
