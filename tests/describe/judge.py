"""Judges bills of materials: `judge.py FILE...`. CycloneDX by the strict validator of cyclonedx-python-lib, SPDX by
spdx-tools, package URLs by packageurl-python. Prints a line for each complaint; the exit code says whether there was one.
"""

import json
import sys

complaints = []
for path in sys.argv[1:]:
    if path.endswith(".cdx.json"):
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        from packageurl import PackageURL

        with open(path, encoding="utf-8") as file:
            text = file.read()
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        found = [error] if error else []
        for purl in (component["purl"] for component in json.loads(text)["components"]):
            canonical = PackageURL.from_string(purl).to_string()
            found += [f"{purl} would be {canonical}"] if canonical != purl else []
    else:
        from spdx_tools.spdx.parser.json import json_parser
        from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

        document = json_parser.parse_from_file(path)
        found = [message.validation_message for message in validate_full_spdx_document(document)]
    complaints += [f"{path}: {complaint}" for complaint in found]
print("\n".join(complaints))
sys.exit(bool(complaints))
