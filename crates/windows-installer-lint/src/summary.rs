//! The summary information and the code page.

use super::cabinets;
use super::category;
use super::read::Msi;
use super::read::Summary;
use super::read::summary_property as id;
use super::report::{Report, rules};

rules! {
    CODE_PAGE "code-page"
        "The database has a code page that Windows has, and 0 for ASCII only."
        "msi/code-page-handling-windows-installer-";
    SUMMARY_PAGE "code-page-summary"
        "The summary has an ANSI code page, which need not be that of the database: not 65001."
        "msi/codepage-summary";
    TEXTS "summary-texts"
        "Title, subject and author are there."
        "msi/ice39";
    TEMPLATE "summary-template"
        "The template is a processor and languages, such as x64;1033."
        "msi/template-summary";
    REVISION "summary-revision"
        "The package code is a GUID in braces and upper case."
        "msi/revision-number-summary";
    WORD_COUNT "summary-word-count"
        "The word count agrees with where the files are: compressed in cabinets or beside the package."
        "msi/word-count-summary";
    SCHEMA "summary-page-count"
        "The page count, the oldest Windows Installer that can be used, is enough for processor and tables."
        "msi/ice66";
    SECURITY "summary-security"
        "The security value says that the package is read-only."
        "msi/security-summary";
    LANGUAGE "product-language"
        "ProductLanguage is a language of the template."
        "msi/ice39";
}

/// Processors in the template, with the version of Windows Installer, times 100, that first knew them.
const PLATFORMS: &[(&str, i32)] =
    &[("", 100), ("Intel", 100), ("Intel64", 150), ("x64", 200), ("Arm", 500), ("Arm64", 500)];

/// Tables with the version of Windows Installer, times 100, that first read them.
const TABLES_SINCE: &[(&str, i32)] = &[
    ("MsiAssembly", 150),
    ("MsiAssemblyName", 150),
    ("MsiDigitalCertificate", 200),
    ("MsiDigitalSignature", 200),
    ("MsiFileHash", 200),
    ("MsiPatchHeaders", 200),
    ("MsiPatchCertificate", 300),
    ("MsiPatchSequence", 300),
    ("MsiEmbeddedUI", 450),
    ("MsiEmbeddedChainer", 450),
    ("MsiLockPermissionsEx", 500),
    ("MsiServiceConfig", 500),
    ("MsiServiceConfigFailureActions", 500),
    ("MsiShortcutProperty", 500),
];

/// UTF-8.
const UTF_8: u32 = 65001;

/// Code pages that Windows has beside those that can be decoded here: of DOS, Thai, of the Macintosh, KOI8,
/// ISO 8859 and GB 18030.
const OTHER_CODE_PAGES: &[u32] = &[
    437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874, 1361, 10001,
    10002, 10003, 10004, 10005, 10006, 10008, 10010, 10017, 10021, 10029, 10079, 10081, 10082, 20866, 21866,
    28599, 28603, 28605, 54936,
];

/// The language number of a package that suits every language.
const NEUTRAL: u16 = 0;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    code_page(msi, report);
    let Some(summary) = &msi.summary else { return };
    if let Some(code_page) = summary.code_page()
        && (code_page == UTF_8 || !is_code_page(code_page))
    {
        let message = format!("{code_page} is no ANSI code page for the summary: use one such as 1252");
        report.file(SUMMARY_PAGE, message);
    }
    for (property, name) in [(id::TITLE, "title"), (id::SUBJECT, "subject"), (id::AUTHOR, "author")] {
        if summary.text(property).is_empty() {
            report.file(TEXTS, format!("the summary has no {name}: write one"));
        }
    }
    if let Err(reason) = category::guid(summary.text(id::REVISION)) {
        report.file(REVISION, format!("the revision number: {reason}"));
    }
    if summary.number(id::SECURITY) != Some(2) {
        let message = format!(
            "the security is {}: write 2 (read-only recommended)",
            shown(summary.number(id::SECURITY))
        );
        report.file(SECURITY, message);
    }
    template(msi, summary, report);
    word_count(msi, summary, report);
}

fn shown(number: Option<i32>) -> String {
    number.map_or("missing".to_owned(), |number| number.to_string())
}

fn code_page(msi: &Msi, report: &mut Report) {
    match msi.code_page {
        0 => {
            if let Some(text) = &msi.foreign_text {
                report.file(
                    CODE_PAGE,
                    format!(
                        "there is no code page, but {text:?} is not ASCII: set one, \
                    such as 1252"
                    ),
                );
            }
        }
        other if !is_code_page(other) => {
            report.file(CODE_PAGE, format!("{other} is no known code page: use one such as 1252"));
        }
        _ => {}
    }
}

/// Whether Windows has a code page of that number; 0 is that of the system.
fn is_code_page(number: u32) -> bool {
    i32::try_from(number).ok().and_then(msi::CodePage::from_id).is_some()
        || OTHER_CODE_PAGES.contains(&number)
}

fn template(msi: &Msi, summary: &Summary, report: &mut Report) {
    let template = summary.text(id::TEMPLATE);
    let (platform, languages) = template.split_once(';').unwrap_or((template, ""));
    let platform = platform.trim();
    let Some((_, platform_since)) = PLATFORMS.iter().find(|(name, _)| *name == platform) else {
        let message = format!("{platform:?} in {template:?} is no processor: write Intel, x64 or Arm64");
        return report.file(TEMPLATE, message);
    };
    // Without a language the package suits every one.
    let languages = if languages.trim().is_empty() { "0" } else { languages };
    let languages: Vec<Option<u16>> = languages.split(',').map(|text| text.trim().parse().ok()).collect();
    if !template.contains(';') || languages.contains(&None) {
        let message =
            format!("{template:?} does not end with ';' and language numbers: write such as {platform};1033");
        report.file(TEMPLATE, message);
    } else if let Some(product) = msi.property("ProductLanguage").and_then(|text| text.parse().ok())
        && !languages.contains(&Some(product))
        && !languages.contains(&Some(NEUTRAL))
    {
        let message = format!(
            "ProductLanguage {product} is not in the summary's template {template:?}: make both alike"
        );
        report.file(LANGUAGE, message);
    }
    let (mut needed, mut by) = (*platform_since, format!("the processor {platform}"));
    for (table, since) in TABLES_SINCE {
        if *since > needed && msi.has_rows(table) {
            (needed, by) = (*since, format!("the table {table}"));
        }
    }
    let page_count = summary.number(id::PAGE_COUNT);
    if page_count.is_none_or(|count| count < needed) {
        let version = format!("{}.{}", needed / 100, needed % 100 / 10);
        let message = format!(
            "the page count is {}, but {by} needs Windows Installer {version}: write {needed}",
            shown(page_count)
        );
        report.file(SCHEMA, message);
    }
}

fn word_count(msi: &Msi, summary: &Summary, report: &mut Report) {
    let Some(word_count) = summary.number(id::WORD_COUNT) else {
        return report
            .file(WORD_COUNT, "the word count is missing: write 2 for compressed files with long names");
    };
    if word_count & !0xf != 0 {
        return report
            .file(WORD_COUNT, format!("{word_count} has unknown bits: write 2 for compressed files"));
    }
    let has_cabinet = msi.rows("Media").any(|row| !row.text("Cabinet").is_empty());
    let compressed = |row| cabinets::is_compressed(msi, row);
    if !has_cabinet && msi.rows("File").any(compressed) {
        let message = format!(
            "the word count {word_count} says that files are compressed, but no medium has a cabinet: take \
             bit 2 away"
        );
        report.file(WORD_COUNT, message);
    } else if has_cabinet && msi.has_rows("File") && !msi.rows("File").any(compressed) {
        let message = format!(
            "the word count {word_count} says that files lie beside the package, but there is a cabinet: \
             add 2"
        );
        report.file(WORD_COUNT, message);
    }
}
