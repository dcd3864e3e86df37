"""The plain loop that the client is measured against: it reads each file of a folder, syncs a copy of it, posts it
over one connection, and moves it. Called as: loop.py WATCH SPOOL DONE HOST PORT TOKEN"""

import http.client
import os
import sys
import time

watch, spool, done, host, port, token = sys.argv[1:]
headers = {"Authorization": "Basic " + token, "Content-Type": "application/json"}
connection = http.client.HTTPConnection(host, int(port))
print("ready", flush=True)
while True:
    names = sorted(os.listdir(watch))
    if not names:
        time.sleep(0.01)
    for name in names:
        source, copy = os.path.join(watch, name), os.path.join(spool, name)
        with open(source, "rb") as file:
            report = file.read()
        with open(copy, "wb") as file:
            file.write(report)
            file.flush()
            os.fsync(file.fileno())
        connection.request("POST", "/api/Report/WSJF", report, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"{name}: the server answered {answer.status}")
        os.rename(source, os.path.join(done, name))
        os.unlink(copy)
