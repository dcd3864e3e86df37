//! What IIS, ASP.NET, firewalls and proxies answer in place of a WATS server: the status, the type of content, and
//! the words by which an engineer knows them. Their layout is of no matter, so it is not theirs.

use crate::answer::Answer;

const HTML: &str = "text/html; charset=us-ascii";

fn page(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head>\r\n\
         <body><h2>{title}</h2>\r\n<p>{text}</p></body></html>\r\n"
    )
}

fn html(code: u16, title: &str, text: &str) -> Answer {
    Answer::status_with_body(code, HTML, &page(title, text))
}

fn with_header(answer: Answer, name: &str, value: &str) -> Answer {
    match answer {
        Answer::Status { code, mut headers, body } => {
            headers.push((name.to_owned(), value.to_owned()));
            Answer::Status { code, headers, body }
        }
        other => other,
    }
}

/// IIS: no site is bound to the name of the host.
pub fn invalid_hostname() -> Answer {
    html(400, "Bad Request - Invalid Hostname", "HTTP Error 400. The request hostname is invalid.")
}

/// IIS: the body is larger than `maxAllowedContentLength`. It is a 404, with 13 as the sub-status.
pub fn content_length_too_large() -> Answer {
    html(
        404,
        "404 - File or directory not found.",
        "HTTP Error 404.13 - Not Found. The request filtering module is configured to deny a request that \
         exceeds the request content length.",
    )
}

/// IIS: the application is stopped.
pub fn application_stopped() -> Answer {
    html(503, "Service Unavailable", "HTTP Error 503. The service is unavailable.")
}

/// IIS: the right to the folder is missing.
pub fn forbidden() -> Answer {
    html(403, "403 - Forbidden: Access is denied.", "You do not have permission to view this page.")
}

/// IIS: another application is at this address.
pub fn not_found() -> Answer {
    html(
        404,
        "404 - File or directory not found.",
        "The resource you are looking for might have been removed.",
    )
}

/// IIS: WebDAV or a static site is at this address.
pub fn method_not_allowed() -> Answer {
    with_header(
        html(405, "405 - HTTP verb not allowed", "The HTTP verb used is not allowed."),
        "Allow",
        "GET",
    )
}

/// ASP.NET: faults by the field, with `ModelState`.
pub fn model_state() -> Answer {
    Answer::status_with_json(
        400,
        r#"{"Message":"The request is invalid.","ModelState":{"report.processCode":["The process 4711 does not exist.","Choose another process."],"report.pn":["The part number is too long."]}}"#,
    )
}

/// ASP.NET: an exception, with its message and stack trace.
pub fn exception() -> Answer {
    Answer::status_with_json(
        500,
        r#"{"Message":"An error has occurred.","ExceptionMessage":"Timeout expired.","ExceptionType":"System.Data.SqlClient.SqlException","StackTrace":"   at A()\r\n   at B()"}"#,
    )
}

/// ASP.NET Core: faults by the field, as RFC 9457 (problem details).
pub fn problem_details() -> Answer {
    Answer::status_with_body(
        400,
        "application/problem+json; charset=utf-8",
        r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more validation errors occurred.","status":400,"detail":"The report cannot be stored.","errors":{"processCode":["The process 4711 does not exist."],"pn":["The part number is too long."]},"traceId":"00-1"}"#,
    )
}

/// WATS: a text of many lines, one per fault.
pub fn many_lines() -> Answer {
    Answer::status_with_body(
        400,
        "text/plain; charset=utf-8",
        "root -> step A -> loop B: num is required to be one more than endingIndex.\r\n\
         root -> step C: status is required.\r\nprocessCode: 4711 does not exist.\r\n",
    )
}

/// A firewall's page that blocks the request.
pub fn blocked() -> Answer {
    html(403, "Web Page Blocked!", "Access to this address was blocked by policy. Incident 0815.")
}

/// A proxy or a firewall: the body is too large.
pub fn payload_too_large() -> Answer {
    html(413, "413 Request Entity Too Large", "nginx")
}

/// A proxy that wants to know who is asking.
pub fn proxy_authentication() -> Answer {
    with_header(
        html(407, "Proxy Authentication Required", "Cache access denied."),
        "Proxy-Authenticate",
        "Basic realm=\"proxy\"",
    )
}

/// A proxy whose server is gone.
pub fn bad_gateway() -> Answer {
    html(502, "502 Bad Gateway", "nginx")
}

/// A proxy whose server is too slow.
pub fn gateway_timeout() -> Answer {
    html(504, "504 Gateway Time-out", "The server didn't respond in time.")
}

/// A proxy that was given a request for another server.
pub fn misdirected() -> Answer {
    html(421, "Misdirected Request", "The client needs a new connection for this request.")
}

/// A guest network: RFC 6585, section 6.
pub fn captive_portal() -> Answer {
    html(511, "Network Authentication Required", "You need to log in to the network.")
}

/// A login page where the answer should be, as a single sign-on in front of the server gives it.
pub fn login() -> Answer {
    html(200, "Sign in", "<form>Please log in</form>")
}

/// A redirect to a login page.
pub fn redirect(location: &str) -> Answer {
    with_header(html(302, "Object moved", "Object moved to here."), "Location", location)
}

/// Every page with a name for messages, for tests that try them all.
pub fn all() -> Vec<(&'static str, Answer)> {
    vec![
        ("IIS: invalid hostname", invalid_hostname()),
        ("IIS: 404.13", content_length_too_large()),
        ("IIS: application stopped", application_stopped()),
        ("IIS: forbidden", forbidden()),
        ("IIS: not found", not_found()),
        ("IIS: method not allowed", method_not_allowed()),
        ("ASP.NET: ModelState", model_state()),
        ("ASP.NET: exception", exception()),
        ("ASP.NET Core: problem details", problem_details()),
        ("WATS: many lines", many_lines()),
        ("firewall: blocked", blocked()),
        ("proxy: too large", payload_too_large()),
        ("proxy: who are you", proxy_authentication()),
        ("proxy: bad gateway", bad_gateway()),
        ("proxy: gateway time-out", gateway_timeout()),
        ("proxy: misdirected", misdirected()),
        ("guest network: captive portal", captive_portal()),
        ("login page", login()),
        ("redirect", redirect("http://127.0.0.1:1/login")),
    ]
}
