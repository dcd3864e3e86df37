# Everything that is built on one kind of machine, by name: what a file asks for in its arguments comes from
# here or from nixpkgs.
{ inputs, system }:
let
  pkgs = import inputs.nixpkgs {
    inherit system;
    overlays = [ inputs.rust-overlay.overlays.default ];
  };
in
pkgs.lib.makeScope pkgs.newScope (self: {
  inherit inputs pkgs;

  # Facts that are said in other files of the workspace.
  inherit (import ./facts.nix { inherit (pkgs) lib; })
    version
    channel
    environment
    targets
    programRows
    artifactRows
    ;
  sources = import ./sources.nix { inherit (pkgs) lib; };

  # Toolchains.
  rustToolchain = self.callPackage ./rust-toolchain.nix { };
  craneLib = (inputs.crane.mkLib pkgs).overrideToolchain self.rustToolchain;
  cargoVendorDir = self.craneLib.vendorCargoDeps { cargoLock = ../Cargo.lock; };
  wheels = import ./wheels.nix { inherit (pkgs) lib stdenv fetchPypi; };
  zig = self.callPackage ./zig.nix { };
  cargoDist = self.callPackage ./cargo-dist.nix { };

  # Programs for users' machines, by target.
  buildFor = self.callPackage ./build-for.nix { };
  clients = pkgs.lib.mapAttrs (
    target: { programs, ... }: self.buildFor { inherit target programs; }
  ) self.targets;
  testServer = self.buildFor {
    target = "${pkgs.stdenv.hostPlatform.parsed.cpu.name}-unknown-linux-musl";
    programs = [
      {
        package = "wats-test-server";
        kind = "program";
      }
    ];
  };

  # Programs for this machine.
  workspace = import ./workspace.nix {
    inherit (self)
      craneLib
      cargoVendorDir
      environment
      sources
      version
      ;
  };
  packager = self.callPackage ./packager.nix { };
  nativeClient = self.callPackage ./native-client.nix { };
  xtask = self.callPackage ./xtask.nix { };

  # Artifacts.
  plan = self.callPackage ./plan.nix { };
  artifact = self.callPackage ./artifact.nix { };
  artifacts = import ./artifacts.nix {
    inherit (pkgs) lib;
    inherit (self)
      artifact
      artifactRows
      clients
      ;
  };
  all = self.callPackage ./all.nix { };

  # The same again, with everything different that must not show in the bits.
  variation = self.overrideScope (import ./variation.nix);
  # Nothing is different here; variation.nix says what is there.
  disturbance = { };

  devShell = self.callPackage ./dev-shell.nix { };
})
