# The options of NixOS that the modules of the flake set, as modules: declared loosely, so that a value is taken where
# NixOS takes it, and merged as there. tests/nix/confirmed.toml says where each was read.
{ lib }:
let
  inherit (lib) mkOption types;

  listOf = type: {
    type = types.listOf type;
    default = [ ];
  };
  anyAttrs = {
    type = types.attrsOf types.anything;
    default = { };
  };
  bool = {
    type = types.bool;
    default = false;
  };

  # A list of two modules is one list; `anything` would have them equal.
  service = types.submodule {
    freeformType = types.attrsOf types.anything;
    options.after = mkOption (listOf types.str);
  };

  table = {
    "assertions" = listOf types.anything;
    "boot.kernelParams" = listOf types.str;
    "boot.loader.grub.devices" = listOf types.str;
    "environment.etc" = anyAttrs;
    "environment.systemPackages" = listOf types.anything;
    "fileSystems" = anyAttrs;
    "networking.firewall.allowedTCPPorts" = listOf types.port;
    "networking.hostName" = {
      type = types.str;
      default = "nixos";
    };
    "networking.useNetworkd" = bool;
    "nixpkgs.hostPlatform" = {
      type = types.str;
    };
    "security.sudo.wheelNeedsPassword" = bool // {
      default = true;
    };
    "services.cloud-init.enable" = bool;
    "services.cloud-init.network.enable" = bool;
    "services.cloud-init.settings" = anyAttrs;
    "services.openssh.enable" = bool;
    "services.openssh.extraConfig" = {
      type = types.str;
      default = "";
    };
    "services.openssh.settings" = anyAttrs;
    "system.build" = anyAttrs;
    "system.stateVersion" = {
      type = types.str;
    };
    "systemd.mounts" = listOf types.anything;
    "systemd.services" = {
      type = types.attrsOf service;
      default = { };
    };
    "systemd.tmpfiles.rules" = listOf types.str;
    "users.groups" = anyAttrs;
    "users.users" = anyAttrs;
    "warnings" = listOf types.str;
  };

  nested =
    path: value:
    if path == [ ] then value else { ${builtins.head path} = nested (builtins.tail path) value; };
  parts = name: builtins.filter builtins.isString (builtins.split "\\." name);
in
{
  names = table;
  modules = lib.mapAttrsToList (name: option: {
    options = nested (parts name) (mkOption option);
  }) table;
}
