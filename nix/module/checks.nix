# Configurations that cannot work or give a secret away are refused; doubtful ones are warned of.
{ config, lib, ... }:
let
  cfg = config.services.pywats-client;
  inherit (cfg.settings) server health;

  names = map (folder: folder.name) cfg.folders;
  strange = builtins.filter (
    folder: builtins.match "[a-z0-9_-]{1,32}" folder.name == null || !lib.hasPrefix "/" folder.path
  ) cfg.folders;

  set = name: server.${name} or null != null;
  holdsPassword = name: set name && builtins.match "[^/]*//[^/]*@.*" server.${name} != null;
  isLoopback = address: address == "::1" || address == "localhost" || lib.hasPrefix "127." address;
in
{
  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !set "token";
        message = ''
          services.pywats-client.settings.server.token would be readable by everybody in the Nix store; put the
          token into a file and name it in services.pywats-client.tokenFile.
        '';
      }
      {
        assertion = cfg.tokenFile == null || lib.hasPrefix "/" cfg.tokenFile;
        message = "services.pywats-client.tokenFile must be a full path.";
      }
      {
        assertion = cfg.tokenFile == null || !lib.hasPrefix "${builtins.storeDir}/" cfg.tokenFile;
        message = ''
          services.pywats-client.tokenFile is in the Nix store, where everybody can read it; name a file that
          exists on the machine only, as "/run/secrets/wats-token".
        '';
      }
      {
        assertion = builtins.length cfg.watchFolders <= 1;
        message = ''
          services.pywats-client.watchFolders names ${toString (builtins.length cfg.watchFolders)} folders, but it is
          the first one: ${toString cfg.watchFolders}. List the others in services.pywats-client.folders.
        '';
      }
      {
        assertion = lib.unique names == names && !builtins.elem "default" names;
        message = ''
          services.pywats-client.folders has a name twice, or the name "default", which is that of the first folder:
          ${toString names}.
        '';
      }
      {
        assertion = strange == [ ];
        message = ''
          services.pywats-client.folders: a name is 1 to 32 of the characters a-z, 0-9, - and _, and a path is a full
          one; not so of ${toString (map (folder: "${folder.name} (${folder.path})") strange)}.
        '';
      }
      {
        assertion = cfg.tokenFile == null || !set "token_file";
        message = ''
          services.pywats-client.tokenFile and settings.server.token_file name two files for one token; remove
          settings.server.token_file.
        '';
      }
    ];

    warnings =
      lib.optional (holdsPassword "url" || holdsPassword "proxy") ''
        services.pywats-client: an address in settings.server holds a password, which everybody can read in the
        Nix store.
      ''
      ++ lib.optional (cfg.openFirewall && isLoopback health.address) ''
        services.pywats-client.openFirewall has no effect: the health endpoints listen on ${health.address} only.
        Set settings.health.address, for example to "0.0.0.0".
      ''
      ++ lib.optional (cfg.openFirewall && health.port == 0) ''
        services.pywats-client.openFirewall has no effect: settings.health.port is 0, which switches the health
        endpoints off.
      '';
  };
}
