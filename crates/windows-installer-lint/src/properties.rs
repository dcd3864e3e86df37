//! The table `Property`: what identifies the product, and lists of other properties.

use super::category;
use super::known;
use super::read::{Msi, Row};
use super::references;
use super::report::{Report, rules};

rules! {
    REQUIRED "property-required"
        "Manufacturer, ProductCode, ProductLanguage, ProductName and ProductVersion are there."
        "msi/required-properties";
    VERSION "product-version"
        "ProductVersion is MAJOR.MINOR.BUILD, with fields up to 255, 255 and 65535."
        "msi/productversion";
    LANGUAGE "product-language-number"
        "ProductLanguage is a language number."
        "msi/ice24";
    CODES "product-codes"
        "ProductCode and UpgradeCode are GUIDs in braces and upper case, and differ."
        "msi/ice24";
    NAME "product-name"
        "ProductName is no longer than 63 characters."
        "msi/ice16";
    SECURE "property-secure-list"
        "SecureCustomProperties lists public properties only, each once."
        "msi/securecustomproperties";
    HIDDEN "property-hidden-list"
        "MsiHiddenProperties names no property twice, and none that nothing sets or uses."
        "msi/msihiddenproperties";
    RESERVED "property-reserved"
        "The table Property sets nothing that is for the command line or that Windows Installer sets \
         itself."
        "msi/ice87";
}

const REQUIRED_NAMES: &[&str] =
    &["Manufacturer", "ProductCode", "ProductLanguage", "ProductName", "ProductVersion"];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for name in REQUIRED_NAMES.iter().filter(|name| !msi.has("Property", name)) {
        report.missing(REQUIRED, "Property", name, "is missing: add it");
    }
    msi.rows("Property").for_each(|row| identity(row, msi, report));
    lists(msi, report);
    for row in msi.rows("Property").filter(|row| known::COMMAND_LINE.contains(&row.text("Property"))) {
        report.row(
            RESERVED,
            row,
            "is for the command line; in the table it breaks later installations: remove the row",
        );
    }
    for row in msi.rows("Property").filter(|row| known::READ_ONLY.contains(&row.text("Property"))) {
        report.row(RESERVED, row, "Windows Installer sets this property itself: remove the row");
    }
}

fn identity(row: Row<'_>, msi: &Msi, report: &mut Report) {
    let (name, value) = (row.text("Property"), row.text("Value"));
    match name {
        "ProductVersion" if product_version(value).is_none() => {
            let message = format!("{value:?} is not MAJOR.MINOR.BUILD with fields up to 255, 255 and 65535");
            report.value(VERSION, row, "Value", message);
        }
        "ProductLanguage" if value.parse::<u16>().is_err() => {
            report.value(LANGUAGE, row, "Value", format!("{value:?} is no language number such as 1033"));
        }
        "ProductCode" | "UpgradeCode" => {
            if let Err(reason) = category::guid(value) {
                report.value(CODES, row, "Value", reason);
            } else if name == "UpgradeCode" && msi.property("ProductCode") == Some(value) {
                report.value(CODES, row, "Value", "is the ProductCode too: choose another");
            }
        }
        "ProductName" if value.chars().count() > 63 => {
            report.value(NAME, row, "Value", "is longer than 63 characters: shorten it");
        }
        _ => {}
    }
}

/// The three fields that count; a fourth is allowed, and ignored by Windows.
pub(super) fn product_version(text: &str) -> Option<[u16; 3]> {
    three_fields(text).filter(|[major, minor, _]| *major <= 255 && *minor <= 255 && text.contains('.'))
}

/// The fields of a version that may have fewer, such as a bound.
pub(super) fn three_fields(text: &str) -> Option<[u16; 3]> {
    category::version(text).map(|[major, minor, build, _]| [major, minor, build])
}

fn lists(msi: &Msi, report: &mut Report) {
    let mut known = references::set_somewhere(msi, &["SecureCustomProperties", "AdminProperties"]);
    // What is used may be set on the command line.
    known.extend(references::uses(msi).map(|used| used.name));
    // A program may set and use any.
    let programs = !references::immediate_programs(msi).is_empty();
    for (list, rule) in [("SecureCustomProperties", SECURE), ("MsiHiddenProperties", HIDDEN)] {
        let Some(row) = msi.row("Property", list) else { continue };
        let members = msi.property_list(list);
        for member in &members {
            if rule.id == SECURE.id && !known::is_public(member) {
                let message = format!(
                    "{member} has lower-case letters, so it is private: write it in upper case, everywhere"
                );
                report.value(rule, row, "Value", message);
            } else if rule.id == HIDDEN.id
                && !programs
                && !known.contains(member)
                && !known::is_standard_property(member)
            {
                report.value(
                    rule,
                    row,
                    "Value",
                    format!("nothing sets or uses {member}: correct the name or remove it"),
                );
            }
        }
        let count = row.text("Value").split(';').filter(|part| !part.trim().is_empty()).count();
        if count != members.len() {
            report.value(rule, row, "Value", "a property is listed twice: list each once");
        }
    }
}
