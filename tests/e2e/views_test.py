#!/usr/bin/env python3
"""Live views: tail and events."""
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

WHO = {"mail_from": "ann@acme.example", "rcpt_to": "bob@home.example"}


def tail(folder, stream, *arguments):
    done = lib.bonafide("tail", stream, "--json", "--data", folder + "/data", *arguments, expect=0)
    return [json.loads(line) for line in done.out.splitlines()]


class Reader:
    """Lines of something that goes on, read beside."""

    def __init__(self, file):
        self.lines = []
        threading.Thread(target=self.read, args=(file,), daemon=True).start()

    def read(self, file):
        for line in file:
            self.lines.append(line.decode() if isinstance(line, bytes) else line)


class Watch:
    """A call that goes on, on a socket of its own; its lines are read beside."""

    def __init__(self, service, path="/v1/events", last=None):
        self.socket = socket.create_connection((service.host.hostname, service.host.port), timeout=30)
        resume = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n{resume}\r\n".encode())
        file = self.socket.makefile("rb")
        self.status = int(file.readline().split()[1])
        self.headers = dict(line.decode().strip().split(": ", 1) for line in iter(file.readline, b"\r\n"))
        self.reader = Reader(file)

    def data(self):
        return [json.loads(line[6:]) for line in self.reader.lines if line.startswith("data: ")]

    def ids(self):
        return [event["id"] for event in self.data()]

    def places(self):
        return [line[4:].strip() for line in self.reader.lines if line.startswith("id: ")]

    def leave(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@lib.test
def tail_shows_every_stream_redacted(folder):
    with open(folder + "/bonafide.yaml", "w", encoding="utf-8") as file:
        file.write("version: 1\ndoor:\n  keep_raw: 7d\n")
    service = lib.Service(folder + "/data", "--config", folder + "/bonafide.yaml").start()
    ids = [service.post(lib.message(number), wait="2s", **WHO)[1]["id"] for number in range(25)]
    service.idle()
    for stream in ("mail.received", "mail.scored", "mail.changes", "mail.raw"):
        records = lib.eventually(lambda s=stream: (lambda r: r if len(r) == 25 else None)(tail(folder, s, "--from", "beginning")),
                                 10, stream)
        lib.check([record["id"] for record in records] == ids, stream, "in order")
        text = json.dumps(records)
        lib.check("ann@" not in text and "bob@" not in text and "acme.example" in text, stream, text[:500])
        lib.check([record["id"] for record in tail(folder, stream)] == ids[-10:], stream, "the last ten")
    lib.check(all("bytes" in record and "body" not in record for record in tail(folder, "mail.raw")), "metadata only")
    whole = tail(folder, "mail.scored", "-n", "1", "--full")[0]
    lib.check("ann@" not in json.dumps(whole) and whole["event"]["received"]["facts"]["excerpt"] == "…", "redacted in full")
    whole = tail(folder, "mail.scored", "-n", "1", "--full", "--reveal")[0]
    lib.check(whole["from"] == "ann@acme.example" and len(whole["event"]["received"]["facts"]["excerpt"]) > 20, "revealed")
    lib.check(len(tail(folder, "mail.scored", "--from", "1m", "--limit", "3")) == 3, "limit")
    lib.check(tail(folder, "mail.scored", "--from", "2030-01-01") == [], "a time that is to come")
    lib.check([r["id"] for r in tail(folder, "mail.scored", "--from", "beginning", "--id", ids[3])] == [ids[3]], "id")
    lib.check(tail(folder, "mail.scored", "--sender", "other.example", "--from", "beginning") == [], "sender")
    lib.check(len(tail(folder, "mail.scored", "--tenant", "_bonafide")) > 0, "heartbeats, when asked for")
    lines = lib.bonafide("tail", "mail.scored", "--data", folder + "/data", expect=0).out.splitlines()
    lib.check(len(lines) == 11 and ids[-1] in lines[-1] and "a…@acme.example > b…@home.example" in lines[-1], lines)
    done = lib.bonafide("tail", "mail.scord", "--data", folder + "/data", expect=66)
    lib.check("do you mean mail.scored" in done.err, done.err)
    lib.bonafide("tail", "mail.received", "--verdict", "trusted", "--data", folder + "/data", expect=65)
    service.stop()
    lib.check([record["id"] for record in tail(folder, "mail.scored", "--from", "beginning")] == ids, "without a service")
    done = lib.bonafide("tail", "mail.scored", "-f", "--data", folder + "/data", expect=0)
    lib.check("no service runs" in done.err, done.err)


@lib.test
def tail_follows_and_goes_on_after_a_restart(folder):
    service = lib.Service(folder + "/data").start()
    service.post(lib.message(0), wait="2s", **WHO)
    process = subprocess.Popen([lib.BINARY, "tail", "mail.scored", "-f", "--json", "--data", folder + "/data"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    reader = Reader(process.stdout)
    time.sleep(0.7)
    ids = [service.post(lib.message(number), wait="2s", **WHO)[1]["id"] for number in range(1, 6)]

    def seen():
        return [json.loads(line)["id"] for line in reader.lines]
    lib.eventually(lambda: seen() == ids, 5, "what came after")
    began = time.monotonic()
    service.stop()
    lib.check(time.monotonic() - began < 5, "who follows does not hold the service up")
    service.arguments[service.arguments.index("127.0.0.1:0")] = service.host.netloc
    service.start()
    ids += [service.post(lib.message(number), wait="2s", **WHO)[1]["id"] for number in range(6, 9)]
    lib.eventually(lambda: seen() == ids, 15, "all once, over a restart")
    process.terminate()  # SIGINT is ignored by whatever a script starts in the background
    process.wait(5)
    service.stop()


@lib.test
def events_are_verdicts_and_resume(folder):
    service = lib.Service(folder + "/data").start()
    watch = Watch(service)
    lib.check(watch.status == 200 and watch.headers["Content-Type"] == "text/event-stream", watch.headers)
    time.sleep(0.3)
    ids = [service.post(lib.message(number), wait="2s", **WHO)[1]["id"] for number in range(4)]
    lib.eventually(lambda: watch.ids() == ids, 5, "four events")
    lib.check("verdict" in watch.data()[0] and "ann@" not in "".join(watch.reader.lines), "redacted verdicts")
    places = watch.places()
    watch.leave()
    more = service.post(lib.message(9), wait="2s", **WHO)[1]["id"]
    again = Watch(service, last=places[1])
    lib.eventually(lambda: again.ids() == ids[2:] + [more], 5, "what was missed")
    again.leave()
    lib.check(Watch(service, last="garbage").status == 400, "garbage")
    none = Watch(service, "/v1/events?verdict=untrusted&after=" + places[0])
    time.sleep(0.5)
    lib.check(none.status == 200 and none.data() == [], "filtered")
    lib.eventually(lambda: ": keep-alive\n" in none.reader.lines, 20, "a sign of life")
    none.leave()
    service.stop()


@lib.test
def watchers_are_bounded_and_given_back(folder):
    with open(folder + "/bonafide.yaml", "w", encoding="utf-8") as file:
        file.write("version: 1\napi:\n  max_views: 3\n")
    service = lib.Service(folder + "/data", "--config", folder + "/bonafide.yaml").start()
    watching = [Watch(service) for _ in range(3)]
    lib.check([watch.status for watch in watching] == [200] * 3, "three may")
    refused = Watch(service)
    lib.check(refused.status == 429 and refused.headers["Retry-After"], refused.headers)
    watching[0].leave()
    lib.eventually(lambda: Watch(service).status == 200, 5, "a place that was given back")
    began = time.monotonic()
    service.stop()
    lib.check(time.monotonic() - began < 5, "who watches does not hold the end up")


@lib.test
def a_reader_that_does_not_read_holds_nothing(folder):
    """It is given up within a minute, and meanwhile mail goes on."""
    service = lib.Service(folder + "/data").start()
    body = "x" * 60_000
    for number in range(60):
        service.post(lib.message(number, body=body), **WHO)
    service.idle()
    lazy = socket.create_connection((service.host.hostname, service.host.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(b"GET /v1/streams/mail.scored/tail?from=beginning&follow=1&full=1&reveal=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for number in range(60, 560):
        service.post(lib.message(number), **WHO)
    began = time.monotonic()
    status, answer, _ = service.post(lib.message(999), wait="2s", **WHO)
    lib.check(status == 200 and "late" not in answer and time.monotonic() - began < 1, "mail goes on", answer)
    lib.check(b"bonafide_live_views 1" in service.get("/metrics")[1], "it watches")
    lib.eventually(lambda: b"bonafide_live_views 0" in service.get("/metrics")[1], 60, "that it is given up")
    lazy.close()
    service.stop()
    lib.bonafide("verify", "--data", folder + "/data", expect=0)


lib.main()
