# What the real crane, rust-overlay and nix-vm-test take from nixpkgs beyond what our own files do. With it every output
# evaluates over them; nothing of it builds.
{ lib, final }:
let
  inherit (final) runCommand;
  package = name: runCommand "host-${name}" { } "echo 'there is no ${name} here' >&2; exit 1";
  packages = names: lib.genAttrs names package;
in
packages [
  "autoPatchelfHook"
  "bash"
  "bintools"
  "cargo"
  "clippy"
  "gccForLibs"
  "guestfs-tools"
  "jq"
  "libsecret"
  "lndir"
  "makeWrapper"
  "patchelf"
  "qemu"
  "qemu_test"
  "remarshal"
  "rsync"
  "rustc"
  "rustfmt"
  "writableTmpDirAsHomeHook"
  "zlib"
]
// {
  # Building and hosting machine are one.
  pkgsBuildBuild = final;
  pkgsBuildHost = final;
  pkgsBuildTarget = final;
  pkgsHostHost = final;
  pkgsHostTarget = final;
  pkgsTargetTarget = final;
  splicePackages = splices: splices.pkgsHostTarget;
  makeScopeWithSplicing' = { f, ... }: lib.makeScope final.newScope f;

  pkgs = final;
  stdenvNoCC = final.stdenv;
  path = ./.;
  runCommandLocal = runCommand;
  fetchurl = { url, sha256, ... }: package "${baseNameOf url}-${sha256}";
  makeSetupHook = { name, ... }: _: package name;
  symlinkJoin = arguments: package arguments.name // (arguments.passthru or { });
  closureInfo = _: package "closure-info";
  python3Packages.callPackage =
    file: _: package (builtins.unsafeDiscardStringContext (baseNameOf file));
  writeScriptBin = name: _: package name;
  writeShellScript = name: _: package name;
  writeShellScriptBin = name: _: package name;
  writers.writeJSON = name: value: final.writeText name (builtins.toJSON value);
  rustPlatform.buildRustPackage = arguments: package arguments.pname;
}
