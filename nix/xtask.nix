# `cargo xtask` as a program: it works in the checkout that it is started in.
{ craneLib, workspace }:
craneLib.buildPackage (
  workspace
  // {
    pname = "xtask";
    # With the features of the whole workspace, whose dependencies are compiled already.
    cargoExtraArgs = "--locked --workspace --bin xtask";
    doCheck = false;
    meta.mainProgram = "xtask";
  }
)
