# What differs between the formats: the artifacts that a guest is handed, with their names in it and those of the same
# at a higher version, and how a package manager is told to do things.
let
  folder = "/opt/handed";
  # Waits for the system's own updates, which may be under way after boot, and asks nothing.
  apt = "DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends -o DPkg::Lock::Timeout=600";
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
    constants = {
      PREPARE = "true";
      INSTALL = "${apt} install ${folder}/package.deb";
      UPGRADE = "${apt} install ${folder}/upgrade.deb";
      REMOVE = "${apt} remove pywats-client";
      PURGE = "${apt} purge pywats-client";
      DOWNGRADE = "${apt} --allow-downgrades install ${folder}/package.deb";
      STARTS = true;
      SELINUX = false;
    };
  };
  # rpm itself: dnf would ask for repositories, and there is no network. Presets of the distribution leave the
  # service disabled.
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
    constants = {
      PREPARE = "rpm --query selinux-policy";
      INSTALL = "rpm --upgrade ${folder}/package.rpm ${folder}/selinux.rpm";
      UPGRADE = "rpm --upgrade ${folder}/upgrade.rpm ${folder}/selinux-upgrade.rpm";
      REMOVE = "rpm --erase pywats-client pywats-client-selinux";
      PURGE = "";
      DOWNGRADE = "rpm --upgrade --oldpackage ${folder}/package.rpm ${folder}/selinux.rpm";
      STARTS = false;
      SELINUX = true;
    };
  };
}
