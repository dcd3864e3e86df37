//! Why a certificate is not accepted and what to do about it, in plain words.
//!
//! Certificates are those of [RFC 5280](https://www.rfc-editor.org/rfc/rfc5280). The advice depends on what was
//! done already: nobody is told to name a certificate that the CA file holds.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::name::Name;

/// `commonName` and `organizationName` of X.520.
const NAMES: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("2.5.4.3"), ObjectIdentifier::new_unwrap("2.5.4.10")];

/// What Windows answers where an issuer is missing: `CERT_E_CHAINING`, and in Wine `CERT_E_REVOCATION_FAILURE`.
const WITHOUT_ISSUER: [&str; 2] = ["-2146762486", "-2146762482"];

/// What is trusted besides the system's authorities.
#[derive(Debug, Default)]
pub(super) struct Trust {
    pub(super) ca_file: Option<PathBuf>,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Why a certificate is not accepted, as the message of an error.
#[derive(Debug)]
pub(super) struct Advice(String);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Advice {}

/// Whether it is the time of a certificate.
///
/// # Errors
/// If the certificate cannot be read, is not valid yet, or not any more.
pub(super) fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let read = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = read.tbs_certificate.validity;
    let time = |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
    if now < not_before {
        Err(CertificateError::NotValidYetContext { time: now, not_before })
    } else if now > not_after {
        Err(CertificateError::ExpiredContext { time: now, not_after })
    } else {
        Ok(())
    }
}

/// Says why the first certificate of this chain was not accepted for `name`, and what to do.
pub(super) fn advise(
    error: &CertificateError,
    chain: &[&CertificateDer<'_>],
    name: &str,
    trust: &Trust,
    now: UnixTime,
) -> Advice {
    let why = chain.first().and_then(|certificate| Certificate::from_der(certificate).ok()).map_or_else(
        || format!("it cannot be read ({error}); have a new one made for the server"),
        |certificate| reason(error, &certificate, chain, name, trust, now),
    );
    Advice(format!("the certificate that {name} shows is not accepted: {why}"))
}

fn reason(
    error: &CertificateError,
    certificate: &Certificate,
    chain: &[&CertificateDer<'_>],
    name: &str,
    trust: &Trust,
    now: UnixTime,
) -> String {
    let validity = &certificate.tbs_certificate.validity;
    let clock = date(now);
    let (from, until) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    match error {
        // Windows says of both that the certificate is expired.
        _ if is_about_time(error) && now.as_secs() < from.as_secs() => format!(
            "it is valid from {}, and this machine's clock says {clock}; correct the clock",
            date(UnixTime::since_unix_epoch(from))
        ),
        _ if is_about_time(error) && now.as_secs() > until.as_secs() => format!(
            "it ran out on {}; the server needs a new one (or correct this machine's clock, which says {clock})",
            date(UnixTime::since_unix_epoch(until))
        ),
        _ if is_about_time(error) => format!(
            "one that it depends on has run out or is not valid yet; the server's administrator must replace it \
             (or correct this machine's clock, which says {clock})"
        ),
        CertificateError::NotValidForName => other_name(&[], name),
        CertificateError::NotValidForNameContext { presented, .. } => other_name(presented, name),
        CertificateError::Revoked => {
            "its authority has revoked it; the server's administrator must replace it".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not made for servers; have a new one made with the purpose \"server authentication\""
                .to_owned()
        }
        _ if certificate.tbs_certificate.issuer == certificate.tbs_certificate.subject => {
            self_signed(certificate, trust)
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => unknown_issuer(chain, trust),
        CertificateError::Other(other)
            if WITHOUT_ISSUER.iter().any(|code| other.to_string().contains(code)) =>
        {
            unknown_issuer(chain, trust)
        }
        _ => format!("it cannot be used ({error}); have a new one made for the server"),
    }
}

fn is_about_time(error: &CertificateError) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}

fn other_name(presented: &[String], name: &str) -> String {
    // `DnsName("a.example")` and `IpAddress(127.0.0.1)`, as they are handed over.
    let plain = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        inner.trim_matches('"').to_owned()
    };
    let names: Vec<String> = presented.iter().take(10).map(plain).collect();
    if names.is_empty() {
        format!(
            "it is not made out for {name}; use the name that the certificate was \
             issued for, or have one made with the subject alternative name {name}"
        )
    } else {
        format!(
            "it is made out for {}, not for {name}; use the name that the certificate was issued for in the \
             server's address, or have one made for {name}",
            names.join(", ")
        )
    }
}

fn self_signed(certificate: &Certificate, trust: &Trust) -> String {
    let who = text(&certificate.tbs_certificate.subject);
    match &trust.ca_file {
        None => format!(
            "it is self-signed ({who}); if it is the server's own, export it as PEM and name it as the CA file"
        ),
        Some(path) => format!(
            "it is self-signed ({who}) and not the one in the CA file {}; the server has another one now: export \
             it again",
            path.display()
        ),
    }
}

/// Follows the chain from the server's certificate as far as it goes, in whatever order it was sent.
fn unknown_issuer(chain: &[&CertificateDer<'_>], trust: &Trust) -> String {
    let sent: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let Some(mut top) = sent.first() else { return "it cannot be read".to_owned() };
    // No chain is longer than what was sent, and one that runs in a circle ends.
    for _ in 0..sent.len() {
        let issuer = &top.tbs_certificate.issuer;
        match sent.iter().find(|other| other.tbs_certificate.subject == *issuer) {
            Some(next) => top = next,
            None => break,
        }
    }
    let issuer = &top.tbs_certificate.issuer;
    let root_was_sent = *issuer == top.tbs_certificate.subject;
    let who = text(issuer);
    let Some(path) = &trust.ca_file else {
        return if root_was_sent {
            format!(
                "it was issued by {who}, which this machine does not trust; if that is your company's authority, or \
                 that of a proxy that looks into traffic, export its certificate as PEM and name it as the CA file"
            )
        } else {
            format!(
                "it was issued by {who}, which this machine does not know; if that is your company's authority, or \
                 that of a proxy that looks into traffic, export its certificate as PEM and name it as the CA file; \
                 if it is a public one, the server does not send the certificate between (intermediate): its \
                 administrator must install the whole chain"
            )
        };
    };
    let path = path.display();
    let of_that_name = |der: &CertificateDer<'_>| {
        Certificate::from_der(der).is_ok_and(|certificate| certificate.tbs_certificate.subject == *issuer)
    };
    if trust.certificates.iter().any(of_that_name) {
        format!(
            "it was issued by {who}, but not with the key of the certificate of that name in the CA file {path}; the \
             authority has a new certificate: export it again"
        )
    } else if root_was_sent {
        format!(
            "it was issued by {who}, which is not in the CA file {path}; if that is your company's authority, or that \
             of a proxy that looks into traffic, add its certificate to the file"
        )
    } else {
        format!(
            "it was issued by {who}, whose certificate neither the server sends nor the CA file {path} holds; if {who} \
             stands between (intermediate), the server's administrator must install the whole chain; adding its \
             certificate to the CA file helps, too"
        )
    }
}

/// The common name or else the organisation, in quotes; all of the name where it has neither.
fn text(name: &Name) -> String {
    let parts = || name.0.iter().flat_map(|part| part.0.iter());
    let of = |oid: &ObjectIdentifier| {
        let value = &parts().find(|part| part.oid == *oid)?.value;
        let text = Utf8StringRef::try_from(value)
            .map(|text| text.as_str().to_owned())
            .or_else(|_| PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| TeletexStringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| Ia5StringRef::try_from(value).map(|text| text.as_str().to_owned()));
        text.ok()
    };
    let shown = NAMES.iter().find_map(of).unwrap_or_else(|| name.to_string());
    format!("{:?}", super::body::one_line(&shown))
}

fn date(time: UnixTime) -> String {
    let second = i64::try_from(time.as_secs()).ok().and_then(|second| Timestamp::from_second(second).ok());
    second.map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    type Issuer = CertifiedIssuer<'static, KeyPair>;

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(vec!["wats.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    fn authority(name: &str, issuer: Option<&Issuer>) -> Issuer {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        match issuer {
            Some(issuer) => CertifiedIssuer::signed_by(params, key, issuer).unwrap(),
            None => CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    fn server(issuer: &Issuer) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        params("the server").signed_by(&key, issuer).unwrap().der().clone()
    }

    /// Fails if: the advice is for another cause, or what was just done.
    #[test]
    fn says_what_to_do() {
        let root = authority("Company Root", None);
        let same_name = authority("Company Root", None);
        let between = authority("Company Issuing", Some(&root));
        let (from_root, from_between) = (server(&root), server(&between));
        let own = {
            let key = KeyPair::generate().unwrap();
            params("the server").self_signed(&key).unwrap().der().clone()
        };
        let unknown = CertificateError::UnknownIssuer;
        let none = Vec::new;
        let ders =
            |issuers: &[&Issuer]| issuers.iter().map(|issuer| issuer.der().clone()).collect::<Vec<_>>();
        // The error, what the server sends, what the CA file holds, what is said, and what not.
        let cases = [
            (
                &unknown,
                vec![own.clone()],
                none(),
                "it is self-signed (\"the server\"); if it is the server's own",
                "again",
            ),
            (&unknown, vec![own.clone()], ders(&[&root]), "not the one in the CA file /ca.pem", "name it"),
            (
                &unknown,
                vec![from_root.clone()],
                none(),
                "issued by \"Company Root\", which this machine does not know",
                "again",
            ),
            (
                &unknown,
                vec![from_root.clone(), root.der().clone()],
                none(),
                "which this machine does not trust",
                "between",
            ),
            (
                &unknown,
                vec![from_root.clone()],
                ders(&[&same_name]),
                "the authority has a new certificate",
                "name it",
            ),
            (
                &unknown,
                vec![from_root.clone(), root.der().clone()],
                ders(&[&between]),
                "add its certificate to the file",
                "name it",
            ),
            (
                &unknown,
                vec![from_between.clone()],
                ders(&[&root]),
                "\"Company Issuing\", whose certificate neither the server sends",
                "name it",
            ),
            (
                &unknown,
                vec![from_between.clone(), root.der().clone(), between.der().clone()],
                none(),
                "issued by \"Company Root\", which this machine does not trust",
                "again",
            ),
            (
                &CertificateError::NotValidForName,
                vec![own.clone()],
                none(),
                "use the name that the certificate was issued for",
                "self-signed",
            ),
            (&CertificateError::Revoked, vec![own.clone()], none(), "revoked", "self-signed"),
            (
                &CertificateError::BadEncoding,
                vec![CertificateDer::from(vec![1, 2, 3])],
                none(),
                "cannot be read",
                "CA file",
            ),
            (
                &CertificateError::UnhandledCriticalExtension,
                vec![from_root.clone()],
                none(),
                "have a new one made",
                "CA file",
            ),
        ];
        for (error, chain, certificates, part, not) in cases {
            let ca_file = (!certificates.is_empty()).then(|| PathBuf::from("/ca.pem"));
            let chain: Vec<_> = chain.iter().collect();
            let advice =
                advise(error, &chain, "wats.example", &Trust { ca_file, certificates }, UnixTime::now());
            let advice = advice.to_string();
            assert!(
                advice.starts_with("the certificate that wats.example shows is not accepted: it"),
                "{advice}"
            );
            assert!(advice.contains(part), "{advice}");
            assert!(!advice.contains(not), "{advice}");
        }
    }

    /// Fails if: a certificate is accepted outside of its time, or the clock is not shown where it may be wrong.
    #[test]
    fn judges_the_time() {
        let mut params = params("the server");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        let at = |text: &str| {
            let time: Timestamp = text.parse().unwrap();
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(time.as_second().try_into().unwrap()))
        };
        let cases = [
            (
                "2019-12-31T23:59:59Z",
                Some("valid from 2020-01-01 00:00 UTC, and this machine's clock says 2019-12-31 23:59 UTC"),
            ),
            ("2020-01-01T00:00:00Z", None),
            ("2021-01-01T00:00:00Z", None),
            ("2021-01-01T00:00:01Z", Some("ran out on 2021-01-01 00:00 UTC")),
        ];
        for (now, wanted) in cases {
            let found = check_time(&der, at(now));
            assert_eq!(found.is_err(), wanted.is_some(), "{now}");
            // As Windows says it, in either case.
            for error in [found.err(), wanted.map(|_| CertificateError::Expired)].into_iter().flatten() {
                let advice = advise(&error, &[&der], "x", &Trust::default(), at(now)).to_string();
                assert!(advice.contains(wanted.unwrap_or_default()), "{advice}");
            }
        }
    }
}
