# The NixOS module (module.nix), with this flake's client as the default package.
self:
{ lib, pkgs, ... }:
{
  imports = [ ./module.nix ];
  services.pywats-client.package =
    lib.mkDefault
      self.packages.${pkgs.stdenv.hostPlatform.system}.pywats-client;
}
