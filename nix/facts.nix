# Facts that other files of the workspace say: the flake repeats none of them.
{ lib }:
let
  cargo = lib.importTOML ../Cargo.toml;
  rustToolchain = lib.importTOML ../rust-toolchain.toml;
  table = lib.importTOML ../targets.toml;
in
{
  # The version of the workspace; a test holds the changelog to it.
  inherit (cargo.workspace.package) version;
  # The version of the Rust compiler.
  inherit (rustToolchain.toolchain) channel;
  # Rust flags and the oldest macOS, by target triple.
  targets = lib.listToAttrs (
    map (target: {
      name = target.triple;
      value = {
        inherit (target) rustflags;
        macosVersion = table.macos_version;
      };
    }) table.target
  );
}
