#!/usr/bin/env python3
"""Real mail clients at the SMTP and LMTP doors: swaks, and Postfix's smtp-source with 50 sessions at once. Every message is
stored once, and the books balance.

  mail_clients.py BINARY            MESSAGES=10000 SESSIONS=50 through each door

Exit 77 where swaks or smtp-source is not installed (apt-get install swaks postfix)."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

os.environ["PATH"] += ":/usr/sbin"
for tool in ("swaks", "smtp-source"):
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../e2e"))
import lib  # noqa: E402

MESSAGES, SESSIONS = int(os.environ.get("MESSAGES", "10000")), int(os.environ.get("SESSIONS", "50"))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    lib.check(done.returncode == 0, command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def main(folder):
    service = lib.Service(folder + "/data").start()
    with open(service.data + "/run/addresses.json") as file:
        doors = json.load(file)
    ids = []
    for door, options in (("smtp", []), ("smtp", ["--pipeline"]), ("smtp", ["--protocol", "SMTP"]),
                          ("lmtp", ["--protocol", "LMTP"]), ("lmtp", ["--protocol", "LMTP", "--pipeline"])):
        host, port = doors[door].rsplit(":", 1)
        said = run("swaks", "--server", host, "--port", port, "--from", "ann@acme.example", "--to",
                   "bob@home.example,eve@home.example", "--header", "Subject: " + " ".join([door, *options]), *options)
        found = re.findall(r"queued as ([0-9a-f]{32})", said)
        lib.check(len(found) == (2 if door == "lmtp" else 1) and len(set(found)) == 1, said)
        ids.append(found[0])
    for door, options in (("smtp", []), ("lmtp", ["-L"])):
        began = time.monotonic()
        run("smtp-source", *options, "-s", str(SESSIONS), "-m", str(MESSAGES), "-l", "2000", "-f", "ann@acme.example", "-t",
            door + "@home.example", "inet:" + doors[door])
        took = time.monotonic() - began
        print(f"{door}: {MESSAGES} messages of 2,000 bytes over {SESSIONS} sessions in {took:.1f} s, {MESSAGES / took:.0f} a second")
    service.idle()
    _, status, _ = service.get("/v1/status")
    print(json.dumps(json.loads(status).get("latency", {})))
    service.stop()
    rows = lib.stored_ids(service.data)
    lib.check(len(rows) == len(set(rows)) == 2 * MESSAGES + len(ids), len(rows), "rows")
    lib.check(set(ids) <= {id for id, _ in rows}, "an id of a reply is not stored")
    print(lib.bonafide("verify", "--data", service.data, expect=0).out.splitlines()[-1])


work = tempfile.mkdtemp(prefix="bonafide-clients-")
try:
    main(work)
finally:
    shutil.rmtree(work, ignore_errors=True)
