# The whole workspace for this machine: dependencies compiled once, for clippy, for the tests and for the programs.
{
  craneLib,
  cargoVendorDir,
  environment,
  sources,
  version,
}:
let
  arguments = {
    inherit version cargoVendorDir;
    pname = "pywats-workspace";
    src = sources.workspace;
    cargoExtraArgs = "--locked --workspace";
    strictDeps = true;
    env = environment;
  };
in
arguments // { cargoArtifacts = craneLib.buildDepsOnly arguments; }
