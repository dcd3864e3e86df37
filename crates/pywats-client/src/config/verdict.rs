//! What a change of the configuration has made worse: the problems that `check` would name afterwards, without those
//! that it named before.

use super::{Config, Loaded, Secret};
use crate::upload;

/// Address and token where there is none, so that what else there is can be judged.
const SOME_ADDRESS: &str = "https://company.wats.com";
const SOME_TOKEN: &str = "dXNlcjpwYXNzd29yZA==";

/// Whether address, token, proxy and CA file can be used, each also where the others are not set yet.
///
/// # Errors
/// What is wrong and what to write.
pub fn usable(config: &Config) -> Result<(), String> {
    let mut config = config.clone();
    config.server.url.get_or_insert_with(|| SOME_ADDRESS.to_owned());
    config.server.token.get_or_insert_with(|| Secret::new(SOME_TOKEN));
    upload::client(&config).map(drop).map_err(|failure| failure.to_string())
}

/// The problems of `after` that `before` has not. `rest` is the configuration without what was changed: what is wrong
/// with that, something else in `before` has hidden.
pub(super) fn caused(before: &Loaded, after: &Loaded, rest: impl FnOnce() -> Loaded) -> Vec<String> {
    // To try the way to the server takes a while: only where it is another one.
    let tried = before.config.server != after.config.server;
    let known = problems(before, tried);
    let mut new = problems(after, tried);
    new.retain(|problem| !known.contains(problem));
    if !new.is_empty() {
        let known = problems(&rest(), tried);
        new.retain(|problem| !known.contains(problem));
    }
    // Where there was a token, a file without one stops the service; else it may be made later.
    if before.config.server.token.is_some() && after.config.server.token.is_none() {
        new.extend(after.missing.iter().filter(|what| what.starts_with("token file")).cloned());
    }
    new
}

fn problems(loaded: &Loaded, tried: bool) -> Vec<String> {
    let unusable = if tried { usable(&loaded.config).err() } else { None };
    loaded.errors.iter().cloned().chain(unusable).collect()
}
