# Fails if: the appliance of NixOS starts a service that nobody has configured, lets anybody in by a password who has not
# been given one, shows operators more than their folder, or cannot be configured as any machine. Gives the names of the
# cases.
{ lib }:
let
  evaluate = import ./evaluate-module.nix {
    inherit lib;
    module = {
      imports = [
        ../../nix/module.nix
        ../../nix/appliance.nix
      ];
    };
  };
  appliance = ../../packaging/appliance/root;
  unit = outcome: outcome.service.unitConfig.ConditionPathExists or null;

  blank = evaluate { };
  configured = evaluate { settings.server.url = "https://company.wats.com"; };
  inherit (blank.machine) services systemd users;

  packaged = import ./unit-from-file.nix [
    (appliance + "/usr/lib/systemd/system/srv-operators-watch.mount")
  ];
  mount = builtins.head systemd.mounts;

  cases = {
    quiet = blank.refused ++ blank.warnings == [ ];
    waits = unit blank == "/etc/pywats/environment";
    startsWhenConfigured = unit configured == null;
    seed = blank.service.serviceConfig.EnvironmentFile == "-/etc/pywats/environment";
    afterSeed = builtins.elem "cloud-init.service" blank.service.after;
    keepsItsOrder = builtins.elem "network-online.target" blank.service.after;
    hardened = blank.service.serviceConfig.ProtectSystem == "strict";
    onlyDisks =
      services.cloud-init.settings.datasource_list == [
        "NoCloud"
        "ConfigDrive"
        "None"
      ];
    byKey = !services.openssh.settings.PasswordAuthentication;
    operators = lib.hasPrefix (builtins.readFile (
      appliance + "/etc/ssh/sshd_config.d/10-appliance.conf"
    )) services.openssh.extraConfig;
    # What other modules add is not said of operators.
    operatorsAlone = lib.hasInfix "\nMatch all\n" services.openssh.extraConfig;
    nobodyHasPassword =
      builtins.filter (user: user ? password || user ? hashedPassword || user ? initialPassword) (
        builtins.attrValues users.users
      ) == [ ];
    administrator = users.users.admin.extraGroups == [ "wheel" ];
    sameMount =
      packaged.Mount == [
        "Options=${mount.options}"
        "Type=${mount.type}"
        "What=${mount.what}"
        "Where=${mount.where}"
      ]
      && packaged.Install == map (target: "WantedBy=${target}") mount.wantedBy;
  };
  wrong = builtins.filter (name: !cases.${name}) (builtins.attrNames cases);
in
if wrong == [ ] then
  builtins.attrNames cases
else
  throw "the appliance of NixOS: ${toString wrong}, of ${builtins.toJSON blank.machine}"
