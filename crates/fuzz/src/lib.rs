//! Fuzzing with stable Rust and nothing to install: `cargo test -p fuzz`.
//!
//! A target is a test in `tests/`, its corpus a folder of small files in `corpus/`. Each file is tried as
//! it is; then files are changed at random, again and again, until the time is over: 10 seconds, or
//! `PYWATS_FUZZ_SECONDS`. An input that made the target answer in a new way is changed further, which
//! takes the place of measured coverage. An input that fails is kept in `target/fuzz/`: mend the fault,
//! then move the file into the corpus, so that it is tried for ever.

mod mutate;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutate::Mutator;

/// The longest input, in bytes: what is long takes time, and seldom finds more.
const MAX_INPUT: usize = 16 << 10;
/// Inputs that are changed further, at most.
const MAX_POOL: usize = 5000;

/// Gives a target its inputs until the time is over.
///
/// `check` panics if something is wrong with what became of an input. It returns in which way the
/// target answered (see [`way`]): few ways, not one for each input.
///
/// # Panics
/// As `check` does, after the input was written to `target/fuzz/`; and if there is no corpus.
pub fn run(target: &str, mut check: impl FnMut(&[u8]) -> u64) {
    let mut pool = corpus(target);
    let mutator = Mutator::new(&pool);
    let mut ways = HashSet::new();
    let mut tried = 0_u64;
    let mut attempt = |input: &[u8]| {
        tried += 1;
        let outcome = catch_unwind(AssertUnwindSafe(|| check(input)));
        ways.insert(outcome.unwrap_or_else(|panic| {
            eprintln!("{target}: failed with the input {}", keep(target, input).display());
            resume_unwind(panic)
        }))
    };
    for input in &pool {
        attempt(input);
    }
    let mut random = fastrand::Rng::new();
    let end = Instant::now() + time();
    while Instant::now() < end {
        let input = mutator.changed(&pool, &mut random);
        if attempt(&input) {
            if pool.len() < MAX_POOL {
                pool.push(input);
            } else {
                let place = random.usize(..pool.len());
                pool[place] = input;
            }
        }
    }
    println!("{target}: {tried} inputs, {} ways to answer", ways.len());
}

/// A way to answer, made of what tells ways apart; words and numbers that come from the input are left
/// out of it.
pub fn way(kind: impl Hash, message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    // What stands in quotes was repeated from the input.
    let message = message.replace("\\\"", "");
    for (index, part) in message.split('"').enumerate() {
        if index % 2 == 0 {
            part.chars().filter(char::is_ascii_alphabetic).for_each(|c| c.hash(&mut hasher));
        }
    }
    hasher.finish()
}

fn time() -> Duration {
    let seconds = std::env::var("PYWATS_FUZZ_SECONDS").ok().map(|seconds| {
        seconds.parse().unwrap_or_else(|_| panic!("PYWATS_FUZZ_SECONDS={seconds}: write a number of seconds"))
    });
    Duration::from_secs(seconds.unwrap_or(10))
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let failed = |error: std::io::Error| -> ! { panic!("corpus {}: {error}", folder.display()) };
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| failed(error));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap_or_else(|error| failed(error)).path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "corpus {}: no file", folder.display());
    paths.iter().map(|path| std::fs::read(path).unwrap_or_else(|error| failed(error))).collect()
}

/// Writes an input where a person finds it.
fn keep(target: &str, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder.join(format!("{target}-{:016x}", hasher.finish()));
    if let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input)) {
        eprintln!("{}: {error}; the input is {:?}", path.display(), String::from_utf8_lossy(input));
    }
    path
}
