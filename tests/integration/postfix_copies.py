#!/usr/bin/env python3
"""Postfix in front, as docs/smtp.md sets it up: copies of all mail by always_bcc, and by recipient_bcc_maps, through its LMTP
and SMTP clients with XFORWARD. Its own configuration, queue and log stand in a folder of their own.

  postfix_copies.py BINARY

Exit 77 where Postfix is not installed (apt-get install postfix) or we are not root, which it needs."""
import json
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile

os.environ["PATH"] += ":/usr/sbin"
if shutil.which("postfix") is None or os.geteuid() != 0:
    print("Postfix is not installed, or we are not root")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../e2e"))
import lib  # noqa: E402

MASTER = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/postfix.log
maillog_file_prefixes = {d}
myhostname = mx.home.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtpd_authorized_xclient_hosts = 127.0.0.0/8
relay_domains = home.example
relay_transport = discard
"""
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


class Postfix:
    """A Postfix of its own; `settings` are added to its main.cf, with {d} and {door} in them."""

    def __init__(self, folder, settings, door):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("etc", "queue", "data"):
            os.makedirs(f"{folder}/{name}")
        shutil.chown(folder + "/data", "postfix")
        with open(folder + "/etc/main.cf", "w") as file:
            file.write((MAIN + settings).format(d=folder, door=door))
        with open(folder + "/etc/copies", "w") as file:
            file.write("/^(.+@home\\.example)$/ ${1}.bonafide.invalid\n")
        with open(folder + "/etc/master.cf", "w") as file:
            file.write(MASTER.format(port=self.port))

    def control(self, verb):
        done = subprocess.run(["postfix", "-c", self.folder + "/etc", verb], capture_output=True, text=True, check=False)
        lib.check(done.returncode == 0, "postfix", verb, done.stderr, self.log())

    def log(self):
        path = self.folder + "/postfix.log"
        return open(path).read()[-3000:] if os.path.exists(path) else ""

    def send(self, number, recipients):
        def connect():
            try:
                return smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=10)
            except OSError:
                return None
        client = lib.eventually(connect, 20, "Postfix: " + self.log())
        client.ehlo()
        client.docmd("XCLIENT", "ADDR=198.51.100.9 NAME=mail.acme.example HELO=mx.acme.example")
        client.ehlo("mx.acme.example")
        client.sendmail("ann@acme.example", recipients, lib.message(number))
        client.close()


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
