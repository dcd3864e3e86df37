# The packaged unit, packaging/systemd/pywats-client.service with the drop-ins in packaging/systemd/newer, as NixOS wants
# it, without the lines that name programs (ExecStartPre, ExecStart, ExecReload). Why a line is there is said in these
# files. A test compares the two line by line, so this needs neither `lib` nor `pkgs`: a list is a line that is repeated.
{
  Unit = {
    Description = "Uploads manufacturing test reports to a WATS server";
    Documentation = "man:pywats-client(1) https://wats.com";
    Wants = "network-online.target";
    After = "network-online.target";
    StartLimitIntervalSec = "0";
  };

  Service = {
    Type = "notify";
    User = "pywats";
    Group = "pywats";
    TimeoutStartSec = "5min";
    WatchdogSec = "60";
    TimeoutStopSec = "30";
    Restart = "always";
    RestartSec = "5";
    RestartSteps = "6";
    RestartMaxDelaySec = "5min";
    RestartPreventExitStatus = "2";

    StateDirectory = "pywats";
    StateDirectoryMode = "0751";
    UMask = "0027";
    ReadWritePaths = "-/run/pywats";
    MemoryMax = "512M";

    NoNewPrivileges = "yes";
    CapabilityBoundingSet = "";
    AmbientCapabilities = "";
    ProtectSystem = "strict";
    ProtectHome = "yes";
    PrivateTmp = "yes";
    PrivateDevices = "yes";
    DevicePolicy = "closed";
    PrivateUsers = "yes";
    PrivateMounts = "yes";
    PrivateIPC = "yes";
    ProtectProc = "invisible";
    ProcSubset = "pid";
    ProtectClock = "yes";
    ProtectHostname = "yes";
    ProtectControlGroups = "yes";
    ProtectKernelLogs = "yes";
    ProtectKernelModules = "yes";
    ProtectKernelTunables = "yes";
    RestrictAddressFamilies = "AF_INET AF_INET6 AF_UNIX";
    RestrictNamespaces = "yes";
    RestrictRealtime = "yes";
    RestrictSUIDSGID = "yes";
    LockPersonality = "yes";
    MemoryDenyWriteExecute = "yes";
    RemoveIPC = "yes";
    KeyringMode = "private";
    SystemCallArchitectures = "native";
    SystemCallFilter = [
      "@system-service"
      "~@privileged @resources"
    ];
    SystemCallErrorNumber = "EPERM";
  };

  Install.WantedBy = "multi-user.target";
}
