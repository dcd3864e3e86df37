# Which files of the workspace decide what: a change of any other file builds nothing again. Nothing is listed here:
# crates say in their manifests what they depend on and what they read outside of their folders.
{ lib }:
let
  inherit (lib) fileset;
  root = ../.;

  entries = folder: lib.attrNames (builtins.readDir (root + "/${folder}"));
  cargo = lib.importTOML ../Cargo.toml;

  # Folder and manifest of every member of the workspace, by the name of the package.
  members =
    let
      foldersOf =
        pattern:
        let
          folder = builtins.match "(.*)/[*]" pattern;
        in
        if folder == null then
          [ pattern ]
        else
          map (name: "${builtins.head folder}/${name}") (entries (builtins.head folder));
    in
    lib.listToAttrs (
      map (
        folder:
        let
          manifest = lib.importTOML (root + "/${folder}/Cargo.toml");
        in
        lib.nameValuePair manifest.package.name { inherit folder manifest; }
      ) (lib.concatMap foldersOf cargo.workspace.members)
    );

  # The members that a member is compiled with, on whatever system. Tests do not count.
  dependencies =
    { manifest, ... }:
    let
      tables = [ manifest ] ++ lib.attrValues (manifest.target or { });
      names = lib.concatMap (
        table: lib.attrNames (table.dependencies or { } // table.build-dependencies or { })
      ) tables;
    in
    lib.filter (name: members ? ${name}) names;

  closure =
    packages:
    map (entry: entry.key) (
      builtins.genericClosure {
        startSet = map (key: { inherit key; }) packages;
        operator = { key }: map (key: { inherit key; }) (dependencies members.${key});
      }
    );

  # What cargo compiles for tests and measurements only.
  notForPrograms = [
    "benches"
    "examples"
    "tests"
  ];

  # The files that a member is made of, and those that it reads elsewhere in the workspace.
  filesOf =
    package:
    let
      inherit (members.${package}) folder manifest;
      own = lib.filter (name: !lib.elem name notForPrograms) (entries folder);
    in
    map (name: root + "/${folder}/${name}") own
    ++ map (path: root + "/${path}") (
      manifest.package.metadata.outside or [ ]
      ++ builtins.concatLists (lib.attrValues (manifest.package.metadata.outside-on or { }))
    );

  # cargo reads the manifests of all members, whichever of them it builds.
  manifests = [
    ../Cargo.toml
    ../Cargo.lock
  ]
  ++ lib.mapAttrsToList (_: { folder, ... }: root + "/${folder}/Cargo.toml") members;

  source =
    files:
    fileset.toSource {
      inherit root;
      fileset = fileset.unions files;
    };

  # Entries of a folder but those named.
  allBut =
    folder: names:
    map (name: root + "/${folder}${name}") (lib.filter (name: !lib.elem name names) (entries folder));
in
{
  # What programs or libraries are compiled from.
  of = packages: source (manifests ++ lib.concatMap filesOf (closure packages));

  # What goes into packages besides programs.
  packaging = source [
    ../packaging
    ../CHANGELOG.md
    ../LICENSE
  ];

  # What the sources' own tests and lints may look at: all but what is Nix' or a build's.
  workspace = source (
    allBut "" [
      ".git"
      ".github"
      "dist"
      "flake.lock"
      "flake.nix"
      "nix"
      "result"
      "target"
      "tests"
    ]
    ++ allBut "tests/" [
      "nix"
      "vm"
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
