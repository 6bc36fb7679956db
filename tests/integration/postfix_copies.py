#!/usr/bin/env python3
"""Postfix in front, as docs/smtp.md sets it up: copies of all mail by always_bcc, and by recipient_bcc_maps, through its LMTP
and SMTP clients with XFORWARD.

  postfix_copies.py BINARY

Exit 77 where Postfix is not installed (apt-get install postfix) or we are not root, which it needs."""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from postfix import Postfix, lib, skip_unless_possible  # noqa: E402

skip_unless_possible()

ALWAYS = """always_bcc = copies@bonafide.invalid
transport_maps = inline:{{bonafide.invalid={door}}}
smtp_send_xforward_command = yes
lmtp_send_xforward_command = yes
"""
EACH = """recipient_bcc_maps = regexp:{d}/etc/copies
transport_maps = inline:{{.bonafide.invalid={door}}}
smtp_send_xforward_command = yes
lmtp_send_xforward_command = yes
"""


def received(service):
    """The envelopes of what is stored."""
    service.idle()
    events = [json.loads(service.get("/v1/messages/" + id)[1])["event"]["received"] for id, _ in lib.stored_ids(service.data)]
    return [(event["door"], event["envelope"]) for event in events]


def through_postfix(folder, name, settings, door, meant):
    folder = f"{folder}/{name}-{door}"
    data = folder + "/bonafide"
    os.makedirs(data)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\n" + "".join(f"{one}:\n  listen: [127.0.0.1:0]\n  copy_to: [copies@bonafide.invalid]\n"
                                            "  copy_domain: bonafide.invalid\n" for one in ("smtp", "lmtp")))
    service = lib.Service(data).start()
    with open(data + "/run/addresses.json") as file:
        host, port = json.load(file)[door].rsplit(":", 1)
    target = f"lmtp:inet:{host}:{port}" if door == "lmtp" else f"smtp:[{host}]:{port}"
    postfix = Postfix(folder + "/postfix", settings, target)
    postfix.control("start")
    try:
        for number in range(10):
            postfix.send(number, ["bob@home.example", "eve@home.example"])
        lib.eventually(lambda: len(lib.stored_ids(data)) >= 10, 30, "all copies: " + postfix.log())
        copies = received(service)
        lib.check(len(copies) == 10, len(copies), "copies of 10 messages")
        for by, envelope in copies:
            lib.check(by == door and sorted(envelope["rcpt_to"]) == meant, by, envelope)
            lib.check(envelope["client_ip"] == "198.51.100.9" and envelope["helo"] == "mx.acme.example", envelope)
            lib.check(envelope["mail_from"] == "ann@acme.example", envelope)
    finally:
        postfix.control("stop")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    print(f"{name} through {door}: 10 messages with client, HELO, sender and recipients {meant}")


work = tempfile.mkdtemp(prefix="bonafide-postfix-")
os.chmod(work, 0o755)
try:
    for by in ("smtp", "lmtp"):
        through_postfix(work, "always_bcc", ALWAYS, by, [])
        through_postfix(work, "recipient_bcc_maps", EACH, by, ["bob@home.example", "eve@home.example"])
finally:
    shutil.rmtree(work, ignore_errors=True)
