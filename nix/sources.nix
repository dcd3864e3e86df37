# Which files of the workspace decide what: a change of any other file builds nothing again.
{ lib }:
let
  inherit (lib) fileset;
  root = ../.;

  crates = map (name: ../crates + "/${name}") (lib.attrNames (builtins.readDir ../crates));
  members = crates ++ [
    ../tests/acceptance
    ../xtask
  ];

  # cargo reads the manifests of all members, whichever of them it builds.
  manifests = fileset.unions (
    [
      ../Cargo.toml
      ../Cargo.lock
    ]
    ++ map (member: member + "/Cargo.toml") members
  );

  source =
    files:
    fileset.toSource {
      inherit root;
      fileset = fileset.unions files;
    };

  client = [
    manifests
    ../crates/wats/src
    ../crates/wats-settings/src
    ../crates/pywats-client/src
    # What the build script gives a program for Windows.
    ../crates/pywats-client/build.rs
    ../crates/product-version/src
    ../crates/windows-resources/src
    ../packaging/windows/pywats-client.ico
    ../packaging/windows/pywats-client.manifest
  ];
in
{
  client = source client;
  windowsClient = source (client ++ [ ../crates/installer-actions/src ]);

  testServer = source [
    manifests
    ../crates/wats-test-server/src
  ];

  packager = source [
    manifests
    ../crates/packager/src
    ../crates/product-version/src
    ../crates/windows-installer/src
  ];

  xtask = source [
    manifests
    ../crates/packager/src
    ../crates/product-version/src
    ../crates/windows-installer/src
    ../xtask
    ../rust-toolchain.toml
    ../targets.toml
  ];

  # What goes into packages besides programs.
  packaging = source [
    ../packaging
    ../CHANGELOG.md
    ../LICENSE
  ];

  # What the sources' own tests and lints look at.
  workspace = source (
    members
    ++ [
      ../Cargo.toml
      ../Cargo.lock
      ../CHANGELOG.md
      ../LICENSE
      ../clippy.toml
      ../deny.toml
      ../docs
      ../packaging
      ../rust-toolchain.toml
      ../rustfmt.toml
      ../targets.toml
      ../tests/fixtures
    ]
  );

  # What the flake itself is made of.
  flake = source [
    ../flake.nix
    ../nix
    ../tests/nix
  ];

  scenarios = source [ ../tests/vm ];
}
