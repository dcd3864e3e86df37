# Fails if: the SELinux policy cannot be loaded as docs/linux.md tells users of DEB and archives to do it. The bench
# saves guests behind this, so that scenarios begin with the policy; the package itself comes later.

FOLDER = "/usr/share/pywats-client"

machine.copy_from_host(POLICY, f"{FOLDER}/selinux")
machine.succeed(f"sh {FOLDER}/selinux/install-selinux.sh install")
machine.succeed("semodule -l | grep -x pywats_client")
machine.succeed(f"rm -r {FOLDER}")
