//! Disks of virtual machines, as the files that each hypervisor takes, made on any system: no tool of a hypervisor, no
//! root, no loop device.
//!
//! One raw [`Disk`], a sparse file, becomes [QCOW2](qcow2), [VHD](vhd), [VHDX](vhdx), [VMDK](vmdk), an [OVA](ova), or the
//! disk itself, [compressed](raw_zstd). [`gpt`] and [`mbr`] write the table of partitions on such a disk. Nothing here
//! knows of a product.
//!
//! What is written depends on what is given alone: times are parameters, identifiers are derived from the content of the
//! disk, and it matters neither where the file of the disk has holes nor how many processors compress. Memory does not
//! grow with the disk, except for the lists of blocks: some MB for a disk of 100 GB.
//!
//! Nothing here reads these formats. They are judged by QEMU, by libqcow, libvhdi and libvmdk, and by sgdisk and sfdisk.
//!
//! # What is on the disk
//!
//! File systems are made by others, as an ordinary user, and the same bits each time:
//!
//! | file system | program | what it has to be told |
//! |---|---|---|
//! | ext4 | `mke2fs -d ROOT.tar` of e2fsprogs 1.47.1 or later | `SOURCE_DATE_EPOCH`; `MKE2FS_CONFIG=/dev/null`; identifier by `-U`; in one `-E` `hash_seed=`, `root_owner=0:0` and `offset=`; all features by `-O` |
//! | FAT | `mkfs.fat --invariant -i SERIAL` of dosfstools 4.2, then `mmd` and `mcopy -m` of mtools | each file by itself: `mcopy -s` takes them in the order in which the host's folder has them; times set beforehand; `TZ=UTC` |
//!
//! An older mke2fs cannot read a tar, and copies the times of access and of change of a folder's files.

mod disk;
mod error;
pub mod gpt;
pub mod mbr;
pub mod ova;
mod ovf;
pub mod qcow2;
pub mod raw_zstd;
mod side_by_side;
pub mod vhd;
pub mod vhdx;
pub mod vmdk;

pub use disk::{Disk, SECTOR};
pub use error::{Error, Result};
