//! Features.

use super::known;
use super::read::{Msi, Row};
use super::report::{Report, rules};
use std::collections::BTreeMap;

rules! {
    TREE "feature-tree"
        "Features form trees without cycles, at most 16 deep."
        "msi/feature-table";
    FOLDER "feature-directory"
        "The folder of a feature is a public property, so that a user can choose it."
        "msi/feature-table";
    PARENT "feature-root"
        "A feature without a parent does not follow one, and is not its own parent."
        "msi/ice14";
    SIZE "feature-size"
        "A feature has at most 1600 components."
        "msi/ice47";
}

const DEPTH: usize = 16;
const COMPONENTS: usize = 1600;
/// `msidbFeatureAttributesFollowParent`.
const FOLLOW_PARENT: i32 = 2;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Feature") {
        let (name, parent) = (row.text("Feature"), row.text("Feature_Parent"));
        if name == parent {
            report.value(PARENT, row, "Feature_Parent", "is the feature itself: leave it empty");
        } else if depth(msi, row) > DEPTH {
            let message = "is more than 16 features deep, or below itself: correct Feature_Parent";
            report.value(TREE, row, "Feature_Parent", message);
        }
        if parent.is_empty() && row.bits("Attributes") & FOLLOW_PARENT != 0 {
            report.value(PARENT, row, "Attributes", "follows a parent, but has none: take 2 away");
        }
        let folder = row.text("Directory_");
        if !known::is_public(folder) {
            report.value(
                FOLDER,
                row,
                "Directory_",
                format!("{folder} has lower-case letters: use a public property"),
            );
        }
    }
    let mut components: BTreeMap<&str, usize> = BTreeMap::new();
    for row in msi.rows("FeatureComponents") {
        *components.entry(row.text("Feature_")).or_default() += 1;
    }
    for (feature, count) in components.into_iter().filter(|(_, count)| *count > COMPONENTS) {
        let message = format!("has {count} components, more than {COMPONENTS}: divide it");
        report.missing(SIZE, "Feature", feature, message);
    }
}

/// How many features are around a feature, and itself.
fn depth(msi: &Msi, row: Row<'_>) -> usize {
    let mut depth = 1;
    let mut parent = row.text("Feature_Parent");
    while let Some(row) = msi.row("Feature", parent).filter(|_| depth <= DEPTH) {
        depth += 1;
        parent = row.text("Feature_Parent");
    }
    depth
}
