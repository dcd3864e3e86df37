# The machine of all NixOS tests: the service, an operator, a test server that is not running yet, and a watch
# folder outside the state folder.
{
  module,
  packages,
  specialisation,
}:
{ lib, ... }:
{
  imports = [ module ];

  services.pywats-client = {
    enable = true;
    package = packages.pywats-client;
    tokenFile = "/etc/wats-token";
    settings = {
      server.url = lib.mkDefault "http://127.0.0.1:9080";
      server.proxy = "none";
      upload.retry_initial_seconds = 1;
      upload.retry_max_seconds = 2;
    };
  };

  environment.etc = {
    "report.json".source = import ./report.nix;
    # The token of tests/vm/steps.py, as root's own file. Its text is in the store all the same: only a test may
    # do this.
    "wats-token" = {
      text = "dXNlcjpwYXNzd29yZA==";
      mode = "0400";
    };
  };
  # Keeps it in the machine's closure.
  environment.systemPackages = [ packages.wats-test-server ];

  users.users.alice = {
    isNormalUser = true;
    extraGroups = [ "pywats-operators" ];
  };
  systemd.tmpfiles.rules = [ "d /srv/results 0755 pywats pywats -" ];

  specialisation = builtins.mapAttrs (_: configuration: { inherit configuration; }) specialisation;
}
