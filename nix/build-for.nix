# Builds one program of the workspace for one target, as users get it: hardened, without a path of the machine that
# built it, the same bits everywhere.
{
  lib,
  craneLib,
  cargoVendorDir,
  version,
  linkers,
  disturbance,
}:
{
  program,
  src,
  target,
  # A package whose library is built with the program and lies beside it.
  library ? null,
}:
let
  isWindows = lib.hasInfix "-windows-" target;
  linker = (if isWindows then linkers.mingw else linkers.zig) target;

  # No sooner than when the build begins: the stdenv of nixpkgs sets the time zone itself.
  disturb = lib.concatStrings (
    lib.mapAttrsToList (name: value: "export ${name}=${lib.escapeShellArg value}\n") disturbance
  );

  arguments = {
    inherit
      version
      src
      cargoVendorDir
      ;
    inherit (linker) cargoBuildCommand nativeBuildInputs;
    # crane checks dependencies before it builds them, which is for clippy: here the build compiles them all.
    cargoCheckCommand = "true";
    pname = "${program}-${target}";
    cargoExtraArgs =
      "--locked --target ${target} --package ${program} --bin ${program}"
      + lib.optionalString (library != null) " --package ${library} --lib";
    strictDeps = true;
    # A program for another system cannot be tested here. The workspace's tests and the acceptance bench do that.
    doCheck = false;
    # The programs are stripped, and finished: nixpkgs' strip would write the time into those for Windows.
    dontFixup = true;
    # crane would replace paths of the store in the program by others. Here there are none, which is checked.
    doNotRemoveReferencesToRustToolchain = true;
    doNotRemoveReferencesToVendorDir = true;
    inherit (linker) env;

    postPatch = import ./member-stubs.nix;

    preBuild =
      disturb
      + linker.preBuild
      + ''
        rustflags=(${lib.escapeShellArgs linker.rustflags} "--remap-path-prefix=$PWD=/src")
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
    # crane has a folder for libraries; Windows looks for them beside the program.
    postInstall =
      lib.optionalString (library != null) ''
        rm -rf $out/lib
        cp target/${target}/release/${lib.replaceStrings [ "-" ] [ "_" ] library}.dll $out/bin/
      ''
      + linker.postInstall;
    # Nothing of the store is in the program: it runs anywhere, and it says nothing of where it was built.
    allowedReferences = [ ];
    passthru = {
      inherit target;
      fileName = program + lib.optionalString isWindows ".exe";
      toolchain = linker.description;
    };
    meta.mainProgram = program;
  }
)
