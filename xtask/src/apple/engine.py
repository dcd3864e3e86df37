"""One call of the engine that signs for macOS: a request on standard input, an answer as the last line of standard output.

Keys arrive through the pipe and are handed on in memory: a file that has no name, and that nobody else can open.
"""

import base64
import json
import logging
import os
import sys

import apple_platform
from apple_platform import errors, notarize, signing


def nameless(text):
    """The path of a file in memory that has this text."""
    file = os.memfd_create("identity", os.MFD_CLOEXEC)
    os.write(file, text.encode())
    return f"/proc/self/fd/{file}"


def sign(request):
    main = {"binary_identifier": request["identifier"]}
    if request["runtime"]:
        main["code_signature_flags"] = ["runtime"]
    signing.sign_raw(
        {
            "config": {
                "signer": {"pem": {"files": [nameless(request["identity"])]}},
                "path": {"@main": main},
            },
            "team_name": request["team"],
            "timestamp_url": request["timestamp_server"] or "none",
            "input_path": request["from"],
            "output_path": request["to"],
        }
    )


def credentials(request):
    # Its file has the key as it is in PEM, without the lines around it.
    lines = request["key"]["pem"].strip().splitlines()
    key = base64.b64encode(base64.b64decode("".join(lines[1:-1]))).decode()
    file = {"issuer_id": request["key"]["issuer"], "key_id": request["key"]["id"], "private_key": key}
    return notarize.NotaryCredentials(api_key_path=nameless(json.dumps(file)))


def submit(request):
    return notarize.submit(request["file"], credentials(request))["submission_id"]


def wait(request):
    seconds = request["seconds"]
    answer = notarize.wait(request["submission"], credentials(request), wait_seconds=seconds)
    return (answer["response"] or {}).get("status")


def log(request):
    return notarize.fetch_log(request["submission"], credentials(request))


def staple(request):
    notarize.staple(request["file"])


VERBS = {"sign": sign, "submit": submit, "wait": wait, "log": log, "staple": staple}


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    request = json.load(sys.stdin)
    # What it does while it signs is of interest to nobody; the notary lets wait.
    apple_platform.set_log_level("warn" if request["verb"] in ("submit", "wait") else "error")
    try:
        answer = {"answer": VERBS[request["verb"]](request)}
    except errors.ApplePlatformError as error:
        said = [error.message] + [text for text in error.source if text not in error.message]
        answer = {"error": ": ".join(said)}
    print(json.dumps(answer), flush=True)


main()
