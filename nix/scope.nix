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
  inherit (import ./facts.nix { inherit (pkgs) lib; }) version channel targets;
  sources = import ./sources.nix { inherit (pkgs) lib; };

  # Toolchains.
  rustToolchain = self.callPackage ./rust-toolchain.nix { };
  craneLib = (inputs.crane.mkLib pkgs).overrideToolchain self.rustToolchain;
  cargoVendorDir = self.craneLib.vendorCargoDeps { cargoLock = ../Cargo.lock; };
  zig = self.callPackage ./zig.nix { };
  mingw = import ./mingw.nix { inherit (pkgs) pkgsCross; };
  linkers = {
    zig = self.callPackage ./linkers/zig.nix { };
    mingw = self.callPackage ./linkers/mingw.nix { };
  };

  # Programs for users' machines, by target.
  buildFor = self.callPackage ./build-for.nix { };
  clientFor =
    target:
    self.buildFor (
      {
        inherit target;
        program = "pywats-client";
        src = self.sources.client;
      }
      // pkgs.lib.optionalAttrs (pkgs.lib.hasInfix "-windows-" target) {
        src = self.sources.windowsClient;
        library = "installer-actions";
      }
    );
  testServer = self.buildFor {
    program = "wats-test-server";
    src = self.sources.testServer;
    target = "${pkgs.stdenv.hostPlatform.parsed.cpu.name}-unknown-linux-musl";
  };

  # Programs for this machine.
  workspace = import ./workspace.nix {
    inherit (self)
      craneLib
      cargoVendorDir
      sources
      version
      ;
  };
  packager = self.callPackage ./packager.nix { };
  nativeClient = self.callPackage ./native-client.nix { };
  xtask = self.callPackage ./xtask.nix { };

  # Artifacts.
  artifact = self.callPackage ./artifact.nix { };
  artifacts = import ./artifacts.nix { inherit (self) artifact clientFor; };
  all = self.callPackage ./all.nix { };

  # The same again, with everything different that must not show in the bits.
  variation = self.overrideScope (import ./variation.nix);
  # Nothing is different here; variation.nix says what is there.
  disturbance = { };

  devShell = self.callPackage ./dev-shell.nix { };
})
