"""A stand-in of Apple's notary, as the engine reaches it: TLS on the loopback interface of a network of its own.

    unshare --map-root-user --net --mount python3 notary.py MANNER FOLDER COMMAND ...

FOLDER has server.pem and server.key; `port` and `office` of a time stamp server (`openssl ts -reply -config office`), which
listens there, too; and state that lasts from one start to the next: what was uploaded (SHA-256, a line
each) is in `uploaded`, everything that was asked in `asked`. What names of servers mean is said by an /etc/hosts of our own.

MANNER  accepts   says "in progress" once, then "accepted"
        slow      says "in progress" for ever
        rejects   says "invalid", and has a log that says why
        breaks    closes the connection of every upload
        denies    knows nobody's key
        forgets   accepts, but has no ticket
"""

import base64
import fcntl
import hashlib
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

MANNER, FOLDER, COMMAND = sys.argv[1], sys.argv[2], sys.argv[3:]
STORE, BUCKET = "s3.us-west-2.amazonaws.com", "notary-submissions-prod"
NAMES = ["appstoreconnect.apple.com", "api.apple-cloudkit.com", f"{BUCKET}.{STORE}"]
LOG = {
    "status": "Invalid",
    "statusSummary": "Archive contains critical validation errors",
    "issues": [
        {
            "severity": "error",
            "path": "client.pkg/Payload/pywats-client",
            "message": "The signature does not include a secure timestamp.",
            "docUrl": "https://developer.apple.com/documentation/security",
        }
    ],
}


def note(name, line):
    with open(os.path.join(FOLDER, name), "a") as file:
        file.write(line + "\n")


def lines(name):
    path = os.path.join(FOLDER, name)
    return open(path).read().splitlines() if os.path.exists(path) else []


class Notary(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self):
        body = self.body()
        note("asked", f"POST {self.path}")
        if self.path.endswith("/records/lookup"):
            return self.answer({"records": [self.ticket(r["recordName"]) for r in json.loads(body)["records"]]})
        if MANNER == "denies":
            error = {"status": "401", "code": "NOT_AUTHORIZED", "title": "Authentication credentials are missing or invalid."}
            return self.answer({"errors": [error]}, 401)
        wanted = json.loads(body)
        # Whoever signs the token has the key; the names in it are those of the configuration.
        token = self.headers["Authorization"].split()[1].split(".")
        claims = json.loads(base64.urlsafe_b64decode(token[1] + "=="))
        note("asked", f"issuer {claims['iss']}")
        note("wanted", wanted["sha256"])
        number = len(lines("wanted"))
        place = {"bucket": BUCKET, "object": f"prod/{number}", "awsAccessKeyId": "AKIATEST"}
        place |= {"awsSecretAccessKey": "none", "awsSessionToken": "none"}
        self.answer({"data": {"id": f"00000000-0000-0000-0000-{number:012}", "type": "newSubmissions", "attributes": place}, "meta": {}})

    def ticket(self, name):
        if MANNER == "forgets":
            return {"recordName": name, "reason": "Record not found", "serverErrorCode": "NOT_FOUND"}
        content = b"s8ch\1\0\0\0" + hashlib.sha512(name.encode()).digest() * 8
        fields = {"signedTicket": {"value": base64.b64encode(content).decode(), "type": "BYTES"}}
        times = {"timestamp": 1, "userRecordName": "_x", "deviceID": "2"}
        return {
            "recordName": name,
            "recordType": "DeveloperIDTicket",
            "fields": fields,
            "pluginFields": {},
            "recordChangeTag": "x",
            "created": times,
            "modified": times,
            "deleted": False,
        }

    def do_PUT(self):
        if MANNER == "breaks":
            self.connection.close()
            return
        content = self.body()
        number = int(self.path.split("?")[0].rsplit("/", 1)[1])
        digest = hashlib.sha256(content).hexdigest()
        note("asked", f"PUT {self.path.split('?')[0]}")
        if digest != lines("wanted")[number - 1]:
            return self.answer({}, 400)
        note("uploaded", digest)
        self.send_response(200)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        note("asked", f"GET {self.path}")
        if self.path == "/log.json":
            return self.answer(LOG)
        name = self.path.split("/")[4]
        if self.path.endswith("/logs"):
            place = {"developerLogUrl": f"https://{NAMES[0]}/log.json"}
            return self.answer({"data": {"id": name, "type": "submissionsLog", "attributes": place}, "meta": {}})
        asked = lines("asked").count(f"GET {self.path}")
        verdict = {"rejects": "Invalid", "slow": "In Progress"}.get(MANNER, "Accepted" if asked > 1 else "In Progress")
        found = {"status": verdict, "name": "a file", "createdDate": "2026-01-01T00:00:00.000Z"}
        self.answer({"data": {"id": name, "type": "submissions", "attributes": found}, "meta": {}})

    def log_message(self, *_):
        pass


class TimeStamps(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        question, office = (os.path.join(FOLDER, name) for name in ("question", "office"))
        with open(question, "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        answer = subprocess.run(["openssl", "ts", "-reply", "-config", office, "-queryfile", question], capture_output=True)
        self.send_response(200 if answer.returncode == 0 else 500)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer.stdout)))
        self.end_headers()
        self.wfile.write(answer.stdout)

    def log_message(self, *_):
        pass


def main():
    # The loopback interface of a new network is down: SIOCSIFFLAGS with IFF_UP.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, 0x8914, struct.pack("16sH14x", b"lo", 1))
    hosts = os.path.join(FOLDER, "hosts")
    with open(hosts, "w") as file:
        file.write(f"127.0.0.1 localhost {' '.join(NAMES)}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(FOLDER, "server.pem"), os.path.join(FOLDER, "server.key"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Notary)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(FOLDER, "port")) as file:
        stamps = http.server.HTTPServer(("127.0.0.1", int(file.read())), TimeStamps)
    for one in (server, stamps):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    sys.exit(subprocess.run(COMMAND).returncode)


main()
