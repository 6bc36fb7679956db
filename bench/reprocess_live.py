#!/usr/bin/env python3
"""How long live mail waits for its verdict, without and with a reprocess beside it (architecture, invariant 7).

    bench/reprocess_live.py build/release/bonafide [--stored 20000] [--rate 200] [--rounds 3] [--step enrich]

Stores messages, then measures in turns: live mail alone for as long as a reprocess of all stored messages takes, and beside
such a reprocess. Prints p50 and p99 of POST /v1/messages?wait=2s, and the ratio of the two p99."""
import argparse
import http.client
import json
import os
import shutil
import sys
import tempfile
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--stored", type=int, default=20000)
parser.add_argument("--rate", type=float, default=200, help="live messages a second")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--step", default="enrich")
parser.add_argument("--connections", type=int, default=4)
options = parser.parse_args()
sys.argv = [sys.argv[0], options.binary]
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "e2e"))
import lib  # noqa: E402

SENDERS = [f"person{i}@company{i % 37}.example" for i in range(150)]
number = 0
lock = threading.Lock()


def next_message():
    global number
    with lock:
        number += 1
        mine = number
    sender = SENDERS[mine % len(SENDERS)]
    return f"/v1/messages?mail_from={sender}&rcpt_to=bob@home.example", lib.message(mine, sender=sender)


class Poster:
    def __init__(self, service):
        self.connection = http.client.HTTPConnection(service.host.hostname, service.host.port, timeout=30)

    def post(self, target, body):
        self.connection.request("POST", target, body, {"Content-Type": "message/rfc822"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def store(service, count):
    def work():
        poster = Poster(service)
        while True:
            with lock:
                if number >= count:
                    return
            target, body = next_message()
            while poster.post(target, body) != 202:
                time.sleep(0.01)
    threads = [threading.Thread(target=work) for _ in range(options.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    service.idle()


def live(service, goes_on):
    """Milliseconds from request to verdict, at an even rate, while goes_on()."""
    took, began, stop = [], time.monotonic(), threading.Event()

    def work(index):
        poster, turn = Poster(service), index
        while not stop.is_set():
            due = began + turn / options.rate
            turn += options.connections
            while (wait := due - time.monotonic()) > 0:
                time.sleep(min(wait, 0.1))
            target, body = next_message()
            start = time.perf_counter()
            if poster.post(target + "&wait=2s", body) == 200:
                took.append((time.perf_counter() - start) * 1000)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(options.connections)]
    for thread in threads:
        thread.start()
    while goes_on(time.monotonic() - began):
        time.sleep(0.1)
    seconds = time.monotonic() - began
    stop.set()
    for thread in threads:
        thread.join()
    return sorted(took), seconds


def at(took, q):
    return took[int(q * (len(took) - 1))]


def running(service):
    return json.loads(service.get("/v1/reprocess")[1])["state"] == "running"


folder = tempfile.mkdtemp(prefix="bonafide-bench-")
try:
    service = lib.Service(folder + "/data").start()
    store(service, options.stored)
    upto = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    time.sleep(1.1)
    live(service, lambda passed: passed < 2)  # warm
    all_alone, all_beside, seconds = [], [], 20
    for round in range(options.rounds):
        alone, _ = live(service, lambda passed: passed < seconds)
        service.request("POST", f"/v1/reprocess?from=2000-01-01T00:00:00Z&to={upto}&step={options.step}")
        beside, seconds = live(service, lambda passed: running(service))
        run = json.loads(service.get("/v1/reprocess")[1])
        print(f"round {round + 1}: alone p50 {at(alone, .5):.2f} p99 {at(alone, .99):.2f} ms ({len(alone)}); "
              f"beside {run['messages']} reprocessed in {seconds:.1f} s ({run['messages'] / seconds:.0f}/s) "
              f"p50 {at(beside, .5):.2f} p99 {at(beside, .99):.2f} ms ({len(beside)})", flush=True)
        all_alone += alone
        all_beside += beside
    all_alone.sort()
    all_beside.sort()
    print(f"verdict p99 at {options.rate:.0f}/s: {at(all_alone, .99):.2f} ms alone, {at(all_beside, .99):.2f} ms beside a reprocess: "
          f"{at(all_beside, .99) / at(all_alone, .99):.2f} times")
    service.stop()
finally:
    shutil.rmtree(folder, ignore_errors=True)
