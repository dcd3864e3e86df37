# The compiler that rust-toolchain.toml names, with the standard library of every target.
{
  lib,
  rust-bin,
  channel,
  targets,
}:
rust-bin.stable.${channel}.minimal.override {
  extensions = [
    "clippy"
    "rustfmt"
  ];
  targets = lib.attrNames targets;
}
