# The type of `services.pywats-client.folders`: folders that are watched beside the first one, in the shape of the
# configuration's array `folders` (crates/pywats-client/src/config/watch_folders.rs).
{ lib }:
let
  inherit (lib) mkOption types;

  # `null` leaves a field out: what the client takes then is in force.
  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };
  said =
    description:
    mkOption {
      type = types.str;
      inherit description;
    };
in
types.listOf (
  types.submodule {
    options = {
      name = said "What people call the folder: 1 to 32 of the characters a-z, 0-9, - and _.";
      path = said "Full path of the folder. It is never made.";
      patterns = optional (types.listOf types.str) "Which names are taken; `*.json` and `*.wsjf` by default.";
      subfolders = optional types.bool "Whether folders in it are watched, too.";
      done_folder = optional types.str "Folder to which delivered files go, in place of the station's.";
      failed_folder = optional types.str "Folder to which refused files go, in place of the station's.";
      archive_folder = optional types.str "Folder of the archive, in place of the station's.";
      after_delivery = optional (types.enum [
        "done"
        "archive"
        "delete"
      ]) "What becomes of delivered files.";
      priority = optional (types.ints.between 1 10) "Whose reports are sent first: 1 before 10; 5 by default.";
      look = optional (types.enum [
        "auto"
        "events"
        "polling"
      ]) "How the folder is looked at.";
    };
  }
)
