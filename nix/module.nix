# The NixOS module `services.pywats-client`: the service under the same hardened unit, account and folders as
# the DEB and RPM packages, with its configuration written by NixOS.
#
# It needs nothing of this flake but `pkgs.pywats-client`, the default of the option `package`.
{
  imports = [
    ./module/options.nix
    ./module/checks.nix
    ./module/accounts.nix
    ./module/service.nix
  ];
}
