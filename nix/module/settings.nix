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
      after_delivery = optional (types.enum [
        "done"
        "archive"
        "delete"
      ]) "What becomes of delivered files.";
      archive_folder = optional types.str "Folder of the archive.";
      max_report_bytes = optional (types.ints.between 1 536870912) "Size of the largest report that is read.";
      incomplete_minutes = optional (types.ints.between 1 1440) "Minutes that a text that ends too early may rest.";
    };
    reports = {
      time_zone = optional types.str "Zone of a start without UTC offset: `system`, a name or an offset.";
      same_id = optional (types.enum [
        "refuse"
        "new_id"
      ]) "What becomes of a report with the identifier of another one.";
      missing_id = optional (types.enum [
        "random"
        "content"
      ]) "Where a report without an identifier gets one from.";
    };
    station = {
      name = optional types.str "Name of the station in reports that lack one; by default that of the host.";
      location = optional types.str "Where the station is, for reports that do not say it.";
      purpose = optional types.str "What the station is used for, for reports that do not say it.";
      process_code = optional (types.ints.between 1 2147483647) "Test operation of reports that do not say theirs.";
      operator = optional types.str "Operator of reports that do not name one.";
    };
    upload = {
      retry_initial_seconds = optional (seconds 3600) "Wait after a first failure; it doubles each time.";
      retry_max_seconds = optional (seconds 86400) "Longest wait between two attempts.";
      concurrency = optional (types.ints.between 1 64) "How many reports are sent at once.";
      max_per_minute = optional (types.ints.between 1 60000) "How many reports may be sent in a minute.";
      proof = optional (types.enum [
        "id"
        "answer"
      ]) "What proves that the server has a report: its identifier, or an answer as WATS answers.";
    };
    retention = {
      done_days = optional (types.ints.between 0 36500) "Days that delivered files are kept; 0 is for ever.";
      done_gigabytes = optional (types.ints.between 0 1000000) "Size of the delivered files that are kept.";
      failed_days = optional (types.ints.between 0 36500) "Days that refused files are kept; 0 is for ever.";
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
