//! What a program for Windows says of itself: version, icon and manifest, as others read them out of it.

use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use editpe::{Image, ResourceEntry, ResourceEntryName, ResourceTable};
use goblin::pe::PE;
use goblin::pe::resource::VersionField;
use packager::Product;
use std::fs;

/// Kinds of resources: `RT_ICON` and `RT_GROUP_ICON`.
const ICON: u32 = 3;
const GROUP_ICON: u32 = 14;
/// `VS_FF_PRERELEASE`
const PRE_RELEASE: u32 = 2;

/// Version, texts, icon and manifest are those of the product.
pub(super) fn judge(pe: &PE<'_>, bytes: &[u8]) -> Result<()> {
    let resources = pe.resource_data.as_ref().context("it has no resources")?;
    let version = resources.version_info.as_ref().context("it has no version")?;
    let product = Product::load(&workspace().join("packaging/product.toml"))?;
    let made = product.changelog()?.latest().version;

    let fixed = version.fixed_info.context("its version has no numbers")?;
    let numbers = made.windows_file().map(|number| number.to_string()).join(".");
    for (what, high, low) in [
        ("file", fixed.file_version_ms, fixed.file_version_ls),
        ("product", fixed.product_version_ms, fixed.product_version_ls),
    ] {
        let found = VersionField::from_ms_ls(high, low).to_string();
        ensure!(found == numbers, "its {what} version is {found}, not {numbers}");
    }
    let flag = fixed.file_flags & PRE_RELEASE != 0;
    ensure!(flag == made.is_pre_release(), "whether it is a pre-release is said wrongly");

    let license = fs::read_to_string(workspace().join("LICENSE"))?;
    let copyright = license.lines().find(|line| line.starts_with("Copyright ")).context("no copyright")?;
    let found = &version.string_info;
    let texts: [(&str, Option<String>, &str); 8] = [
        ("CompanyName", found.company_name(), &product.vendor),
        ("FileDescription", found.file_description(), &product.display_name),
        ("FileVersion", found.file_version(), &numbers),
        ("InternalName", found.internal_name(), &product.name),
        ("LegalCopyright", found.legal_copyright(), copyright),
        ("OriginalFilename", found.original_filename(), &format!("{}.exe", product.name)),
        ("ProductName", found.product_name(), &product.display_name),
        ("ProductVersion", found.product_version(), &made.to_string()),
    ];
    for (name, found, expected) in texts {
        ensure!(found.as_deref() == Some(expected), "{name} is {found:?}, not {expected:?}");
    }

    let manifest = resources.manifest_data.context("it has no manifest")?;
    let expected = fs::read(workspace().join("packaging/windows/pywats-client.manifest"))?;
    ensure!(manifest.data == expected, "its manifest is not packaging/windows/pywats-client.manifest");
    let expected = fs::read(workspace().join("packaging/windows/pywats-client.ico"))?;
    ensure!(icon(bytes)? == expected, "its icon is not packaging/windows/pywats-client.ico");
    Ok(())
}

/// The icon of a program as the icon file that it was: the list of pictures, then the pictures.
fn icon(program: &[u8]) -> Result<Vec<u8>> {
    let image = Image::parse(program)?;
    let resources = image.resource_directory().context("it has no resources")?;
    let table = |kind| {
        let entry = resources.root().get(ResourceEntryName::ID(kind));
        entry.and_then(ResourceEntry::as_table).with_context(|| format!("it has no resource of kind {kind}"))
    };
    let group = content(table(GROUP_ICON)?, 1)?;
    let (header, entries) = group.split_at_checked(6).context("its list of icons is cut off")?;
    let (entries, _) = entries.as_chunks::<14>();
    let (mut list, mut pictures) = (header.to_vec(), Vec::new());
    for entry in entries {
        let [facts @ .., low, high] = entry;
        let picture = content(table(ICON)?, u16::from_le_bytes([*low, *high]).into())?;
        let offset = 6 + 16 * entries.len() + pictures.len();
        list.extend(facts);
        list.extend(u32::try_from(offset)?.to_le_bytes());
        pictures.extend(picture);
    }
    Ok([list, pictures].concat())
}

/// The content of a resource, in the one language that it has.
fn content(table: &ResourceTable, id: u32) -> Result<&[u8]> {
    let languages = table.get(ResourceEntryName::ID(id)).and_then(ResourceEntry::as_table);
    let language = languages.and_then(|languages| languages.get(ResourceEntryName::ID(1033)));
    let data = language.and_then(ResourceEntry::as_data);
    Ok(data.with_context(|| format!("there is no resource {id} in English"))?.data())
}
