# crane's functions as far as the flake calls them: what they do with their arguments, not how crane does it.
{
  pkgs,
  toolchain ? throw "the stand-in has no toolchain but the one of overrideToolchain",
}:
let
  inherit (pkgs) lib;

  vendorCargoDeps = import ./vendor.nix pkgs;

  # Arguments of crane that are not meant for the derivation.
  forCrane = [
    "buildPhaseCargoCommand"
    "cargoBuildCommand"
    "cargoCheckCommand"
    "cargoClippyExtraArgs"
    "cargoExtraArgs"
    "cargoTestExtraArgs"
    "checkPhaseCargoCommand"
    "installPhaseCommand"
    "pnameSuffix"
  ];

  mkCargoDerivation =
    arguments:
    pkgs.stdenv.mkDerivation (
      removeAttrs arguments forCrane
      // {
        pname = arguments.pname + (arguments.pnameSuffix or "");
        nativeBuildInputs = (arguments.nativeBuildInputs or [ ]) ++ [ toolchain ];
        # Only true and false of doCheck differ for the builder.
        doCheck = if arguments.doCheck or false then "1" else "";
        configurePhase = ''
          export CARGO_HOME=$PWD/.cargo-home CARGO_BUILD_JOBS=''${CARGO_BUILD_JOBS:-$NIX_BUILD_CORES}
          mkdir -p $CARGO_HOME
          ${lib.optionalString (
            arguments.cargoVendorDir or null != null
          ) "cp $cargoVendorDir/config.toml $CARGO_HOME/"}
          ${lib.optionalString (arguments.cargoArtifacts or null != null) ''
            mkdir -p target
            tar --extract --file ${arguments.cargoArtifacts}/target.tar -C target
          ''}
        '';
        buildPhase = ''
          runHook preBuild
          ${arguments.buildPhaseCargoCommand}
          runHook postBuild
        '';
        checkPhase = arguments.checkPhaseCargoCommand or "";
        installPhase = ''
          ${arguments.installPhaseCommand or "mkdir -p $out"}
          runHook postInstall
        '';
      }
    );

  extra = arguments: arguments.cargoExtraArgs or "--locked";

  # Manifests with empty programs and libraries.
  dummySource =
    src:
    pkgs.runCommand "source" { manifests = import ./manifests.nix src; } ''
      cp -r --no-preserve=mode $manifests $out
      find $out -name Cargo.toml -printf '%h\n' | while read -r member; do
        grep -q '^\[package\]' $member/Cargo.toml || continue
        mkdir -p $member/src
        echo 'fn main() {}' > $member/src/main.rs
        touch $member/src/lib.rs
      done
    '';
in
{
  inherit vendorCargoDeps;

  overrideToolchain =
    another:
    import ./lib.nix {
      inherit pkgs;
      toolchain = another;
    };

  buildDepsOnly =
    arguments:
    let
      check = arguments.cargoCheckCommand or "cargo check --release";
      build = arguments.cargoBuildCommand or "cargo build --release";
      withTests = arguments.doCheck or true;
    in
    mkCargoDerivation (
      arguments
      // {
        src = dummySource arguments.src;
        pnameSuffix = "-deps";
        doCheck = withTests;
        cargoArtifacts = null;
        buildPhaseCargoCommand = ''
          ${check} ${extra arguments} ${lib.optionalString withTests "--all-targets"}
          ${build} ${extra arguments}
        '';
        checkPhaseCargoCommand = "cargo test --release ${extra arguments} --no-run";
        postInstall = "";
        installPhaseCommand = ''
          mkdir -p $out
          tar --create --file $out/target.tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner -C target .
        '';
      }
    );

  buildPackage =
    arguments:
    mkCargoDerivation (
      arguments
      // {
        doCheck = arguments.doCheck or true;
        buildPhaseCargoCommand = ''
          ${arguments.cargoBuildCommand or "cargo build --release"} --message-format json-render-diagnostics \
            ${extra arguments} > $NIX_BUILD_TOP/build.json
        '';
        checkPhaseCargoCommand = "cargo test --release ${extra arguments}";
        installPhaseCommand = ''
          mkdir -p $out/bin
          sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' $NIX_BUILD_TOP/build.json | xargs cp --target-directory=$out/bin
        '';
      }
    );

  cargoClippy =
    arguments:
    mkCargoDerivation (
      arguments
      // {
        pnameSuffix = "-clippy";
        buildPhaseCargoCommand = "cargo clippy --release ${extra arguments} ${arguments.cargoClippyExtraArgs}";
      }
    );

  cargoTest =
    arguments:
    mkCargoDerivation (
      arguments
      // {
        pnameSuffix = "-test";
        doCheck = true;
        buildPhaseCargoCommand = "";
        checkPhaseCargoCommand = "cargo test --release ${extra arguments} ${arguments.cargoTestExtraArgs}";
      }
    );

  cargoFmt =
    arguments:
    mkCargoDerivation (
      arguments
      // {
        pnameSuffix = "-fmt";
        cargoVendorDir = null;
        buildPhaseCargoCommand = "cargo fmt --all -- --check";
      }
    );

  cargoDeny =
    arguments:
    mkCargoDerivation (
      arguments
      // {
        pnameSuffix = "-deny";
        nativeBuildInputs = [ pkgs.cargo-deny ];
        buildPhaseCargoCommand = "cargo --offline deny check bans licenses sources";
      }
    );
}
