"""What others' libraries find in a disk image, as JSON.

    PYTHONPATH=<wheels of requirements.txt> python3 read_image.py IMAGE VOLUME STORE

IMAGE is the disk image, read by dpp; VOLUME the volume in it, read by libfshfs; STORE the `.DS_Store` on it, read by
ds_store and mac_alias.
"""

import hashlib
import json
import stat
import sys

import dpp
import ds_store
import mac_alias
import pyfshfs


def digest(content):
    return hashlib.sha256(content).hexdigest()


def by_libfshfs(path):
    volume = pyfshfs.volume()
    volume.open(path)
    found = {}

    def walk(folder, prefix):
        for entry in folder.sub_file_entries:
            name = prefix + entry.name
            facts = {"id": entry.identifier, "mode": entry.file_mode}
            if stat.S_ISDIR(entry.file_mode):
                walk(entry, name + "/")
            elif stat.S_ISLNK(entry.file_mode):
                facts["link"] = entry.symbolic_link_target
            else:
                facts["sha256"] = digest(entry.read_buffer(entry.size) if entry.size else b"")
            found[name] = facts

    walk(volume.get_root_directory(), "")
    return {"entries": found}


def by_dpp(path):
    found = {}
    with dpp.open(path) as image, image.filesystem() as files:
        for entry in files.walk():
            name = entry.path.lstrip("/")
            if name:
                is_file = stat.S_ISREG(files.stat(entry.path).mode)
                found[name] = {"sha256": digest(files.read_file(entry.path))} if is_file else {}
        return {"entries": found}


def by_ds_store(path):
    with ds_store.DSStore.open(path, "r") as store:
        records = list(store)
        view = {}
        places = {}
        for record in records:
            if record.code == b"Iloc":
                places[record.filename] = list(record.value)
            elif record.code in (b"bwsp", b"icvp"):
                view[record.code.decode()] = record.value
            else:
                value = record.value.decode() if isinstance(record.value, bytes) else record.value
                view[record.code.decode()] = value
    alias = mac_alias.Alias.from_bytes(view["icvp"].pop("backgroundImageAlias"))
    return {
        "records": [[record.filename, record.code.decode()] for record in records],
        "view": view,
        "places": places,
        "picture": {
            "volume": alias.volume.name,
            "volume_time": alias.volume.creation_date.timestamp(),
            "mount_point": alias.volume.posix_path,
            "file_system": alias.volume.fs_type.decode(),
            "folder": alias.target.folder_cnid,
            "id": alias.target.cnid,
            "name": alias.target.filename,
            "path": alias.target.posix_path,
            "time": alias.target.creation_date.timestamp(),
            "carbon_path": alias.target.carbon_path.decode(),
        },
    }


def main():
    image, volume, store = sys.argv[1:]
    found = {"libfshfs": by_libfshfs(volume), "dpp": by_dpp(image), "ds_store": by_ds_store(store)}
    json.dump(found, sys.stdout, indent=1, sort_keys=True)


main()
