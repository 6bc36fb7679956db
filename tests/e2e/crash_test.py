#!/usr/bin/env python3
"""Kills the service at ten random moments under load: whatever was acked is stored exactly once, and the books balance."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


@lib.test
def nothing_acked_is_lost_or_doubled(folder):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("seed", seed)
    chance = random.Random(seed)
    service = lib.Service(folder + "/data")
    load = lib.Load(service, seed, ["http"] * 4)
    for _ in range(10):
        service.start()

        def until_killed():
            time.sleep(chance.uniform(0.1, 1.5))
            service.kill()

        load.during(until_killed)
    service.start()
    load.during(lambda: time.sleep(0.5))
    load.finish()
    service.stop()
    lib.check(len(load.acked) > 200, "too little load:", len(load.acked))
    print(f"{load.check_all()} messages acked over ten kills, each stored once")


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
