# Fails if: the NixOS module makes something else of a configuration than the table below says, refuses what it
# must accept, or accepts what it must refuse. Gives the names of the cases.
#
# `lib` is nixpkgs' lib, or something that does the same with what the module uses of it:
#     nix eval --impure --expr 'import ./tests/nix/module-eval.nix { lib = import NIXPKGS/lib; }'
{
  lib,
  module ? ../../nix/module.nix,
}:
let
  evaluate = import ./evaluate-module.nix { inherit lib module; };
  unit = import ../../nix/module/unit.nix;

  # What every enabled service has, whatever its settings.
  health = {
    address = "127.0.0.1";
    port = 8080;
  };
  empty = {
    client = { };
    inherit health;
    logging = { };
    reports = { };
    retention = { };
    server = { };
    station = { };
    upload = { };
  };
  execute = {
    ExecStartPre = "-+/packages/systemd/bin/systemd-tmpfiles --create --prefix=/var/lib/pywats";
    ExecStart = "/packages/pywats-client/bin/pywats-client run";
    ExecReload = "/packages/coreutils/bin/kill -HUP $MAINPID";
  };

  says =
    needle: text:
    builtins.match ".*${needle}.*" (builtins.replaceStrings [ "\n" ] [ " " ] text) != null;
  oneThatSays = needle: texts: builtins.length texts == 1 && says needle (builtins.head texts);

  # A case: a configuration, and what must be true of the outcome, each under a name.
  refuses = configuration: needle: {
    configuration = {
      enable = true;
    }
    // configuration;
    expect = outcome: { refused = oneThatSays needle outcome.refused; };
  };
  warns = configuration: needle: ports: {
    configuration = {
      enable = true;
    }
    // configuration;
    expect = outcome: {
      accepted = outcome.refused == [ ];
      warned = oneThatSays needle outcome.warnings;
      ports = outcome.ports == ports;
    };
  };
  # What is writable in any case.
  sockets = "-/run/pywats";
  # Folders outside the state folder: what becomes writable, and what ProtectHome says.
  writes = client: paths: protectHome: {
    configuration = {
      enable = true;
      settings = { inherit client; };
    };
    expect = outcome: {
      quiet = outcome.refused ++ outcome.warnings == [ ];
      writable =
        outcome.service.serviceConfig.ReadWritePaths
        == (if paths == [ ] then sockets else [ sockets ] ++ paths);
      mounts = outcome.service.unitConfig.WantsMountsFor or [ ] == paths;
      home = outcome.service.serviceConfig.ProtectHome == protectHome;
    };
  };

  cases = {
    disabled = {
      configuration = { };
      expect = outcome: {
        nothing =
          outcome == {
            systemd = {
              mounts = [ ];
              services = { };
              tmpfiles.rules = [ ];
            };
            users = {
              users = { };
              groups = { };
            };
          };
      };
    };

    minimal = {
      configuration.enable = true;
      expect = outcome: {
        quiet = outcome.refused ++ outcome.warnings == [ ];
        configuration = outcome.configuration == empty;
        unit = outcome.service.serviceConfig == unit.Service // execute;
        dependencies =
          outcome.service.wants == [ unit.Unit.Wants ]
          && outcome.service.after == [ unit.Unit.After ]
          && outcome.service.wantedBy == [ unit.Install.WantedBy ];
        limits = outcome.service.unitConfig == { inherit (unit.Unit) StartLimitIntervalSec; };
        closed = outcome.ports == [ ];
        folders = builtins.elem "d /etc/pywats                0750 root   pywats           -" outcome.folders;
        allFolders = builtins.length outcome.folders == 7;
        account =
          outcome.accounts.users.pywats.group == "pywats" && outcome.accounts.users.pywats.isSystemUser;
        groups =
          builtins.attrNames outcome.accounts.groups == [
            "pywats"
            "pywats-operators"
          ];
      };
    };

    everything = {
      configuration = {
        enable = true;
        tokenFile = "/run/secrets/wats-token";
        openFirewall = true;
        settings = {
          server = {
            url = "https://company.wats.com";
            ca_file = "/etc/ssl/company.pem";
            proxy = "none";
            timeout_seconds = 60;
          };
          client.max_report_bytes = 1048576;
          upload = {
            retry_initial_seconds = 1;
            retry_max_seconds = 2;
          };
          logging.level = "debug";
          health = {
            address = "0.0.0.0";
            port = 9000;
          };
          # Of a newer client.
          server.compression = true;
          converters.folder = "/srv/converters";
        };
      };
      expect = outcome: {
        quiet = outcome.refused ++ outcome.warnings == [ ];
        configuration =
          outcome.configuration == {
            reports = { };
            retention = { };
            station = { };
            server = {
              url = "https://company.wats.com";
              ca_file = "/etc/ssl/company.pem";
              proxy = "none";
              timeout_seconds = 60;
              compression = true;
            };
            client.max_report_bytes = 1048576;
            upload = {
              retry_initial_seconds = 1;
              retry_max_seconds = 2;
            };
            logging.level = "debug";
            health = {
              address = "0.0.0.0";
              port = 9000;
            };
            converters.folder = "/srv/converters";
          };
        credential = outcome.service.serviceConfig.LoadCredential == "token:/run/secrets/wats-token";
        tokenNowhereElse = !says "secrets" (builtins.toJSON outcome.configuration);
        ports = outcome.ports == [ 9000 ];
      };
    };

    # A change of settings alone must reload, not restart: nothing but the trigger may differ.
    settingsReload = {
      configuration.enable = true;
      expect =
        outcome:
        let
          other = evaluate {
            enable = true;
            settings.server.url = "https://other.wats.com";
          };
        in
        {
          trigger = outcome.service.reloadTriggers != other.service.reloadTriggers;
          nothingElse =
            removeAttrs outcome.service [ "reloadTriggers" ] == removeAttrs other.service [ "reloadTriggers" ];
        };
    };

    tokenInSettings = refuses {
      settings.server.token = "dXNlcjpwYXNzd29yZA==";
    } "server.token would be readable";
    tokenInStore = refuses { tokenFile = "${builtins.storeDir}/token"; } "is in the Nix store";
    tokenRelative = refuses { tokenFile = "token"; } "must be a full path";
    twoTokens = refuses {
      tokenFile = "/run/a";
      settings.server.token_file = "/run/b";
    } "two files for one token";

    passwordInUrl = warns {
      settings.server.url = "https://user:secret@company.wats.com";
    } "holds a password" [ ];
    passwordInProxy = warns {
      settings.server.proxy = "http://user:secret@proxy:3128";
    } "holds a password" [ ];
    firewallLoopback = warns { openFirewall = true; } "listen on 127.0.0.1 only" [ 8080 ];
    firewallOff = warns {
      openFirewall = true;
      settings.health = {
        address = "0.0.0.0";
        port = 0;
      };
    } "is 0" [ ];

    watchDefault = writes { } [ ] "yes";
    watchInState = writes { watch_folder = "/var/lib/pywats/other"; } [ ] "yes";
    watchElsewhere = writes { watch_folder = "/srv/results"; } [ "/srv/results" ] "yes";
    watchNearState = writes { watch_folder = "/var/lib/pywats-2"; } [ "/var/lib/pywats-2" ] "yes";
    watchInHome = writes { watch_folder = "/home/op/results"; } [ "/home/op/results" ] "read-only";
    watchFolders = {
      configuration = {
        enable = true;
        watchFolders = [ "/srv/results" ];
      };
      expect = outcome: {
        quiet = outcome.refused ++ outcome.warnings == [ ];
        writable =
          outcome.service.serviceConfig.ReadWritePaths == [
            sockets
            "/srv/results"
          ];
        configuration = outcome.configuration.client == { watch_folder = "/srv/results"; };
      };
    };
    watchFoldersTwo = refuses {
      watchFolders = [
        "/one"
        "/two"
      ];
    } "names 2 folders";
    folders = {
      configuration = {
        enable = true;
        settings.client.watch_folder = "/srv/first";
        folders = [
          {
            name = "ict";
            path = "/srv/ict";
            priority = 1;
            done_folder = "/srv/done";
          }
          {
            name = "odd";
            path = "/home/op/a b 100%";
            done_folder = "/srv/done";
            failed_folder = "/var/lib/pywats/odd";
          }
        ];
      };
      expect = outcome: {
        quiet = outcome.refused ++ outcome.warnings == [ ];
        writable =
          outcome.service.serviceConfig.ReadWritePaths == [
            sockets
            "/srv/first"
            "-/srv/ict"
            "-/srv/done"
            "\"-/home/op/a b 100%%\""
          ];
        mounts =
          outcome.service.unitConfig.WantsMountsFor == [
            "/srv/first"
            "/srv/ict"
            "/srv/done"
            "\"/home/op/a b 100%%\""
          ];
        home = outcome.service.serviceConfig.ProtectHome == "read-only";
        configuration =
          outcome.configuration.folders == [
            {
              name = "ict";
              path = "/srv/ict";
              priority = 1;
              done_folder = "/srv/done";
            }
            {
              name = "odd";
              path = "/home/op/a b 100%";
              done_folder = "/srv/done";
              failed_folder = "/var/lib/pywats/odd";
            }
          ];
      };
    };
    folderTwice = refuses {
      folders = [
        {
          name = "ict";
          path = "/one";
        }
        {
          name = "ict";
          path = "/two";
        }
      ];
    } "has a name twice";
    folderDefault = refuses {
      folders = [
        {
          name = "default";
          path = "/one";
        }
      ];
    } "that of the first folder";
    folderStrange = refuses {
      folders = [
        {
          name = "I C T";
          path = "/one";
        }
        {
          name = "ict";
          path = "two";
        }
      ];
    } "not so of I C T [(]/one[)] ict [(]two[)]";
    allElsewhere = writes {
      data_dir = "/data";
      watch_folder = "/in";
      done_folder = "/done";
      failed_folder = "/failed";
    } [ "/data" "/in" "/done" "/failed" ] "yes";
  };

  # Values that the types must refuse: evaluating them fails.
  impossible = {
    urlNumber = {
      settings.server.url = 1;
    };
    timeoutZero = {
      settings.server.timeout_seconds = 0;
    };
    levelUnknown = {
      settings.logging.level = "loud";
    };
    portTooHigh = {
      settings.health.port = 65536;
    };
    tokenFilePath = {
      tokenFile = ./module-eval.nix;
    };
    optionUnknown = {
      watchFolder = "/srv";
    };
    watchFolderText = {
      watchFolders = "/srv";
    };
    folderPriority = {
      folders = [
        {
          name = "ict";
          path = "/srv";
          priority = 11;
        }
      ];
    };
    folderUnknown = {
      folders = [
        {
          name = "ict";
          path = "/srv";
          pattern = "*.json";
        }
      ];
    };
    folderWithoutPath = {
      folders = [ { name = "ict"; } ];
    };
    watchFolderTwice = {
      watchFolders = [ "/srv" ];
      settings.client.watch_folder = "/elsewhere";
    };
  };
  accepted =
    configuration:
    (builtins.tryEval (builtins.deepSeq (evaluate ({ enable = true; } // configuration)) true)).success;

  wrong = builtins.concatLists [
    (builtins.concatMap (
      name:
      let
        case = cases.${name};
        outcome = evaluate case.configuration;
        verdicts = case.expect outcome;
        failed = builtins.filter (verdict: !verdicts.${verdict}) (builtins.attrNames verdicts);
      in
      if failed == [ ] then [ ] else [ "${name}: ${toString failed}, of ${builtins.toJSON outcome}" ]
    ) (builtins.attrNames cases))
    (map (name: "${name}: accepted") (
      builtins.filter (name: accepted impossible.${name}) (builtins.attrNames impossible)
    ))
  ];
in
if wrong == [ ] then
  {
    right = builtins.attrNames cases;
    refused = builtins.attrNames impossible;
  }
else
  throw (builtins.concatStringsSep "\n" ([ "the NixOS module:" ] ++ wrong))
