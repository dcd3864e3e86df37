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
  upgrade.specialisation = upgrade;
  rollback.specialisation = upgrade;
}
