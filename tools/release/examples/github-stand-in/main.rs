//! `github-stand-in`: a stand-in of GitHub for rehearsals. docs/publishing.md shows one.
//!
//! It prints the address of its API and runs until its standard input ends.

#[allow(dead_code, unused_imports, reason = "the rest is for the tests")]
mod stand_in;

use clap::Parser;
use stand_in::StandIn;
use std::io::{self, Read};

/// A stand-in of GitHub's API for rehearsals
#[derive(Parser)]
struct Arguments {
    /// The token that it takes
    #[arg(long, default_value = "rehearsal")]
    token: String,
    /// A repository: OWNER/NAME; may be repeated
    #[arg(long = "repository", value_name = "NAME", required = true)]
    repositories: Vec<String>,
    /// A tag of the first repository, as TAG=SHA; may be repeated
    #[arg(long = "tag", value_name = "TAG=SHA")]
    tags: Vec<String>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let stand_in = StandIn::start(&arguments.token)?;
    for name in &arguments.repositories {
        stand_in.state().add(name, "main", &[("README.md", "a rehearsal\n")]);
    }
    for tag in &arguments.tags {
        let (tag, commit) = tag.split_once('=').ok_or_else(|| io::Error::other("--tag is to be TAG=SHA"))?;
        stand_in.state().tag(&arguments.repositories[0], tag, commit, true);
    }
    println!("{}", stand_in.api());
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
