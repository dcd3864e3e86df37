# The service, its configuration file and its port.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.pywats-client;
  unit = import ./unit.nix;
  configuration = import ./render.nix { inherit (cfg) settings folders; };
  sandbox = import ./sandbox.nix {
    inherit lib;
    inherit (cfg.settings) client;
    others = cfg.folders;
  };
in
{
  config = lib.mkIf cfg.enable {
    services.pywats-client.settings.client.watch_folder = lib.mkIf (cfg.watchFolders != [ ]) (
      builtins.head cfg.watchFolders
    );

    # The place where the client looks by itself, so that `pywats-client check` shows what the service uses.
    environment.etc."pywats/config.json".text = configuration;
    environment.systemPackages = [ cfg.package ];

    systemd.services.pywats-client = {
      description = unit.Unit.Description;
      documentation = [ unit.Unit.Documentation ];
      wants = [ unit.Unit.Wants ];
      after = [ unit.Unit.After ];
      wantedBy = [ unit.Install.WantedBy ];
      unitConfig = {
        inherit (unit.Unit) StartLimitIntervalSec;
      }
      // sandbox.unitConfig;
      # The client applies a new configuration while it runs, and uploads meanwhile.
      reloadTriggers = [ configuration ];
      # Defaults, so that a machine can change a line as a drop-in does for the packages.
      serviceConfig = builtins.mapAttrs (_: lib.mkDefault) (
        unit.Service
        // sandbox.serviceConfig
        // {
          ExecStartPre = "-+${pkgs.systemd}/bin/systemd-tmpfiles --create --prefix=/var/lib/pywats";
          ExecStart = "${cfg.package}/bin/pywats-client run";
          ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
        }
        // lib.optionalAttrs (cfg.tokenFile != null) { LoadCredential = "token:${cfg.tokenFile}"; }
      );
    };

    networking.firewall.allowedTCPPorts = lib.mkIf (cfg.openFirewall && cfg.settings.health.port != 0) [
      cfg.settings.health.port
    ];
  };
}
