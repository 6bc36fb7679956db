#!/usr/bin/env python3
"""Kills the service at ten random moments under load: whatever was acked is stored exactly once, and the books balance."""
import collections
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


class Load:
    """Posts messages on several threads and writes down which were acked. A message whose answer was lost is sent again."""

    def __init__(self, service, seed):
        self.service, self.seed = service, seed
        self.acked = {}  # number -> ids it was acked with
        self.next, self.stopping = 0, False
        self.in_doubt = collections.deque()
        self.lock = threading.Lock()

    def run(self):
        while not self.stopping:
            with self.lock:
                if self.in_doubt:
                    number = self.in_doubt.popleft()
                else:
                    number, self.next = self.next, self.next + 1
            try:
                status, body, _ = self.service.post(lib.message(number, seed=self.seed), mail_from="ann@acme.example",
                                                    rcpt_to="bob@home.example")
            except Exception:  # noqa: BLE001 - the service was killed: nobody knows what became of it
                status = 0
            with self.lock:
                if status in (200, 202):
                    self.acked.setdefault(number, set()).add(body["id"])
                else:
                    self.in_doubt.append(number)
            if status == 0:
                time.sleep(0.05)

    def during(self, act):
        self.stopping = False
        threads = [threading.Thread(target=self.run) for _ in range(4)]
        for thread in threads:
            thread.start()
        act()
        self.stopping = True
        for thread in threads:
            thread.join()


@lib.test
def nothing_acked_is_lost_or_doubled(folder):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("seed", seed)
    chance = random.Random(seed)
    data = folder + "/data"
    service = lib.Service(data)
    load = Load(service, seed)
    for _ in range(10):
        service.start()

        def until_killed():
            time.sleep(chance.uniform(0.1, 1.5))
            service.kill()

        load.during(until_killed)
    service.start()
    load.during(lambda: time.sleep(0.5))
    while load.in_doubt:
        number = load.in_doubt.popleft()
        status, body, _ = service.post(lib.message(number, seed=seed), mail_from="ann@acme.example", rcpt_to="bob@home.example")
        lib.check(status == 202, status, body)
        load.acked.setdefault(number, set()).add(body["id"])
    service.idle()
    service.stop()
    lib.check(len(load.acked) > 200, "too little load:", len(load.acked))
    doubled = {number: ids for number, ids in load.acked.items() if len(ids) != 1}
    lib.check(not doubled, "acked under several ids:", list(doubled.items())[:3])
    rows = collections.Counter(id for id, _ in lib.stored_ids(data))
    acked = {next(iter(ids)) for ids in load.acked.values()}
    lib.check(len(acked) == len(load.acked), "two messages share an id")
    lib.check(not acked - set(rows), "acked and lost:", len(acked - set(rows)), list(acked - set(rows))[:3])
    lib.check(not set(rows) - acked, "stored and never sent:", list(set(rows) - acked)[:3])
    lib.check(all(count == 1 for count in rows.values()), "stored more than once")
    lib.bonafide("verify", "--data", data, expect=0)
    print(f"{len(acked)} messages acked over ten kills, each stored once")


@lib.test
def a_clean_stop_leaves_nothing_under_way(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    for number in range(50):
        lib.check(service.post(lib.message(number), rcpt_to="bob@home.example")[0] == 202)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    service.start()
    service.idle()
    lib.check(len(lib.stored_ids(data)) == 50, "rows after a clean stop")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
