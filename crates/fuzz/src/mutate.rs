//! Random changes: some that know nothing, some that keep the words of the format whole.

use fastrand::Rng;

use crate::MAX_INPUT;

/// Words that readers of text treat in a way of their own.
const WORDS: &[&[u8]] = &[
    b"null",
    b"true",
    b"false",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"\"NaN\"",
    b"-",
    b"0",
    b"-0.0",
    b"1e999",
    b"01",
    b"18446744073709551616",
    b"\"\"",
    b"\" \"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\\"",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xFE\xFF",
    b"\0",
    b"\0\0\0\0",
    b"\xC3",
    b"\xC3\xA9",
    b"\xF0\x9F\x98\x80",
    b"\r\n",
    b"\t",
    b"+01:00",
    b"+1:00",
    b"-00:30",
    b"Z",
    b"T",
    b"2026-03-29T02:30:00",
    b"2025-10-26T02:30:00",
    b"0001-01-01T00:00:00",
    b"9999-12-31T23:59:59",
    b"[Europe/Oslo]",
    b"\"id\":",
    b"\"ID\":",
    b"\"sn\":",
    b"\"start\":",
];

/// Makes new inputs of old ones.
pub(crate) struct Mutator {
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// Learns the words of a corpus.
    pub(crate) fn new(corpus: &[Vec<u8>]) -> Mutator {
        let mut words: Vec<Vec<u8>> = WORDS.iter().map(|word| word.to_vec()).collect();
        for input in corpus {
            words.extend(tokens(input).into_iter().map(|(start, end)| input[start..end].to_vec()));
        }
        words.sort();
        words.dedup();
        Mutator { words }
    }

    /// A changed input; the later ones of the pool are newer, and are taken more often.
    pub(crate) fn changed(&self, pool: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
        let one = |random: &mut Rng| &pool[random.usize(..pool.len()).max(random.usize(..pool.len()))];
        let mut input = one(random).clone();
        for _ in 0..=random.usize(..5) {
            let other = one(random);
            self.change(&mut input, other, random);
        }
        input.truncate(MAX_INPUT);
        input
    }

    fn change(&self, input: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
        let word = &self.words[random.usize(..self.words.len())];
        let at = random.usize(..=input.len());
        match random.u8(..12) {
            0 => drop(input.splice(at..at, word.iter().copied())),
            1..=3 => replace_token(input, word, random),
            4 => replace_token(input, b"", random),
            5 => {
                let (start, end) = range(other, random);
                drop(input.splice(at..at, other[start..end].iter().copied()));
            }
            6 => {
                let (start, end) = range(input, random);
                let again = input[start..end].to_vec();
                drop(input.splice(at..at, again));
            }
            7 => {
                let (start, end) = range(input, random);
                input.drain(start..end);
            }
            8 => input.truncate(at),
            9 => {
                let tail = random.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[tail..]);
            }
            10 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.u8(..);
                }
            }
        }
    }
}

fn range(input: &[u8], random: &mut Rng) -> (usize, usize) {
    let (a, b) = (random.usize(..=input.len()), random.usize(..=input.len()));
    (a.min(b), a.max(b))
}

fn replace_token(input: &mut Vec<u8>, word: &[u8], random: &mut Rng) {
    let tokens = tokens(input);
    if tokens.is_empty() {
        return;
    }
    let (start, end) = tokens[random.usize(..tokens.len())];
    drop(input.splice(start..end, word.iter().copied()));
}

/// Where texts in quotes, words and numbers stand.
fn tokens(input: &[u8]) -> Vec<(usize, usize)> {
    let part_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-');
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < input.len() {
        let start = at;
        at += 1;
        if input[start] == b'"' {
            while at < input.len() && input[at] != b'"' {
                at += 1 + usize::from(input[at] == b'\\');
            }
            at = (at + 1).min(input.len());
        } else if part_of_word(input[start]) {
            while at < input.len() && part_of_word(input[at]) {
                at += 1;
            }
        } else {
            continue;
        }
        tokens.push((start, at));
    }
    tokens
}
