# What differs between the formats: the artifacts that a guest is handed, with their names in it and those of the same
# at a higher version, and how a package manager is told to do things.
let
  commands = builtins.fromTOML (builtins.readFile ../../tests/vm/commands.toml);
in
{
  deb = {
    extension = "deb";
    artifacts = [
      {
        artifact = "deb-amd64";
        name = "package";
        upgrade = "upgrade";
      }
    ];
    constants = commands.deb // {
      PREPARE = "true";
      SELINUX = false;
    };
  };
  rpm = {
    extension = "rpm";
    artifacts = [
      {
        artifact = "rpm-x86_64";
        name = "package";
        upgrade = "upgrade";
      }
      {
        artifact = "rpm-selinux";
        name = "selinux";
        upgrade = "selinux-upgrade";
      }
    ];
    constants = commands.rpm // {
      PREPARE = "rpm --query selinux-policy";
      SELINUX = true;
    };
  };
}
