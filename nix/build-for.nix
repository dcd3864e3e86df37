# Builds packages of the workspace for one target, as users get them: hardened, without a path of the machine that
# built them, the same bits everywhere. zig compiles C and links, for every target: with the compiler, C library and
# flags of `cargo xtask dist` the bits are the same as there.
{
  lib,
  craneLib,
  cargoVendorDir,
  rustToolchain,
  sources,
  zig,
  channel,
  environment,
  targets,
  version,
  disturbance,
}:
{
  target,
  # Rows like those of artifacts.toml: a package, and what it is. The first one gives the result its name.
  programs,
}:
let
  inherit (targets.${target}) rustflags macosVersion;
  settings = environment // targets.${target}.env;
  name = (builtins.head programs).package;

  # What cargo makes of a package.
  choose =
    { package, kind, ... }:
    {
      program = " --package ${package} --bin ${package}";
      runtime = " --package ${package} --bin ${package}";
      actions = " --package ${package} --lib";
    }
    .${kind}
      or (throw "artifacts.toml: ${package} is of the kind ${kind}; there are program, runtime and actions");

  # crane has a folder for libraries; Windows looks for them beside the program.
  moveLibraries = lib.concatMapStringsSep "\n" (
    { package, ... }:
    ''
      rm -rf $out/lib
      cp target/${target}/release/${lib.replaceStrings [ "-" ] [ "_" ] package}.dll $out/bin/
    ''
  ) (lib.filter (program: program.kind == "actions") programs);

  # No sooner than when the build begins: the stdenv of nixpkgs sets the time zone itself.
  disturb = lib.concatStrings (
    lib.mapAttrsToList (name: value: "export ${name}=${lib.escapeShellArg value}\n") disturbance
  );

  arguments = {
    inherit version cargoVendorDir;
    src = sources.of (map (program: program.package) programs);
    pname = "${name}-${target}";
    nativeBuildInputs = [ zig ];
    cargoBuildCommand = "cargo zigbuild --release";
    # crane checks dependencies before it builds them, which is for clippy: here the build compiles them all.
    cargoCheckCommand = "true";
    cargoExtraArgs = "--locked --target ${target}" + lib.concatStrings (map choose programs);
    strictDeps = true;
    # A program for another system cannot be tested here. The workspace's tests and the acceptance bench do that.
    doCheck = false;
    # The programs are stripped, and finished: nixpkgs' strip would write the time into those for Windows.
    dontFixup = true;
    # crane would replace paths of the store in the program by others. Here there are none, which is checked.
    doNotRemoveReferencesToRustToolchain = true;
    doNotRemoveReferencesToVendorDir = true;
    env = {
      CC_SHELL_ESCAPED_FLAGS = "1";
      CARGO_ZIGBUILD_ZIG_PATH = "${zig}/bin/zig";
      # rustc strips macOS programs with a tool of its own that needs its own libraries.
      LD_LIBRARY_PATH = "${rustToolchain}/lib";
    }
    // settings
    // lib.optionalAttrs (lib.hasInfix "-apple-" target) { MACOSX_DEPLOYMENT_TARGET = macosVersion; };

    postPatch = import ./member-stubs.nix;

    preBuild = ''
      ${disturb}
      # In cargo's folder, so that the C library that zig compiles for the dependencies is there for the program, too.
      mkdir -p target
      export ZIG_GLOBAL_CACHE_DIR=$PWD/target/zig-cache CARGO_ZIGBUILD_CACHE_DIR=$PWD/target/zigbuild-cache
      rustflags=(${lib.escapeShellArgs rustflags} "--remap-path-prefix=$PWD=/src")
      cflags=("-ffile-prefix-map=$PWD=/src")
      for registry in "$cargoVendorDir"/*/; do
        rustflags+=("--remap-path-prefix=''${registry%/}=/cargo")
        cflags+=("-ffile-prefix-map=''${registry%/}=/cargo")
      done
      # Encoded, as folder names may contain spaces.
      CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf %s "''${rustflags[*]}")
      export CARGO_ENCODED_RUSTFLAGS CFLAGS="''${cflags[*]}"
    '';
  };
in
craneLib.buildPackage (
  arguments
  // {
    cargoArtifacts = craneLib.buildDepsOnly arguments;
    postInstall = moveLibraries;
    # Nothing of the store is in the program: it runs anywhere, and it says nothing of where it was built.
    allowedReferences = [ ];
    passthru = {
      inherit target;
      # For the record beside the artifacts, in the words of `cargo xtask dist`. A toolchain that has a standard
      # library of another origin says so.
      toolchain = lib.concatStringsSep ", " [
        "rustc ${channel}"
        "std ${rustToolchain.origins.${target} or "as distributed with the compiler"}"
        "zig ${zig.zigVersion}"
        "cargo-zigbuild ${zig.zigbuildVersion}"
      ];
    };
    meta.mainProgram = name;
  }
)
