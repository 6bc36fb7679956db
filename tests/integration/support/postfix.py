"""A Postfix of its own, in a folder, on free ports of loopback: configuration, queue and log stand there too."""
import os
import shutil
import smtplib
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../e2e"))
import lib  # noqa: E402

os.environ["PATH"] += ":/usr/sbin"


def skip_unless_possible():
    """It needs root; exit 77 = skipped."""
    if shutil.which("postfix") is None or os.geteuid() != 0:
        print("Postfix is not installed, or we are not root")
        sys.exit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


class Postfix:
    """`settings` are added to its main.cf, with {d} and {door} in them; `services` to its master.cf."""

    def __init__(self, folder, settings, door, services=""):
        self.folder = folder
        self.port = free_port()
        for name in ("etc", "queue", "data"):
            os.makedirs(f"{folder}/{name}")
        shutil.chown(folder + "/data", "postfix")
        with open(folder + "/etc/main.cf", "w") as file:
            file.write((MAIN + settings).format(d=folder, door=door))
        with open(folder + "/etc/copies", "w") as file:
            file.write("/^(.+@home\\.example)$/ ${1}.bonafide.invalid\n")
        with open(folder + "/etc/master.cf", "w") as file:
            file.write(MASTER.format(port=self.port) + services)

    def control(self, verb):
        done = subprocess.run(["postfix", "-c", self.folder + "/etc", verb], capture_output=True, text=True, check=False)
        lib.check(done.returncode == 0, "postfix", verb, done.stderr, self.log())

    def log(self):
        path = self.folder + "/postfix.log"
        return open(path).read()[-3000:] if os.path.exists(path) else ""

    def send(self, number, recipients, message=None):
        def connect():
            try:
                return smtplib.SMTP("127.0.0.1", self.port, "client.example", timeout=10)
            except OSError:
                return None
        client = lib.eventually(connect, 20, "Postfix: " + self.log())
        client.ehlo()
        client.docmd("XCLIENT", "ADDR=198.51.100.9 NAME=mail.acme.example HELO=mx.acme.example")
        client.ehlo("mx.acme.example")
        client.sendmail("ann@acme.example", recipients, message or lib.message(number))
        client.close()
