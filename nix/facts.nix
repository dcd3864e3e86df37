# Facts that other files of the workspace say: the flake repeats none of them.
{ lib }:
let
  cargo = lib.importTOML ../Cargo.toml;
  rustToolchain = lib.importTOML ../rust-toolchain.toml;
  table = lib.importTOML ../targets.toml;
  plan = lib.importTOML ../artifacts.toml;
  settings = lib.importTOML ../.cargo/config.toml;

  # `windows` for x86_64-pc-windows-gnu.
  systemOf =
    triple:
    let
      system = builtins.head (builtins.match "[^-]+-[^-]+-([a-z]+).*" triple);
    in
    if system == "darwin" then "macos" else system;

  isFor = triple: program: program ? systems -> lib.elem (systemOf triple) program.systems;
in
{
  # The version of the workspace; a test holds the changelog to it.
  inherit (cargo.workspace.package) version;
  # The version of the Rust compiler.
  inherit (rustToolchain.toolchain) channel;
  # What cargo is told by `.cargo/config.toml`, as variables. The file itself is in no source: its aliases decide
  # nothing.
  environment = lib.mapAttrs (_: { value, ... }: value) settings.env;
  # By target triple: Rust flags, settings of cargo, the oldest macOS, and which packages are compiled for it, as what.
  targets = lib.listToAttrs (
    map (target: {
      name = target.triple;
      value = {
        inherit (target) rustflags;
        env = target.env or { };
        macosVersion = table.macos_version;
        programs = lib.filter (isFor target.triple) plan.program;
      };
    }) table.target
  );
  # Every package that is compiled for some target, and what is made of them all.
  programRows = plan.program;
  artifactRows = plan.artifact;
}
