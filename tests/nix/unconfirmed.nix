# Compares what the stand-ins offer with confirmed.toml, the list of names that were read in the real sources. Gives
# what is wrong, a line each: a name that is offered and not in the list, or in the list and not offered.
{ standIns }:
let
  inherit (builtins) attrNames elem filter;

  confirmed = builtins.fromTOML (builtins.readFile ./confirmed.toml);

  lib = import (standIns + "/nixpkgs/lib");
  everything = import (standIns + "/nixpkgs") {
    system = "x86_64-linux";
    overlays = [ (import (standIns + "/rust-overlay")) ];
  };
  # Only for crane and others, when these are the real ones.
  forInputs = attrNames (
    import (standIns + "/nixpkgs/for-inputs.nix") {
      inherit lib;
      final = everything;
    }
  );
  # What the stand-ins say to each other.
  internal = [
    "rust-bin"
    "standInMachine"
  ];
  crane = (import (standIns + "/crane/flake.nix")).outputs { };

  # For each source: what it offers, and the sets in it whose names count as well.
  sources = {
    nixpkgs = {
      offered = removeAttrs everything (forInputs ++ internal);
      sets = [
        "stdenv"
        "stdenv.hostPlatform"
        "stdenv.hostPlatform.parsed"
        "stdenv.hostPlatform.parsed.cpu"
        "stdenv.hostPlatform.rust"
        "testers"
        "wineWow64Packages"
      ];
    };
    lib = {
      offered = lib;
      sets = [
        "fileset"
        "types"
        "types.ints"
      ];
    };
    nixos = {
      offered = (import (standIns + "/nixpkgs/nixos/options.nix") { inherit lib; }).names // {
        nixosSystem = null;
      };
      sets = [ ];
    };
    crane = {
      offered.mkLib = crane.mkLib everything;
      sets = [ "mkLib" ];
    };
    rust-overlay = {
      offered = {
        inherit (everything) rust-bin;
        overlays.default = { };
      };
      sets = [
        "overlays"
        "rust-bin"
      ];
    };
    nix-vm-test = {
      offered.lib.x86_64-linux = builtins.mapAttrs (_: releases: lib.genAttrs releases (_: null)) (
        lib.importJSON (standIns + "/nix-vm-test/guests.json")
      );
      sets = [
        "lib"
        "lib.x86_64-linux"
        "lib.x86_64-linux.debian"
        "lib.x86_64-linux.fedora"
        "lib.x86_64-linux.rocky"
        "lib.x86_64-linux.ubuntu"
      ];
    };
  };

  # The names of a set, and of the sets in it that count.
  names =
    sets: prefix: set:
    builtins.concatMap (
      name:
      let
        full = prefix + name;
      in
      if elem full sets then names sets "${full}." set.${name} else [ full ]
    ) (attrNames set);

  # Whether a set has what a dotted name says. Versions have dots of their own.
  has =
    set: name:
    builtins.isAttrs set
    && builtins.any (
      attribute:
      name == attribute
      || (
        lib.hasPrefix "${attribute}." name && has set.${attribute} (lib.removePrefix "${attribute}." name)
      )
    ) (attrNames set);

  isPartOf = list: name: builtins.any (row: row == name || lib.hasPrefix "${name}." row) list;

  faults =
    source:
    { offered, sets }:
    let
      rows = attrNames confirmed.${source};
    in
    map (name: "${source}: ${name} is offered, but nobody confirmed it") (
      filter (name: !isPartOf rows name) (names sets "" offered)
    )
    ++ map (name: "${source}: ${name} is confirmed, but not offered") (
      filter (name: !has offered name) rows
    );
in
builtins.concatLists (lib.mapAttrsToList faults sources)
