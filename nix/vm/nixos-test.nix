# Makes one test of the NixOS module.
{
  pkgs,
  module,
  packages,
  upgraded,
}:
name:
{
  node ? { },
  specialisation ? { },
}:
pkgs.testers.runNixOSTest {
  name = "vm-nixos-${name}";
  nodes.machine.imports = [
    (import ./nixos-node.nix { inherit module packages specialisation; })
    node
  ];
  testScript = import ./script.nix {
    constants = {
      OUTSIDE = false;
      SERVER = "${packages.wats-test-server}/bin/wats-test-server";
      LISTEN = "127.0.0.1:9080";
      SERVER_URL = "http://127.0.0.1:9080";
      RECORDS = "/var/tmp/wats-reports";
      REPORT = "/etc/report.json";
      PROGRAM = "${packages.pywats-client}/bin/pywats-client";
      UPGRADED = "${upgraded}/bin/pywats-client";
    };
    scenario = ../../tests/vm/nixos + "/${name}.py";
  };
}
