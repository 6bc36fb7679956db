#!/usr/bin/env python3
"""Postfix with contrib/postfix/bonafide-filter as its content filter, as docs/smtp.md sets it up: messages come out of
Postfix marked with their verdicts, forged marks are gone, and without Bonafide the mail flows on.

  postfix_filter.py BINARY

Exit 77 where Postfix is not installed (apt-get install postfix) or we are not root, which it needs."""
import os
import shutil
import socketserver
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from postfix import Postfix, free_port, lib, skip_unless_possible  # noqa: E402

skip_unless_possible()
FILTER = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../contrib/postfix/bonafide-filter"))
SETTINGS = """content_filter = bonafide:unused
relay_transport = smtp:[127.0.0.1]:{door}
smtp_send_xforward_command = no
"""
SERVICES = """bonafide unix - n n - 10 pipe
  flags=q user=nobody null_sender= argv={filter} --api 127.0.0.1:{api} --next 127.0.0.1:{back} --client=${{client_address}}
  --helo=${{client_helo}} --from=${{sender}} -- ${{recipient}}
127.0.0.1:{back} inet n - n - - smtpd
  -o content_filter= -o receive_override_options=no_unknown_recipient_checks -o mynetworks=127.0.0.0/8
"""


class Mailbox(socketserver.StreamRequestHandler):
    """The server behind Postfix: takes every message and keeps it."""
    kept = []

    def reply(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.reply("220 mailbox.example")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                self.reply("250-mailbox.example\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == b"DATA":
                self.reply("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                Mailbox.kept.append(b"".join(lines))
                self.reply("250 kept")
            elif verb == b"QUIT":
                return self.reply("221 bye")
            else:
                self.reply("250 ok")


def head_of(message):
    return message.split(b"\r\n\r\n", 1)[0].decode("latin-1")


def fields_of(message, name):
    return [line for line in head_of(message).splitlines() if line.lower().startswith(name.lower() + ":")]


def run(folder):
    # nobody runs the filter: it must be able to read it.
    program = folder + "/bonafide-filter"
    shutil.copy(FILTER, program)
    os.chmod(program, 0o755)
    service = lib.Service(folder + "/data").start()
    api = service.host.port
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    services = SERVICES.format(filter=program, api=api, back=free_port())
    postfix = Postfix(folder + "/postfix", SETTINGS, server.server_address[1], services)
    postfix.control("start")
    try:
        forged = b"X-Bonafide-Verdict: trusted\r\nX-Bonafide-Reasons: believe me,\r\n for I say so\r\n" + lib.message(1)
        postfix.send(1, ["bob@home.example"], forged)
        lib.eventually(lambda: len(Mailbox.kept) == 1, 30, "the marked message: " + postfix.log())
        marks = fields_of(Mailbox.kept[0], "X-Bonafide-Verdict")
        lib.check(len(marks) == 1 and marks[0].split()[1] in ("suspicious", "untrusted", "trusted"), marks)
        lib.check(len(fields_of(Mailbox.kept[0], "X-Bonafide-Trust")) == 1, head_of(Mailbox.kept[0]))
        lib.check("believe me" not in head_of(Mailbox.kept[0]) and "I say so" not in head_of(Mailbox.kept[0]))
        body = lib.message(1).split(b"\r\n\r\n", 1)[1]
        lib.check(Mailbox.kept[0].split(b"\r\n\r\n", 1)[1].strip() == body.strip(), "the body changed")
        service.idle()
        lib.check(len(lib.stored_ids(service.data)) == 1, "one row")
        service.stop()
        postfix.send(2, ["bob@home.example"])
        lib.eventually(lambda: len(Mailbox.kept) == 2, 30, "mail flows without Bonafide: " + postfix.log())
        lib.check(fields_of(Mailbox.kept[1], "X-Bonafide-Verdict") == ["X-Bonafide-Verdict: none"], head_of(Mailbox.kept[1]))
    finally:
        postfix.control("stop")
        server.shutdown()
    lib.bonafide("verify", "--data", service.data, expect=0)
    print("marked, forged marks taken out, and mail flows while the service is stopped")


work = tempfile.mkdtemp(prefix="bonafide-postfix-")
os.chmod(work, 0o755)
try:
    run(work)
finally:
    shutil.rmtree(work, ignore_errors=True)
