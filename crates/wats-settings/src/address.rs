//! The address of the WATS server, by the [URL standard](https://url.spec.whatwg.org/).

use url::Url;

/// Turns the address that a person wrote into the root of the server, without a trailing slash or `/api`.
///
/// # Errors
/// For everything that is not the address of an HTTP server. The address itself is not repeated: it may hold
/// a password.
pub fn server(address: &str) -> Result<Url, String> {
    const WANTED: &str = "write it as in https://company.wats.com";
    let address = address.trim();
    if address.is_empty() {
        return Err(format!("the server's address is missing; {WANTED}"));
    }
    let mut url = Url::parse(address)
        .map_err(|error| format!("the server's address cannot be read: {error}; {WANTED}"))?;
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "does not start with https:// or http://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user name or password, which belong into the API token"
    } else if url.query().is_some() || url.fragment().is_some() {
        "holds a query or a fragment"
    } else {
        let path = url.path().trim_end_matches('/');
        let is_api = path.to_ascii_lowercase().ends_with("/api");
        let root = if is_api { &path[..path.len() - "/api".len()] } else { path };
        let root = root.trim_end_matches('/').to_owned();
        url.set_path(&root);
        return Ok(url);
    };
    Err(format!("the server's address {problem}; {WANTED}"))
}
