//! A throw-away authority: roots, certificates, keys in every form, and a token. All of it is made by `openssl` and
//! the tools of tokens, not by what is tested.

use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The password of every file. Odd enough to be found wherever it should not be.
pub(in crate::suites) const PASSWORD: &str = "hush-4711-pAssword";
/// The PIN of the token.
pub(super) const PIN: &str = "90517362";

/// SoftHSM's library, where Debian has it.
const TOKEN_MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// What certificates may be used for.
const EXTENSIONS: &str = "\
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signing]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning
[serving]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[unlimited]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
[developer-id-application]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, codeSigning
1.2.840.113635.100.6.1.13 = critical, ASN1:NULL
[developer-id-installer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, 1.2.840.113635.100.4.13
1.2.840.113635.100.6.1.14 = critical, ASN1:NULL
[stamping]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
";

/// The configuration of `openssl ca`, the one command that sets both ends of a certificate's life.
const ISSUING: &str = "\
[ca]
default_ca = issuing
[issuing]
database = FOLDER/database
new_certs_dir = FOLDER
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
x509_extensions = signing
[any]
commonName = supplied
";

/// A folder with everything in it.
pub(in crate::suites) struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// Makes everything: `root` vouches for `issuer`, which vouches for `signing`; `tsa-root` for `tsa`; `other-root`
    /// for `strange-tsa`.
    pub(in crate::suites) fn make(folder: &Path) -> Result<Authority> {
        let authority = Authority { folder: folder.to_owned() };
        fs::write(authority.path("extensions"), EXTENSIONS)?;
        for root in ["root", "tsa-root", "other-root"] {
            authority.root(root)?;
        }
        authority.certificate("issuer", "root", "ca")?;
        authority.certificate("signing", "issuer", "signing")?;
        authority.certificate("tsa", "tsa-root", "stamping")?;
        authority.certificate("strange-tsa", "other-root", "stamping")?;
        fs::write(authority.path("password"), PASSWORD)?;
        fs::write(authority.path("wrong"), "not-the-pAssword\n")?;
        fs::write(authority.path("pin"), format!("{PIN}\n"))?;
        authority.forms()?;
        authority.token()?;
        Ok(authority)
    }

    /// The path of a file.
    pub(in crate::suites) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(in crate::suites) fn openssl(&self, words: &[&str]) -> Result<()> {
        // Files are named relative to the folder.
        tool("openssl", 30).args(words).current_dir(&self.folder).run()
    }

    fn root(&self, name: &str) -> Result<()> {
        let (key, certificate, subject) =
            (format!("{name}.key"), format!("{name}.pem"), format!("/CN=Test {name}"));
        let begin = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", &subject];
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        self.openssl(&[&begin[..], &usage, &["-keyout", &key, "-out", &certificate]].concat())
    }

    fn request(&self, name: &str, subject: &str) -> Result<()> {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        self.openssl(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", subject,
        ])
    }

    /// A certificate `name` that `issuer` vouches for, and what it is for.
    pub(in crate::suites) fn certificate(&self, name: &str, issuer: &str, usage: &str) -> Result<()> {
        self.certificate_of(name, &format!("/CN=Test {name}"), issuer, usage)
    }

    /// The same for somebody.
    pub(in crate::suites) fn certificate_of(
        &self,
        name: &str,
        subject: &str,
        issuer: &str,
        usage: &str,
    ) -> Result<()> {
        self.request(name, subject)?;
        let of = |name: &str, kind: &str| format!("{name}.{kind}");
        let (request, certificate) = (of(name, "csr"), of(name, "pem"));
        let (key, issuer) = (of(issuer, "key"), of(issuer, "pem"));
        let begin = ["x509", "-req", "-days", "20", "-in", &request, "-CA", &issuer, "-CAkey", &key];
        let end = ["-CAcreateserial", "-extfile", "extensions", "-extensions", usage, "-out", &certificate];
        self.openssl(&[&begin[..], &end].concat())
    }

    /// A code signing certificate `name` that ends at `end`, as `20261125024557Z`.
    pub(super) fn certificate_until(&self, name: &str, end: &str) -> Result<()> {
        self.certificate_with_end(name, "signing", end)
    }

    /// A certificate `name`, for a use, that ends at `end`.
    pub(in crate::suites) fn certificate_with_end(&self, name: &str, usage: &str, end: &str) -> Result<()> {
        self.request(name, &format!("/CN=Test {name}"))?;
        fs::write(self.path("database"), "")?;
        let issuing = ISSUING.replace("FOLDER", &self.folder.to_string_lossy());
        // The section `ca` has another meaning here.
        let usages = EXTENSIONS.find("[signing]").map_or("", |at| &EXTENSIONS[at..]);
        fs::write(self.path("issuing"), issuing + usages)?;
        let (request, certificate) = (format!("{name}.csr"), format!("{name}.pem"));
        let begin = ["ca", "-batch", "-notext", "-config", "issuing", "-cert", "issuer.pem"];
        let dates = ["-keyfile", "issuer.key", "-startdate", "20200101000000Z", "-enddate", end];
        let usage = ["-extensions", usage];
        self.openssl(&[&begin[..], &dates, &usage, &["-in", &request, "-out", &certificate]].concat())
    }

    /// The key with a password, and in a PKCS#12 file; the certificate with that of its issuer in one file.
    fn forms(&self) -> Result<()> {
        let both = ["signing.pem", "issuer.pem"].map(|name| fs::read_to_string(self.path(name)));
        fs::write(self.path("both.pem"), both.into_iter().collect::<std::io::Result<String>>()?)?;
        let hidden = ["-aes256", "-passout", "file:password"];
        let key = ["pkey", "-in", "signing.key", "-out", "signing-encrypted.key"];
        self.openssl(&[&key[..], &hidden].concat())?;
        let both =
            ["pkcs12", "-export", "-inkey", "signing.key", "-in", "signing.pem", "-certfile", "issuer.pem"];
        self.openssl(&[&both[..], &["-passout", "file:password", "-out", "signing.p12"]].concat())
    }

    /// A token of SoftHSM with key and certificate.
    fn token(&self) -> Result<()> {
        ensure!(Path::new(TOKEN_MODULE).is_file(), "there is no {TOKEN_MODULE} (Debian: softhsm2)");
        fs::create_dir(self.path("tokens"))?;
        let configuration =
            format!("directories.tokendir = {}\nlog.level = ERROR\n", self.path("tokens").display());
        fs::write(self.token_configuration(), configuration)?;
        self.openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", "signing.key", "-out", "signing.p8"])?;
        self.openssl(&["x509", "-in", "signing.pem", "-outform", "DER", "-out", "signing.der"])?;
        let softhsm = |words: &[&str]| {
            tool("softhsm2-util", 30)
                .args(words)
                .args(["--pin", PIN])
                .env("SOFTHSM2_CONF", self.token_configuration())
                .current_dir(&self.folder)
                .run()
        };
        softhsm(&["--init-token", "--free", "--label", "test", "--so-pin", "1234567"])?;
        softhsm(&["--import", "signing.p8", "--token", "test", "--label", "signing", "--id", "01"])?;
        tool("pkcs11-tool", 30)
            .args(["--module", TOKEN_MODULE, "--token-label", "test", "--login", "--pin", PIN])
            .args(["--write-object", "signing.der", "--type", "cert", "--label", "signing", "--id", "01"])
            .env("SOFTHSM2_CONF", self.token_configuration())
            .current_dir(&self.folder)
            .run()
    }

    /// Where SoftHSM finds the token: the value of `SOFTHSM2_CONF`.
    pub(super) fn token_configuration(&self) -> PathBuf {
        self.path("softhsm.conf")
    }

    /// The section `key` of a configuration, for a key that is kept in this way.
    pub(in crate::suites) fn key(&self, kept: &str) -> Result<String> {
        let path = |name: &str| format!("{:?}", self.path(name).to_string_lossy());
        let chain = format!("chain = {}", path("issuer.pem"));
        let token = |rest: String| {
            format!(
                "[key.pkcs11]\nmodule = '{TOKEN_MODULE}'\nkey = 'pkcs11:token=test;object=signing;type=private'\n{rest}\n{chain}\n"
            )
        };
        let pem = |key: &str, certificates: &str, rest: String| {
            format!(
                "[key.pem]\nkey = {}\ncertificates = {}\n{chain}\n{rest}\n",
                path(key),
                path(certificates)
            )
        };
        let password = |file: &str| format!("password = {{ file = {} }}", path(file));
        let pin = |file: &str| format!("pin = {{ file = {} }}", path(file));
        let in_token = "certificate = 'pkcs11:token=test;object=signing;type=cert'";
        let in_file = format!("certificates = {}", path("signing.pem"));
        let pkcs12 = |rest: String| format!("[key.pkcs12]\nfile = {}\n{rest}\n", path("signing.p12"));
        Ok(match kept {
            "pem" => pem("signing-encrypted.key", "signing.pem", password("password")),
            "pem with the wrong password" => pem("signing-encrypted.key", "signing.pem", password("wrong")),
            "pem without its password" => pem("signing-encrypted.key", "signing.pem", String::new()),
            // Some authorities hand out both like this.
            "pem with the chain twice" => pem("signing-encrypted.key", "both.pem", password("password")),
            "pkcs12" => pkcs12(password("password")),
            "pkcs12 with the chain twice" => pkcs12(format!("{}\n{chain}", password("password"))),
            "pkcs12 with the wrong password" => pkcs12(password("wrong")),
            "pkcs12 without its password" => pkcs12(String::new()),
            "pkcs11" => token(format!("{in_file}\n{}", pin("pin"))),
            "pkcs11 with its certificate" => token(format!("{in_token}\n{}", pin("pin"))),
            "pkcs11 with a PIN from the environment" => {
                token(format!("{in_file}\npin = {{ env = 'OUR_PIN' }}"))
            }
            "pkcs11 with the wrong PIN" => token(format!("{in_file}\n{}", pin("wrong"))),
            other => {
                let name = other.strip_prefix("plain ").context("no such way to keep a key")?;
                pem(&format!("{name}.key"), &format!("{name}.pem"), String::new())
            }
        })
    }
}
