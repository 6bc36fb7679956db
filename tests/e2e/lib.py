"""What the end-to-end tests share: a service to start, stop and kill, mail to send, and a recorder that reads the stores
with code of its own. Python's standard library only."""
import collections
import fcntl
import http.client
import json
import os
import random
import re
import shutil
import signal
import smtplib
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

BINARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "build/release/bonafide"
ANN, BOB = "ann@acme.example", "bob@home.example"
_tests = []


def test(function):
    """Marks a test. Each is counted; the first failing assertion of one does not stop the others."""
    _tests.append(function)
    return function


def main():
    failed = 0
    for function in _tests:
        folder = tempfile.mkdtemp(prefix="bonafide-e2e-")
        started = time.monotonic()
        try:
            function(folder)
            print(f"ok      {function.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:  # noqa: BLE001 - any failure is a failed test
            failed += 1
            import traceback
            traceback.print_exc()
            print(f"FAILED  {function.__name__}: {error}", flush=True)
        finally:
            Service.kill_all()
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(_tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def check(truth, *words):
    if not truth:
        raise AssertionError(" ".join(str(word) for word in words))


def bonafide(*arguments, stdin=None, timeout=120, expect=None):
    """Runs one command and returns it with .stdout and .stderr as text."""
    done = subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, timeout=timeout, check=False)
    done.out, done.err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    if expect is not None:
        check(done.returncode == expect, f"{arguments}: exit {done.returncode}, expected {expect}\n{done.out}\n{done.err}")
    return done


def eventually(condition, seconds=20, what="condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come true in {seconds} s")


class Service:
    """`bonafide run` in a data folder, on a free port, its mail doors too. `under` is a command it runs under (strace -D …)."""
    started = []

    def __init__(self, data, *arguments, verb="run"):
        self.data = data
        self.log = data + ".log"
        self.arguments = [BINARY, verb, "--data", data, "--listen", "127.0.0.1:0", *arguments]
        self.process = None

    def config(self, text):
        os.makedirs(self.data, exist_ok=True)
        with open(os.path.join(self.data, "bonafide.yaml"), "w") as file:
            file.write("version: 1\n" + text)
        return self

    def launch(self, under=(), environment=None):
        """Starts the process; what becomes of it is for the caller to see."""
        addresses = os.path.join(self.data, "run", "addresses.json")
        if os.path.exists(addresses):
            os.remove(addresses)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*under, *self.arguments], stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})
        Service.started.append(self)
        return self

    def ended(self):
        return self.process.poll() is not None

    def up(self, seconds=30):
        """Waits until it is ready. Whether it is; not if it has ended instead."""
        addresses = os.path.join(self.data, "run", "addresses.json")
        eventually(lambda: self.ended() or os.path.exists(addresses), seconds, "start of the service")
        if os.path.exists(addresses):
            self.host = urllib.parse.urlparse(self.addresses()["api"])
            eventually(lambda: self.ended() or self.get("/readyz")[0] == 200, seconds, "readyz")
        return not self.ended()

    def start(self, **how):
        check(self.launch(**how).up(), "the service ended at start:", self.said())
        return self

    def said(self, most=3000, since=0):
        """The end of what it has logged, from byte `since` of its log on."""
        with open(self.log, errors="replace") as file:
            file.seek(since)
            return file.read()[-most:]

    def addresses(self):
        with open(os.path.join(self.data, "run", "addresses.json")) as file:
            return json.load(file)

    def address(self, door):
        host, port = self.addresses()[door].rsplit(":", 1)
        return host, int(port)

    def client(self, door="smtp"):
        """Python's own client, at the door for SMTP or LMTP."""
        host, port = self.address(door)
        if door == "smtp":
            return smtplib.SMTP(host, port, local_hostname="client.example", timeout=40)
        return smtplib.LMTP(host, port, "client.example")

    def request(self, method, path, body=None, timeout=30):
        connection = http.client.HTTPConnection(self.host.hostname, self.host.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "message/rfc822"} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def get(self, path):
        try:
            return self.request("GET", path)
        except OSError:
            return 0, b"", {}

    def post(self, message, **query):
        pairs = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        status, body, headers = self.request("POST", "/v1/messages?" + urllib.parse.urlencode(pairs), message)
        return status, json.loads(body), headers

    def idle(self):
        """Waits until every accepted message is stored."""
        last = {}

        def done():
            status, body, _ = self.get("/v1/status")
            last.update(json.loads(body) if status == 200 else {"status": status})
            return last.get("backlog_records") == 0
        try:
            eventually(done, 60, "an empty backlog")
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(last)[:3000]}") from None

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        check(code == 0, f"stopped with exit code {code}:", self.said())

    def kill(self):
        self.process.kill()
        self.process.wait()

    @staticmethod
    def kill_all():
        """What a failed test has left running."""
        for service in Service.started:
            if not service.ended():
                service.kill()
        Service.started.clear()


def message(number, sender="ann@acme.example", to="bob@home.example", body=None, seed=0):
    """One plain message of our own, different for each number."""
    chance = random.Random(f"{seed}-{number}")
    words = " ".join(chance.choice("the order invoice please see attached meeting friday draft notes".split())
                     for _ in range(chance.randrange(20, 200)))
    domain = sender.split("@")[1]
    text = (f"Received: from mail.{domain} (mail.{domain} [192.0.2.{number % 200 + 1}])\r\n"
            f"\tby mx.home.example with ESMTP id {number:08x};\r\n\tMon, 2 Feb 2026 10:00:00 +0000\r\n"
            f"From: Ann <{sender}>\r\nTo: <{to}>\r\nSubject: note {number}\r\n"
            f"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\nMessage-ID: <{seed}.{number}@{domain}>\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body or words}\r\n")
    return text.encode()


def stored_ids(data):
    """(id, revision) of every row of the primary store, read with SQLite's own library."""
    connection = sqlite3.connect(f"file:{data}/rows/rows.db?mode=ro", uri=True)
    try:
        return [(row[0].hex(), row[1]) for row in connection.execute("SELECT id, revision FROM events")]
    finally:
        connection.close()


def hand_over(client, raw, to=BOB, sender=ANN):
    """One message; the replies to it: (code, text) of each, one for SMTP, one a recipient for LMTP."""
    recipients = to if isinstance(to, list) else [to]
    lmtp = isinstance(client, smtplib.LMTP)
    client.ehlo_or_helo_if_needed()
    for verb, argument in [("MAIL", f"FROM:<{sender}>")] + [("RCPT", f"TO:<{one}>") for one in recipients]:
        code, text = client.docmd(verb, argument)
        check(code == 250, verb, code, text)
    first = client.data(raw)
    more = [client.getreply() for _ in recipients[1:]] if lmtp else []
    return [first, *more]


def id_of(reply):
    check(reply[0] == 250, reply)
    return re.search(rb"queued as ([0-9a-f]{32})", reply[1]).group(1).decode()


class Load:
    """Hands over messages on several threads, one a door given, and writes down which were acked, and as what: the recorder
    that the stores are held against. One whose answer was lost is sent again, through any door; of those that were acked
    some are sent again, too, as a sender's retry."""

    def __init__(self, service, seed, doors=("http", "smtp", "smtp", "lmtp", "lmtp"), pause=0.0, repeats=0.02):
        self.service, self.seed, self.pause, self.repeats = service, seed, pause, repeats
        self.at = doors
        self.chance = random.Random(seed)
        self.acked = {}  # number -> ids it was acked with
        self.doors = collections.Counter()  # acks by door
        self.times = []  # (when, how long it took) of each ack, on the monotonic clock
        self.refused = collections.Counter()  # (door, code, with Retry-After) of each refusal
        self.next, self.stopping = 0, False
        self.in_doubt = collections.deque()
        self.lock = threading.Lock()

    def acks(self):
        return sum(self.doors.values())

    def _take(self):
        with self.lock:
            if self.in_doubt:
                return self.in_doubt.popleft()
            if self.next and self.chance.random() < self.repeats:
                return self.chance.randrange(self.next) + 1
            self.next += 1
            return self.next

    def _settle(self, number, event, door, began):
        with self.lock:
            if event is None:
                self.in_doubt.append(number)
            else:
                now = time.monotonic()
                self.acked.setdefault(number, set()).add(event)
                self.doors[door] += 1
                self.times.append((now, now - began))

    def post(self, number):
        status, body, headers = self.service.post(message(number, seed=self.seed), mail_from=ANN, rcpt_to=BOB)
        if status in (200, 202):
            return body["id"]
        with self.lock:
            self.refused["http", status, "Retry-After" in headers] += 1
        return None

    def mail(self, client, door, number):
        """The same by a mail door, which may refuse at any of its verbs."""
        client.ehlo_or_helo_if_needed()
        for verb, argument in (("MAIL", f"FROM:<{ANN}>"), ("RCPT", f"TO:<{BOB}>")):
            code, _ = client.docmd(verb, argument)
            if code != 250:
                break
        else:
            code, text = client.data(message(number, seed=self.seed))
            if code == 250:
                return id_of((code, text))
        with self.lock:
            self.refused[door, code, None] += 1
        client.docmd("RSET")
        return None

    def _run(self, door):
        client = None
        while not self.stopping:
            number, event, began = self._take(), None, time.monotonic()
            try:
                if door == "http":
                    event = self.post(number)
                else:
                    client = client or self.service.client(door)
                    event = self.mail(client, door, number)
            except Exception:  # noqa: BLE001 - the service was killed: nobody knows what became of it
                if client:
                    client.close()
                client = None
            self._settle(number, event, door, began)
            time.sleep(self.pause if event else 0.05)
        if client:
            client.close()

    def during(self, act):
        """Load while `act` does what it does."""
        self.stopping = False
        threads = [threading.Thread(target=self._run, args=(door,), daemon=True) for door in self.at]
        for thread in threads:
            thread.start()
        try:
            return act()
        finally:
            self.stopping = True
            for thread in threads:
                thread.join()

    def grow(self, by=20, seconds=60):
        """Waits until so many more were acked."""
        before = self.acks()
        eventually(lambda: self.acks() >= before + by, seconds, f"mail is taken; refused: {dict(self.refused)}")

    def finish(self):
        """Sends again what is in doubt, and waits until all is stored."""
        while self.in_doubt:
            number, began = self.in_doubt.popleft(), time.monotonic()
            event = self.post(number)
            check(event is not None, "refused:", number, dict(self.refused))
            self._settle(number, event, "http", began)
        self.service.idle()

    def message_id(self, number):
        return f"{self.seed}.{number}@acme.example"

    def check_stored(self):
        """Everything acked is stored once under one id, and nothing else: read from the store with SQLite's own library."""
        doubled = {number: ids for number, ids in self.acked.items() if len(ids) != 1}
        check(not doubled, "acked under several ids:", list(doubled.items())[:3])
        acked = {next(iter(ids)) for ids in self.acked.values()}
        check(len(acked) == len(self.acked), "two messages share an id")
        rows = collections.Counter(id for id, _ in stored_ids(self.service.data))
        check(not acked - set(rows), "acked and lost:", len(acked - set(rows)), list(acked - set(rows))[:3])
        check(not set(rows) - acked, "stored and never acked:", list(set(rows) - acked)[:3])
        check(all(count == 1 for count in rows.values()), "stored more than once")
        return len(acked)

    def check_all(self):
        """The same of a service that has stopped; also that each id is the message it was acked for, and the books balance."""
        count = self.check_stored()
        numbers = {next(iter(ids)): number for number, ids in self.acked.items()}
        seen = collections.Counter()
        for line in bonafide("export", "--data", self.service.data, expect=0).out.splitlines():
            row = json.loads(line)
            number = numbers.get(row["id"])
            seen[row["id"]] += 1
            check(number is not None, "exported and never acked:", row["id"])
            check((row["message_id"], row["subject"]) == (self.message_id(number), f"note {number}"),
                  "another message than the one acked as", row["id"], "number", number, "is", row["message_id"])
        check(len(seen) == count and max(seen.values(), default=1) == 1, "exported:", len(seen), "of", count)
        bonafide("verify", "--data", self.service.data, expect=0)
        return count


class Disk:
    """A file system of its own, in a file. Takes root, and a kernel that mounts by loop."""
    SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # FS_IOC_SHUTDOWN, as ext4 and xfs have it

    def __init__(self, folder, size):
        self.path, self.image = folder + "/disk", folder + "/image"
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", self.image], check=True)
        self.mount()

    @staticmethod
    def missing():
        """Why there can be none here; empty if there can."""
        if os.geteuid() != 0:
            return "a small file system can only be mounted by root"
        if not shutil.which("mkfs.ext4"):
            return "mkfs.ext4 is missing: install e2fsprogs"
        if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
            return "this container may not mount file systems"
        return ""

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.path], check=True)

    def unmount(self):
        subprocess.run(["umount", self.path], check=True)

    def cut_power(self):
        """From here on nothing reaches the disk: what was not written is gone, the file system's journal too."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, Disk.SHUTDOWN, struct.pack("I", Disk.NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Service.kill_all()  # a failed test's still run
        if os.path.ismount(self.path) and subprocess.run(["umount", self.path], check=False).returncode != 0:
            subprocess.run(["umount", "-l", self.path], check=False)

    def free(self):
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    def leave(self, free):
        """Another program takes all but this."""
        with open(self.path + "/other", "ab") as file:
            while (most := self.free() - free) > 0:
                size = os.fstat(file.fileno()).st_size
                try:
                    os.posix_fallocate(file.fileno(), size, max(most, 4096))
                except OSError:  # its own bookkeeping takes some, too
                    if most <= 64 << 10:
                        return
                    try:
                        os.posix_fallocate(file.fileno(), size, most // 2)
                    except OSError:
                        return

    def give_back(self):
        os.remove(self.path + "/other")
