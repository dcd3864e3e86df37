//! Who may do what in the folders of the product, as
//! [security descriptors](https://learn.microsoft.com/en-us/windows/win32/secauthz/security-descriptor-string-format).
//!
//! Every one names its owner, Administrators, and is protected from what its parent would hand down. The service
//! is known by its own identity, which it has whatever account it runs under.

use sha1::{Digest, Sha1};

/// Full control for the system and for administrators, handed down to everything.
const MASTERS: &str = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
/// Read and execute.
const READ: &str = "0x1200a9";
/// Read, write and delete, but neither change rights nor take over.
const MODIFY: &str = "0x1301bf";
/// List a folder, pass through it, and create files in it.
const ADD_FILES: &str = "0x1200ab";

/// The program's folder: users run what administrators install.
pub(super) fn program() -> String {
    format!("{MASTERS}(A;OICI;{READ};;;BU)")
}

/// The data folder: the service works in it; users see that it is there, and nothing of what is in it.
pub fn data(service: &str) -> String {
    format!("{MASTERS}(A;OICI;{MODIFY};;;{})(A;;{READ};;;BU)", identity(service))
}

/// A folder that users drop files into: each may finish, rename and take back what is his own, and read nothing
/// else.
pub fn drop(service: &str) -> String {
    format!("{MASTERS}(A;OICI;{MODIFY};;;{})(A;;{ADD_FILES};;;BU)(A;OIIO;{MODIFY};;;CO)", identity(service))
}

/// A file with a secret: the service reads it.
pub(super) fn secret(service: &str) -> String {
    format!("O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;{})", identity(service))
}

/// The identity of a service, which follows from its name: `S-1-5-80-` and the SHA-1 of the name in upper case,
/// as UTF-16, in five numbers.
pub fn identity(service: &str) -> String {
    let name: Vec<u8> = service.to_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = Sha1::digest(name);
    let (words, _) = hash.as_chunks::<4>();
    let numbers: Vec<String> = words.iter().map(|word| u32::from_le_bytes(*word).to_string()).collect();
    format!("S-1-5-80-{}", numbers.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the identity is not the one that Windows computes. The example is that of the service
    /// TrustedInstaller, which every Windows has.
    #[test]
    fn knows_services_by_name() {
        let known = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(identity("TrustedInstaller"), known);
    }

    /// Fails if: standard users may write where they must not, or somebody else owns a folder.
    #[test]
    fn users_change_nothing_of_ours() {
        let service = "svc";
        for (rights, users) in [
            (program(), &["(A;OICI;0x1200a9;;;BU)"][..]),
            (data(service), &["(A;;0x1200a9;;;BU)"]),
            (drop(service), &["(A;;0x1200ab;;;BU)"]),
            (secret(service), &[]),
        ] {
            assert!(rights.starts_with("O:BAG:SYD:P("), "{rights}");
            let entries = rights.split_inclusive(')').filter(|entry| entry.ends_with(";BU)"));
            assert_eq!(entries.collect::<Vec<_>>(), users, "{rights}");
            assert!(!["WD)", "AU)", "IU)"].iter().any(|other| rights.contains(other)), "{rights}");
        }
    }
}
