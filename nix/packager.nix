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
  src = sources.of [ "packager" ];
  cargoExtraArgs = "--locked --package packager --bin packager";
  # Nobody ships it, and what takes long in it is optimised in this profile, too: half the time until it packs.
  CARGO_PROFILE = "dev";
  CARGO_PROFILE_DEV_DEBUG = "false";
  strictDeps = true;
  # checks.tests runs them.
  doCheck = false;
  postPatch = import ./member-stubs.nix;
  meta.mainProgram = "packager";
}
