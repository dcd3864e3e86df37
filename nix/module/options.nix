# The options of `services.pywats-client`.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.services.pywats-client = {
    enable = lib.mkEnableOption "pyWATS Client, which uploads manufacturing test reports to a WATS server";

    package = mkOption {
      type = types.package;
      default = pkgs.pywats-client;
      defaultText = lib.literalExpression "pkgs.pywats-client";
      description = "The package whose `bin/pywats-client` runs.";
    };

    settings = mkOption {
      type = import ./settings.nix { inherit lib; };
      default = { };
      example = {
        server.url = "https://company.wats.com";
        upload.retry_max_seconds = 600;
      };
      description = ''
        The content of {file}`/etc/pywats/config.json`. What is not set here is left to the client's own
        defaults. Settings that are not listed are passed on as they are.

        The file lies in the Nix store, which everybody may read: give the token by
        {option}`services.pywats-client.tokenFile`.

        A change is applied by reloading the service, without a restart.
      '';
    };

    tokenFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/run/secrets/wats-token";
      description = ''
        The full path of a file that holds nothing but the token of the server. Only root has to be able to
        read it: systemd hands it to the service as a credential when the service starts, so a new token
        needs `systemctl restart pywats-client`.
      '';
    };

    watchFolders = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/srv/results" ];
      description = ''
        The folder into which reports are dropped, in place of {file}`/var/lib/pywats/watch`: one at most.
        Others are listed in {option}`services.pywats-client.folders`.

        The service may write to it whatever else its sandbox forbids, but the account `pywats` must be allowed
        to read, create and remove files there.
      '';
    };

    folders = mkOption {
      type = import ./folders.nix { inherit lib; };
      default = [ ];
      example = [
        {
          name = "ict";
          path = "/srv/ict";
          priority = 1;
        }
      ];
      description = ''
        Folders that are watched beside the first one, in the shape of `folders` of the configuration file.

        The service may write to them whatever else its sandbox forbids, but the account `pywats` must be allowed
        to read, create and remove files there. One that is missing keeps neither the service nor the other
        folders from working.
      '';
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to open the port of the health endpoints, `settings.health.port`, in the firewall. They listen
        on this machine only unless `settings.health.address` says otherwise.
      '';
    };
  };
}
