# The NixOS tests: for each scenario in tests/vm/nixos, what its machine has beyond the common node, and the
# generations that it can switch to.
{ lib, upgraded }:
let
  upgrade.upgraded.services.pywats-client.package = lib.mkForce upgraded;
in
{
  boot = { };
  hardening = { };
  delivery.specialisation.elsewhere.services.pywats-client.watchFolders = [ "/srv/results" ];
  # Nobody listens on port 9.
  reload = {
    node.services.pywats-client.settings.server.url = "http://127.0.0.1:9";
    specialisation.reachable.services.pywats-client.settings.server.url =
      lib.mkForce "http://127.0.0.1:9080";
  };
  credential = { };
  # A machine that a seed configures. cloud-init is left out: the driver's machines have their own network.
  appliance.node = {
    imports = [ ../appliance.nix ];
    services.cloud-init.enable = lib.mkForce false;
    services.pywats-client = {
      settings.server.url = lib.mkForce null;
      tokenFile = lib.mkForce null;
    };
  };
  upgrade.specialisation = upgrade;
  rollback.specialisation = upgrade;
}
