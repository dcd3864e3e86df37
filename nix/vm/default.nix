# Tests in virtual machines, as attributes of `checks`: the NixOS module (vm-nixos-SCENARIO), and the packages in
# the distributions that they are for (vm-FORMAT-GUEST). Each needs KVM.
#
# `module` is the NixOS module; `packages` has `pywats-client`, `wats-test-server`, `deb-amd64`, `rpm-x86_64` and
# `rpm-selinux`, the latter three with `withVersion`; `guests` is nix-vm-test's library for this system, or `{ }`
# where it has none.
{
  lib,
  pkgs,
  module,
  packages,
  guests,
}:
let
  upgraded = import ./upgraded.nix { inherit pkgs packages; };
  nixosTest = import ./nixos-test.nix {
    inherit
      pkgs
      module
      packages
      upgraded
      ;
  };
  packageTest = import ./package-test.nix { inherit pkgs packages guests; };

  ofNixOS = lib.mapAttrs' (name: extra: {
    name = "vm-nixos-${name}";
    value = nixosTest name extra;
  }) (import ./nixos-scenarios.nix { inherit lib upgraded; });

  ofPackages = builtins.listToAttrs (
    map packageTest (
      builtins.filter (guest: guests ? ${guest.image.distribution}) (import ./guests.nix)
    )
  );
in
ofNixOS // ofPackages
