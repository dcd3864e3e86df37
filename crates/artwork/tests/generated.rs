//! The artwork in `packaging/` is that of its pictures.
//!
//! `UPDATE_GENERATED=1 cargo test -p artwork --test generated` renders it anew.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use artwork::OUTPUTS;
use std::fs;
use std::path::Path;

/// Fails if: a committed file is not what the picture gives now.
#[test]
fn artwork_is_current() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    for output in OUTPUTS {
        let picture = fs::read_to_string(packaging.join(output.source)).unwrap();
        let path = packaging.join(output.path);
        let content = output.render(&picture).unwrap();
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &content).unwrap();
        }
        let committed = fs::read(&path).unwrap_or_default();
        let update = "run: UPDATE_GENERATED=1 cargo test -p artwork --test generated";
        assert!(committed == content, "packaging/{} is not current; {update}", output.path);
    }
}

/// Fails if: a picture that cannot be rendered gives a file, or the error does not say why.
#[test]
fn says_what_a_picture_lacks() {
    for (svg, message) in [
        ("not a picture", "this is not a picture"),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'/>", "no shape with the id \"tile\""),
    ] {
        let errors = OUTPUTS.iter().filter_map(|output| output.render(svg).err());
        let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
        assert!(errors.iter().any(|error| error.contains(message)), "{svg}: {errors:?}");
    }
}
