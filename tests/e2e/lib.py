"""What the end-to-end tests share: a service to start, stop and kill, mail to send, and a recorder that reads the stores
with code of its own. Python's standard library only."""
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

BINARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "build/release/bonafide"
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
    """`bonafide run` in a data folder, on a free port."""

    def __init__(self, data, *arguments, verb="run"):
        self.data = data
        self.arguments = [BINARY, verb, "--data", data, "--listen", "127.0.0.1:0", *arguments]
        self.process = None

    def start(self):
        addresses = os.path.join(self.data, "run", "addresses.json")
        if os.path.exists(addresses):
            os.remove(addresses)
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen(self.arguments, stdout=self.log, stderr=self.log)
        eventually(lambda: self.process.poll() is not None or os.path.exists(addresses), 30, "start of the service")
        check(self.process.poll() is None, "the service ended at start:", open(self.data + ".log").read()[-2000:])
        with open(addresses) as file:
            self.host = urllib.parse.urlparse(json.load(file)["api"])
        eventually(lambda: self.get("/readyz")[0] == 200, 30, "readyz")
        return self

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
        check(code == 0, f"stopped with exit code {code}:", open(self.data + ".log").read()[-2000:])

    def kill(self):
        self.process.kill()
        self.process.wait()


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
