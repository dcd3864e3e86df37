"""Judges the files of packaging/container by the schemas of others.

    python3 judge_manifests.py FOLDER-OF-WHEELS PACKAGING/CONTAINER

A Compose file by the schema of the Compose specification, as check-jsonschema has it; every document of a Kubernetes manifest
by the schemas of several versions of Kubernetes, as kubernetes-validate has them: strict ones, in which a key that nobody
knows is an error. Everything is read out of the wheels, which have 17,000 files, of which few are needed. Prints what was
judged; ends with 1 if something is wrong.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

sys.path[:0] = [str(path) for path in sorted(Path(sys.argv[1]).glob("*.whl"))]

import jsonschema  # noqa: E402
import yaml  # noqa: E402

COMPOSE = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
KUBERNETES = "kubernetes_validate/kubernetes-json-schema/"
# The oldest minor version that the manifests are for.
OLDEST = 30


def wheel(folder, name):
    [path] = folder.glob(f"{name}-*.whl")
    return zipfile.ZipFile(path)


def errors_of(schema, document, resolver=None):
    validator = jsonschema.validators.validator_for(schema)(schema, resolver=resolver)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


class FromArchive(jsonschema.RefResolver):
    """Finds what a schema refers to beside it, and asks nobody else."""

    def __init__(self, schema, read):
        super().__init__("", schema)
        self.read = read

    def resolve_remote(self, uri):
        return self.read(uri.rpartition("/")[2])


class Kubernetes:
    """The schemas of all versions."""

    def __init__(self, archive):
        self.archive = archive
        self.known = {}
        self.names = set(archive.namelist())
        found = {re.match(re.escape(KUBERNETES) + r"v1\.(\d+)\.\d+-local-strict/", name) for name in self.names}
        folders = {(int(match[1]), match[0]) for match in found if match and int(match[1]) >= OLDEST}
        self.folders = sorted(folders)

    def judge(self, document):
        group, _, version = document["apiVersion"].rpartition("/")
        parts = [document["kind"], group.split(".")[0], version]
        name = "-".join(part for part in parts if part).lower() + ".json"
        for minor, folder in self.folders:
            if folder + name not in self.names:
                yield f"Kubernetes 1.{minor} has no {name}"
                continue
            schema = self.read(folder + name)
            resolver = FromArchive(schema, lambda beside, folder=folder: self.read(folder + beside))
            yield from (f"Kubernetes 1.{minor}: {error}" for error in errors_of(schema, document, resolver))

    def read(self, name):
        if name not in self.known:
            self.known[name] = json.loads(self.archive.read(name))
        return self.known[name]


def main():
    wheels, folder = Path(sys.argv[1]), Path(sys.argv[2])
    errors = []
    schema = json.loads(wheel(wheels, "check_jsonschema").read(COMPOSE))
    compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))
    errors += [f"compose.yaml: {error}" for error in errors_of(schema, compose)]
    print(f"compose.yaml: {', '.join(compose['services'])}")
    kubernetes = Kubernetes(wheel(wheels, "kubernetes_validate"))
    print("Kubernetes " + ", ".join(f"1.{minor}" for minor, _ in kubernetes.folders))
    manifests = sorted((folder / "kubernetes").glob("*.yaml"))
    for path in manifests:
        documents = [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]
        print(f"{path.name}: {', '.join(document['kind'] for document in documents)}")
        for document in documents:
            errors += [f"{path.name}: {document['kind']}: {error}" for error in kubernetes.judge(document)]
    if not manifests or not kubernetes.folders:
        errors.append("nothing was judged for Kubernetes")
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
