//! What a database accepts, what it refuses, and that its file depends on its rows alone.

#[allow(dead_code, reason = "the tests of the validator use the rest")]
mod good;

use good::{PARTS, UPGRADE_CODE, summary, written};
use std::io::Cursor;
use windows_installer::{Database, Error, FileSet, Summary, guid, row};

fn database() -> Database {
    let mut database = good::database(PARTS);
    database.add("Property", row! { Property: "Comment", Value: "prüfbar – “1252”" }).expect("a row");
    database
}

/// Fails if: the bytes depend on anything but rows, streams and summary, such as the order of rows or
/// the clock (file times have a resolution of 100 ns).
#[test]
fn equal_rows_give_equal_bytes() {
    let first = good::package();
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(first == written(&good::database(PARTS.iter().rev())), "the order of rows shows");
    assert_eq!(&first[0x1a..0x1c], &[3, 0], "the compound file is not version 3");

    let code = |bytes: &[u8]| msi::Package::open(Cursor::new(bytes)).unwrap().summary_info().uuid().unwrap();
    assert_ne!(code(&first), code(&written(&database())), "other content must have another package code");
}

/// Fails if: rows, streams or summary do not come back as they were given.
#[test]
fn everything_comes_back() {
    let bytes = written(&database());
    let mut package = msi::Package::open(Cursor::new(bytes)).unwrap();
    assert_eq!(package.database_codepage(), msi::CodePage::Windows1252);
    let info = package.summary_info();
    assert_eq!(info.codepage(), msi::CodePage::Windows1252);
    assert_eq!((info.arch(), info.word_count(), info.page_count()), (Some("x64"), Some(2), Some(200)));
    assert_eq!(info.comments(), Some("An example"));

    let rows = |package: &mut msi::Package<_>, table: &str, columns: &[&str]| -> Vec<String> {
        let query = msi::Select::table(table);
        let text = |row: msi::Row| columns.iter().map(|c| row[*c].to_string()).collect::<Vec<_>>().join(" ");
        let mut rows: Vec<String> = package.select_rows(query).unwrap().map(text).collect();
        rows.sort();
        rows
    };
    assert_eq!(
        rows(&mut package, "File", &["FileName", "FileSize", "Sequence", "Version"]),
        ["\"LONGNA~1.TEX|long name.text\" 8 2 NULL", "\"README\" 7 1 NULL", "\"program.exe\" 500 3 NULL",]
    );
    assert_eq!(rows(&mut package, "Media", &["LastSequence", "Cabinet"]), ["3 \"#files.cab\""]);
    let steps = rows(&mut package, "InstallExecuteSequence", &["Sequence", "Action", "Condition"]);
    for step in [
        "900 \"FileCost\" NULL",
        "4001 \"Change\" \"NOT REMOVE~=\"ALL\"\"",
        "5800 \"InstallServices\" \"VersionNT\"",
    ] {
        assert!(steps.iter().any(|found| found.replace("\\\"", "\"") == step), "{step} in {steps:#?}");
    }
    assert!(rows(&mut package, "Property", &["Value"]).contains(&"\"prüfbar – “1252”\"".to_owned()));
    let validation =
        rows(&mut package, "_Validation", &["Table", "Column", "Nullable", "KeyTable", "MaxValue"]);
    assert!(validation.contains(&"\"File\" \"Component_\" \"N\" \"Component\" NULL".to_owned()));
    assert!(validation.contains(&"\"File\" \"Sequence\" \"N\" NULL 32767".to_owned()));
}

/// Fails if: a row that Windows would refuse or misread is accepted, or the error does not say where.
#[test]
fn refuses_rows() {
    let long = "x".repeat(73);
    type Row<'a> = &'a [(&'a str, windows_installer::Cell)];
    let cases: &[(&str, Row<'_>, &str)] = &[
        ("Nonsense", &row! { A: "b" }, "table Nonsense: is not a standard table"),
        (
            "Property",
            &row! { Property: "A", Valeu: "b" },
            "table Property, row A, column Valeu: there is no such",
        ),
        ("Property", &row! { Property: "A" }, "row A, column Value: nothing is not what"),
        ("Property", &row! { Property: "A", Value: "" }, "column Value: nothing is not what"),
        ("Property", &row! { Property: "A", Value: 1 }, "column Value: 1 is not what"),
        ("Property", &row! { Property: "1A", Value: "b" }, "column Property: \"1A\" is not an identifier"),
        ("Property", &row! { Property: "A-B", Value: "b" }, "is not an identifier"),
        ("Property", &row! { Property: &long, Value: "b" }, "in at most 72 characters"),
        ("Property", &row! { Property: "A", Value: "日本" }, "'日', which code page 1252 does not have"),
        (
            "Property",
            &row! { Property: "ProductName", Value: "b" },
            "row ProductName: there is already a row",
        ),
        (
            "Feature",
            &row! { Feature: "B", Level: 40_000, Attributes: 0 },
            "Level: 40000 is not a number from 0 to 32767",
        ),
        ("Feature", &row! { Feature: "B", Level: "1", Attributes: 0 }, "Level: \"1\" is not a number"),
        ("Feature", &row! { Feature: "B", Level: 1, Attributes: 0, Directory_: "Low" }, "no lower-case"),
        (
            "Component",
            &row! { Component: "C", ComponentId: "{e7f2d8a1-4b5c-6d7e-8f9a-0b1c2d3e4f5a}",
            Directory_: "INSTALLDIR", Attributes: 0 },
            "column ComponentId: \"{e7f2",
        ),
        (
            "Component",
            &row! { Component: "C", ComponentId: UPGRADE_CODE, Directory_: "INSTALLDIR",
            Attributes: 0 },
            "is not a GUID in braces and upper case",
        ),
        (
            "File",
            &row! { File: "F", Component_: "C", FileName: "f", FileSize: 1, Version: "1.2.3.4.5",
            Sequence: 1 },
            "is not a version",
        ),
        ("Media", &row! { DiskId: 2, LastSequence: 9, Cabinet: "#a b" }, "is not a cabinet"),
        ("Binary", &row! { Name: "B", Data: "text" }, "\"text\" is not the content of a stream"),
        (
            "ServiceControl",
            &row! { ServiceControl: "S", Name: "s", Event: 1, Wait: 2, Component_: "C" },
            "Wait: 2 is not a number from 0 to 1",
        ),
    ];
    for (table, row, complaint) in cases {
        let error = database().add(table, row.to_vec()).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "{complaint:?} is not in {error:?}");
    }
}

/// Fails if: a summary, a stream or a set of files is accepted that cannot be written as it is.
#[test]
fn refuses_parts() {
    let foreign = Summary { author: "Müller".to_owned(), ..summary() };
    let error = database().write(&foreign, &mut Vec::new()).expect_err("a bad summary").to_string();
    assert!(error.starts_with("summary information, author: \"Müller\" has characters beyond ASCII"));

    let mut database = database();
    assert!(matches!(database.add_stream("files.cab", Vec::new()), Err(Error::Part { .. })));
    assert!(matches!(database.add_stream("not a name", Vec::new()), Err(Error::Part { .. })));

    let product = guid::Product::new(UPGRADE_CODE).unwrap();
    let refused = |paths: &[&str]| {
        let mut files = FileSet::new("INSTALLDIR");
        paths.iter().try_for_each(|path| files.add(path, Vec::new()))?;
        files.add_to(&mut Database::new(), &product, "All", 0)
    };
    for (paths, complaint) in [
        (&[][..], "there are no files to pack"),
        (&["a", "a"], "there are two such files"),
        (&["a", "a/b"], "this is a file and the folder of another file"),
        (&["Readme", "README"], "differ at most in case"),
        (&["docs/con.txt"], "name of a device"),
        (&["a//b"], "a name is empty"),
    ] {
        let error = refused(paths).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "{complaint:?} is not in {error:?}");
    }
}
