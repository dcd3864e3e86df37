# The account of the service, the group of its operators, and its folders.
{ config, lib, ... }:
let
  isRule = line: builtins.isString line && builtins.match "[a-z].*" line != null;
in
{
  config = lib.mkIf config.services.pywats-client.enable {
    users.users.pywats = {
      isSystemUser = true;
      group = "pywats";
      home = "/var/lib/pywats";
      description = "pyWATS Client";
    };
    users.groups = {
      pywats = { };
      # Members may put reports into the watch folder and ask the service how it is.
      pywats-operators = { };
    };

    # The very lines that the packages ship: owners and modes are decided in one place.
    systemd.tmpfiles.rules = builtins.filter isRule (
      builtins.split "\n" (builtins.readFile ../../packaging/systemd/tmpfiles.conf)
    );
  };
}
