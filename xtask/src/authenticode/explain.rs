//! What osslsigncode says of a signature, in words that say what to do.

use super::signature::{Signature, TimeStamp};

/// What the lines begin with that say how a judgement ended.
const SIGNATURE: &str = "Signature verification: ";
const TIME_STAMP: &str = "Timestamp Server Signature verification: ";

const CHANGED: &str = "it was changed after it was signed, or the signature is that of another file";
const UNTRUSTED: &str = "nobody who is trusted vouches for the certificate (--ca-file names others)";

/// What it says, and what that means.
const MEANINGS: &[(&str, &str)] = &[
    (
        "certificate has expired",
        "the certificate has expired, and no valid time stamp says that it was signed before",
    ),
    ("certificate is not yet valid", "the certificate was not valid yet when it was signed"),
    ("certificate revoked", "the certificate was revoked"),
    ("self-signed certificate", UNTRUSTED),
    ("unable to get local issuer certificate", UNTRUSTED),
    ("unable to get issuer certificate", UNTRUSTED),
    (
        "Use the \"-CRLfile\" option",
        "the revocation list of the certificate cannot be fetched: look at the network, or leave it out with --offline",
    ),
];

/// What osslsigncode said: lines, and how it ended, if not well.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The lines that it printed.
    pub(crate) lines: Vec<String>,
    /// How it ended, if not well.
    pub(crate) failure: Option<String>,
}

impl Judgement {
    fn says(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }

    /// Whether a digest is not that of the file. The checksum in a program's header, of which the oldest version says the
    /// same, is no part of what is signed.
    fn is_changed(&self) -> bool {
        self.lines.iter().any(|line| line.contains("MISMATCH!!!") && !line.contains("PE checksum"))
    }

    /// Whether every line of this kind says `ok`, and there is one. Of several signatures it wants only one to be
    /// right. A description may hold any text, also such a line.
    fn is_ok(&self, kind: &str) -> bool {
        let mut outcomes = self.lines.iter().filter_map(|line| line.strip_prefix(kind)).peekable();
        outcomes.peek().is_some() && outcomes.all(|outcome| outcome == "ok")
    }

    /// What is wrong with the time stamp. It lets a bad one pass as long as the certificate is valid.
    pub(crate) fn time_stamp_problem(&self, stamp: &TimeStamp) -> Option<String> {
        // It does not come to the time stamp when something else is wrong before.
        let came_to_it = self.failure.is_none() || self.lines.iter().any(|line| line.starts_with(TIME_STAMP));
        if self.is_ok(TIME_STAMP) || !came_to_it {
            return None;
        }
        let who = &stamp.authority;
        Some(if self.says("Use the \"-TSA-CRLfile\" option") {
            format!(
                "the revocation list of the time stamp of {who} cannot be fetched: look at the network, or leave it out with --offline"
            )
        } else {
            format!(
                "the time stamp of {who} is not by somebody who is trusted (--tsa-ca-file names others), or is for something else"
            )
        })
    }

    /// What is wrong, besides what the signature itself shows.
    pub(crate) fn problems(&self, signature: &Signature) -> Vec<String> {
        let mut problems: Vec<String> =
            signature.time_stamp.iter().filter_map(|stamp| self.time_stamp_problem(stamp)).collect();
        if self.failure.is_none() && self.is_ok(SIGNATURE) && !self.is_changed() {
            return problems;
        }
        let before = problems.len();
        if self.is_changed() {
            problems.push(CHANGED.to_owned());
        }
        for (_, meaning) in MEANINGS.iter().filter(|(words, _)| self.says(words)) {
            let text = if *meaning == UNTRUSTED && !signature.has_issuer {
                format!(
                    "{UNTRUSTED}; the certificate of its issuer, {}, is not in the signature: unless it is the root, name it in chain when signing",
                    signature.issuer
                )
            } else {
                (*meaning).to_owned()
            };
            if !problems.contains(&text) {
                problems.push(text);
            }
        }
        if problems.len() == before && signature.problems.is_empty() {
            let unclear = || "osslsigncode does not say that the signature is right".to_owned();
            problems.push(self.failure.clone().unwrap_or_else(unclear));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> Signature {
        Signature {
            signer: "CN=signer".into(),
            issuer: "CN=issuer".into(),
            certificate_expires: String::new(),
            digest: "SHA-256".into(),
            description: None,
            url: None,
            time_stamp: Some(TimeStamp {
                time: String::new(),
                authority: "CN=tsa".into(),
                fits: true,
                problems: Vec::new(),
            }),
            problems: Vec::new(),
            has_issuer: true,
        }
    }

    /// Fails if: something that is not right is passed because the program ends well, or the reason is not said.
    #[test]
    fn says_what_is_wrong() {
        const GOOD: [&str; 2] = ["Timestamp Server Signature verification: ok", "Signature verification: ok"];
        let failed = Some("it failed");
        let cases: &[(&[&str], Option<&str>, &[&str])] = &[
            (&GOOD, None, &[]),
            (&GOOD, failed, &["it failed"]),
            (&GOOD[..1], None, &["does not say that the signature is right"]),
            (&GOOD[1..], None, &["the time stamp of CN=tsa is not by somebody"]),
            // One of several signatures is right.
            (&[GOOD[0], "Signature verification: failed", GOOD[1]], None, &["does not say"]),
            (&[GOOD[0], GOOD[1], "Calculated digest: 00 MISMATCH!!!"], None, &["it was changed"]),
            (&[GOOD[0], GOOD[1], "Calculated PE checksum: 00 MISMATCH!!!"], None, &[]),
            (&["Timestamp Server Signature verification: failed", GOOD[1]], None, &["the time stamp of"]),
            (
                &["Use the \"-TSA-CRLfile\" option", "Timestamp Server Signature verification: failed"],
                failed,
                &["of the time stamp of CN=tsa cannot be fetched", "it failed"],
            ),
            (&[GOOD[0], "Use the \"-CRLfile\" option"], failed, &["cannot be fetched"]),
            (&["Error: certificate revoked"], failed, &["revoked"]),
            (
                &["Error: self-signed certificate", "Error: unable to get issuer certificate"],
                failed,
                &["nobody who is trusted vouches"],
            ),
        ];
        for (lines, failure, expected) in cases {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let judgement = Judgement { lines, failure: failure.map(str::to_owned) };
            let problems = judgement.problems(&signature());
            let fits = problems.len() == expected.len()
                && problems.iter().zip(*expected).all(|(problem, words)| problem.contains(words));
            assert!(fits, "{:?}: {problems:?} instead of {expected:?}", judgement.lines);
        }
        let lonely = Signature { has_issuer: false, ..signature() };
        let lines = vec!["Error: unable to get local issuer certificate".to_owned()];
        let judgement = Judgement { lines, failure: Some("it failed".to_owned()) };
        assert!(judgement.problems(&lonely)[0].contains("CN=issuer, is not in the signature"));
    }
}
