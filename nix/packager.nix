# The program that packs artifacts. It has dependencies of its own, so that one installer can be made without
# compiling what only tests need.
{
  craneLib,
  cargoVendorDir,
  sources,
  version,
}:
craneLib.buildPackage {
  inherit version cargoVendorDir;
  pname = "packager";
  src = sources.packager;
  cargoExtraArgs = "--locked --package packager --bin packager";
  strictDeps = true;
  # checks.tests runs them.
  doCheck = false;
  # cargo wants a source file of every member of the workspace.
  postPatch = ''
    for manifest in crates/*/Cargo.toml tests/bench/Cargo.toml xtask/Cargo.toml; do
      sources=''${manifest%/Cargo.toml}/src
      if ! [ -e "$sources" ]; then
        mkdir -p "$sources"
        touch "$sources/lib.rs"
      fi
    done
  '';
  meta.mainProgram = "packager";
}
