# The guests that the packages are installed in: every release that is still supported and has an image in the
# pinned nix-vm-test. `image` is its distribution and its name for the release.
let
  guest = name: format: distribution: release: {
    inherit name format;
    image = {
      inherit distribution release;
    };
    # What the image's function takes beside the test.
    extra = { };
  };
in
[
  (guest "debian-12" "deb" "debian" "12")
  (guest "debian-13" "deb" "debian" "13")
  (guest "ubuntu-20-04" "deb" "ubuntu" "20_04")
  (guest "ubuntu-22-04" "deb" "ubuntu" "22_04")
  (guest "ubuntu-24-04" "deb" "ubuntu" "24_04")
  (guest "ubuntu-26-04" "deb" "ubuntu" "26_04")
  (guest "rocky-8" "rpm" "rocky" "8_9")
  (guest "rocky-9" "rpm" "rocky" "9_6")
  (guest "rocky-10" "rpm" "rocky" "10_1")
  # Its image would be made permissive otherwise; Rocky's are left enforcing.
  (
    guest "fedora-43" "rpm" "fedora" "43"
    // {
      extra.selinuxEnforcing = true;
    }
  )
]
