# The virtual appliance as NixOS has it: the client, an administrator who comes by SSH, operators who come by SFTP, and a
# seed at the first start. Images of it are made by NixOS' own `system.build.images`. See docs/nixos.md.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.pywats-client;
  # Where a seed says what the configuration does not.
  environment = "/etc/pywats/environment";
in
{
  services.pywats-client.enable = true;
  systemd.services.pywats-client = {
    after = [ "cloud-init.service" ];
    # Without a server it would only complain.
    unitConfig = lib.mkIf (cfg.settings.server.url == null) { ConditionPathExists = environment; };
    serviceConfig.EnvironmentFile = "-${environment}";
  };

  # Nobody has a password that he was not given. The first value counts for sshd: NixOS writes its settings before the
  # lines that the appliance of Debian has, which say who operators are and what they reach.
  services.openssh = {
    enable = true;
    settings = {
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
      PermitRootLogin = "no";
    };
    extraConfig =
      builtins.readFile ../packaging/appliance/root/etc/ssh/sshd_config.d/10-appliance.conf
      + "Match all\n";
  };
  # The mount of the appliance of Debian. Not in `fileSystems`: images have their own in place of all others.
  systemd.mounts = [
    {
      description = "Watch folder for operators who come by SFTP";
      what = "/var/lib/pywats/watch";
      where = "/srv/operators/watch";
      type = "none";
      options = "bind,nosuid,nodev,noexec";
      wantedBy = [ "multi-user.target" ];
      after = [ "systemd-tmpfiles-setup.service" ];
      unitConfig.RequiresMountsFor = "/var/lib/pywats";
    }
  ];

  users.users.admin = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
  };
  # He comes with a key, and has no password that could be asked for.
  security.sudo.wheelNeedsPassword = false;

  services.cloud-init = {
    enable = true;
    network.enable = true;
    settings = {
      # Of disks only: nothing in the network is asked.
      datasource_list = [
        "NoCloud"
        "ConfigDrive"
        "None"
      ];
      system_info = {
        distro = "nixos";
        network.renderers = [ "networkd" ];
        default_user.name = "admin";
      };
      users = [ "default" ];
      disable_root = true;
      # NixOS makes the host keys of SSH.
      ssh_deletekeys = false;
      ssh_genkeytypes = [ ];
    };
  };
  networking.useNetworkd = true;
  # A seed's.
  networking.hostName = lib.mkDefault "";

  boot.kernelParams = lib.mkIf pkgs.stdenv.hostPlatform.isx86_64 [
    "console=tty0"
    "console=ttyS0,115200"
  ];
}
