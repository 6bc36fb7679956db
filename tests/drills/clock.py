#!/usr/bin/env python3
"""The wall clock jumps an hour ahead and back while mail comes in (clock_shift.c moves it, the steady clock goes on): nothing
is lost, ids stay unique, and what is measured stays sane. libfaketime would do, but cannot be had together with jemalloc."""
import email.utils
import os
import random
import re
import shutil
import struct
import subprocess
import time

import drill
from drill import lib

HOUR = 3600


class Clock:
    """The wall clock of a service."""

    def __init__(self, folder):
        source, library = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock_shift.c"), folder + "/clock_shift.so"
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", library], check=True)
        self.path = folder + "/clock"
        with open(self.path, "wb") as file:
            file.write(bytes(8))
        self.set(0)
        self.environment = {"LD_PRELOAD": library, "CLOCK_SHIFT": self.path}

    def set(self, seconds):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=q", seconds))
        self.ahead = seconds


def ahead(service):
    """How far its clock is ahead of ours, by the date of an answer."""
    _, _, headers = service.get("/livez")
    return email.utils.parsedate_to_datetime(headers["Date"]).timestamp() - time.time() if "Date" in headers else None


def latencies(service):
    """Of each histogram in seconds: its sum, its count."""
    text = service.get("/metrics")[1].decode()
    found = re.findall(r"^(bonafide_\w+_seconds)_(sum|count)(\{[^}]*\})? (\S+)$", text, re.M)
    sums = {(name, labels): float(value) for name, kind, labels, value in found if kind == "sum"}
    counts = {(name, labels): float(value) for name, kind, labels, value in found if kind == "count"}
    return {f"{name}{labels}": (sums[name, labels], counts[name, labels]) for name, labels in sums}


def run(folder, rounds, seed):
    chance, clock, tally = random.Random(seed), Clock(folder), drill.Tally()
    jumps, measured, across, longest = 0, 0, 0, 0.0
    for number, part in enumerate(drill.parts(rounds)):
        service, load = drill.fresh(folder, seed, number)
        clock.set(0)
        service.start(environment=clock.environment)

        times = []

        def jump():
            nonlocal jumps
            load.grow(20)
            for _ in range(part):
                clock.set(chance.choice([by for by in (-HOUR, 0, HOUR) if by != clock.ahead]))
                lib.eventually(lambda: (at := ahead(service)) is not None and abs(at - clock.ahead) < 60, 20, "the jump of its clock")
                times.append(time.monotonic())
                jumps += 1
                load.grow(40)
                time.sleep(chance.uniform(0, 0.5))
        load.during(jump)
        load.finish()
        # What was under way at a jump has stamps of before and after it, and is measured as an hour: at most what was acked
        # shortly before and after, and nothing that came later. A sum never falls.
        under_way = sum(at - 5 < acked < at + 3 for at in times for acked, _ in load.times)
        before = latencies(service)
        for name, (total, _) in before.items():
            lib.check(0 <= total < HOUR * (under_way + 0.5), name, "has a sum of", total, "s after", part, "jumps")
            measured += 1
            across = max(across, round(total / HOUR))
        load.during(lambda: load.grow(50))
        load.finish()
        for name, (total, count) in latencies(service).items():
            total, count = total - before.get(name, (0, 0))[0], count - before.get(name, (0, 0))[1]
            lib.check(0 <= total <= 10 * count, name, "has measured", total, "s for", count, "after the jumps")
            longest = max(longest, total / count if count else 0)
        service.stop()
        tally.done(load)
    return (f"{jumps} jumps fired; {measured} latencies looked at: at most {across} messages were measured as an hour in one, "
            f"and after the jumps the longest mean is {longest * 1000:.1f} ms; {tally}")


drill.main(run, short=4, long=100, missing="" if shutil.which("cc") else "there is no C compiler: apt install gcc")
