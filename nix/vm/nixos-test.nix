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
      SERVER = "${packages.wats-test-server}/bin/wats-test-server";
      REPORT = "/etc/report.json";
      PROGRAM = "${packages.pywats-client}/bin/pywats-client";
      UPGRADED = "${upgraded}/bin/pywats-client";
    };
    scenario = ../../tests/vm/nixos + "/${name}.py";
  };
}
