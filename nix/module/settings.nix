# The type of `services.pywats-client.settings`: what the client's configuration file may have, section by
# section, with the limits that the client itself sets (crates/pywats-client/src/config/settings.rs).
#
# Unknown settings pass through, so that a newer client can be configured; the client ignores what it does not
# know and says so in its log.
{ lib }:
let
  inherit (lib) types;

  value = types.oneOf [
    types.bool
    types.int
    types.str
  ];

  # `null` leaves a setting out of the file: the client's default is in force.
  optional =
    type: description:
    lib.mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };

  preset =
    type: default: description:
    lib.mkOption {
      inherit type default description;
    };

  seconds = most: types.ints.between 1 most;
in
types.submodule {
  freeformType = types.attrsOf (types.attrsOf (types.nullOr value));

  options = {
    server = {
      url = optional types.str "Address of the WATS server, as `https://company.wats.com`.";
      ca_file = optional types.str "PEM file with certificates to trust beside the system's.";
      proxy = optional types.str "`system` (the client's default), `none`, or the address of a proxy.";
      timeout_seconds = optional (seconds 3600) "How long one request may take.";
    };
    client = {
      data_dir = optional types.str "Folder of the queue and, unless set otherwise, of the folders below.";
      watch_folder = optional types.str "What {option}`services.pywats-client.watchFolders` says.";
      done_folder = optional types.str "Folder to which delivered files go.";
      failed_folder = optional types.str "Folder to which refused files go.";
      max_report_bytes = optional (types.ints.between 1 536870912) "Size of the largest report that is read.";
    };
    upload = {
      retry_initial_seconds = optional (seconds 3600) "Wait after a first failure; it doubles each time.";
      retry_max_seconds = optional (seconds 86400) "Longest wait between two attempts.";
    };
    logging.level = optional (types.enum [
      "error"
      "warn"
      "info"
      "debug"
      "trace"
    ]) "Least important level that is logged.";
    # These two have the client's defaults here as well: the firewall depends on them.
    health = {
      address =
        preset types.str "127.0.0.1"
          "Address of the interface where the health endpoints listen.";
      port = preset types.port 8080 "TCP port of the health endpoints; 0 switches them off.";
    };
  };
}
