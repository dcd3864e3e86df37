# What the configured folders need of the unit: the service sees the file system read-only and no homes, but it
# must write to the folders it was told to use. Folders in its own state folder are writable anyway.
{ lib, client }:
let
  unit = import ./unit.nix;
  below = parent: folder: folder == parent || lib.hasPrefix "${parent}/" folder;

  folders = builtins.filter (folder: folder != null && !below "/var/lib/pywats" folder) [
    client.data_dir
    client.watch_folder
    client.done_folder
    client.failed_folder
  ];

  # What ProtectHome hides.
  inHome = folder: below "/home" folder || below "/root" folder || below "/run/user" folder;
in
{
  # A folder that is mounted is waited for. One that cannot be mounted does not keep the service from being tried
  # again later, as RequiresMountsFor would.
  unitConfig = lib.optionalAttrs (folders != [ ]) { WantsMountsFor = folders; };

  serviceConfig =
    lib.optionalAttrs (folders != [ ]) { ReadWritePaths = [ unit.Service.ReadWritePaths ] ++ folders; }
    // lib.optionalAttrs (builtins.any inHome folders) { ProtectHome = "read-only"; };
}
