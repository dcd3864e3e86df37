# The NixOS module evaluated by `lib.evalModules` around the few NixOS options that it sets, which are declared
# loosely: quick, and without nixpkgs beyond its `lib`. Gives what the module makes of a configuration.
{ lib, module }:
configuration:
let
  surroundings = (import ./stand-ins/nixpkgs/nixos/options.nix { inherit lib; }).modules;

  # What the module takes from pkgs. A package is known by its `type` and its path.
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/packages/${name}";
  };
  pkgs = {
    pywats-client = package "pywats-client";
    coreutils = package "coreutils";
    systemd = package "systemd";
    stdenv.hostPlatform.isx86_64 = true;
  };

  evaluated = lib.evalModules {
    modules = surroundings ++ [
      module
      { config._module.args = { inherit pkgs; }; }
      { config.services.pywats-client = configuration; }
    ];
  };
  inherit (evaluated) config;
  service = config.systemd.services.pywats-client;
in
if !config.services.pywats-client.enable then
  { inherit (config) systemd users; }
else
  {
    refused = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
    inherit (config) warnings;
    configuration = builtins.fromJSON config.environment.etc."pywats/config.json".text;
    inherit service;
    ports = config.networking.firewall.allowedTCPPorts;
    folders = config.systemd.tmpfiles.rules;
    accounts = config.users;
    machine = config;
  }
