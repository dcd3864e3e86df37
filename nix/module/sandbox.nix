# What the configured folders need of the unit: the service sees the file system read-only and no homes, but it
# must write to the folders it was told to use. Folders in its own state folder are writable anyway.
{
  lib,
  client,
  others,
}:
let
  unit = import ./unit.nix;
  below = parent: folder: folder == parent || lib.hasPrefix "${parent}/" folder;

  outside = builtins.filter (folder: folder != null && !below "/var/lib/pywats" folder);
  folders = outside [
    client.data_dir
    client.watch_folder
    client.done_folder
    client.failed_folder
  ];
  # Those of the list `folders`. One that is missing must not keep the service from starting, hence the minus sign.
  further = lib.unique (
    outside (
      builtins.concatMap (folder: [
        folder.path
        folder.done_folder
        folder.failed_folder
        folder.archive_folder
      ]) others
    )
  );
  all = map inQuotes folders ++ map (folder: inQuotes "-${folder}") further;

  # A word of a list in a unit (systemd.syntax(7)), in which a percent sign would be a specifier.
  inQuotes =
    word:
    let
      escaped = builtins.replaceStrings [ "%" "\\" "\"" ] [ "%%" "\\\\" "\\\"" ] word;
    in
    if builtins.match ".*[ '\"\\\\].*" word == null then escaped else "\"${escaped}\"";

  # What ProtectHome hides.
  inHome = folder: below "/home" folder || below "/root" folder || below "/run/user" folder;
in
{
  # A folder that is mounted is waited for. One that cannot be mounted does not keep the service from being tried
  # again later, as RequiresMountsFor would.
  unitConfig = lib.optionalAttrs (all != [ ]) { WantsMountsFor = map inQuotes (folders ++ further); };

  serviceConfig =
    lib.optionalAttrs (all != [ ]) { ReadWritePaths = [ unit.Service.ReadWritePaths ] ++ all; }
    // lib.optionalAttrs (builtins.any inHome (folders ++ further)) { ProtectHome = "read-only"; };
}
