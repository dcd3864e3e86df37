# `cargo xtask` as a program: it works in the checkout that it is started in.
{ craneLib, workspace }:
craneLib.buildPackage (
  workspace
  // {
    pname = "xtask";
    cargoExtraArgs = "--locked --package xtask --bin xtask";
    doCheck = false;
    meta.mainProgram = "xtask";
  }
)
