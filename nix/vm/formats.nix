# What differs between the formats: how a package manager is told to do things. `package` and `upgrade` are paths
# in the guest.
{ package, upgrade }:
let
  # Waits for the system's own updates, which may be under way after boot, and asks nothing.
  apt = "DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends -o DPkg::Lock::Timeout=600";
in
{
  deb = {
    extension = "deb";
    artifact = "deb-amd64";
    constants = {
      PREPARE = "true";
      INSTALL = "${apt} install ${package}";
      UPGRADE = "${apt} install ${upgrade}";
      REMOVE = "${apt} remove pywats-client";
      PURGE = "${apt} purge pywats-client";
      FORCE = "--allow-downgrades";
      STARTS = true;
      SELINUX = false;
    };
  };
  # rpm itself: dnf would ask for repositories, and there is no network. Presets of the distribution leave the
  # service disabled.
  rpm = {
    extension = "rpm";
    artifact = "rpm-x86_64";
    constants = {
      PREPARE = "rpm --query selinux-policy";
      INSTALL = "rpm --upgrade ${package}";
      UPGRADE = "rpm --upgrade ${upgrade}";
      REMOVE = "rpm --erase pywats-client";
      PURGE = "";
      FORCE = "--oldpackage";
      STARTS = false;
      SELINUX = true;
    };
  };
}
