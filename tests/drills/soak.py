#!/usr/bin/env python3
"""Steady load for a long time, a round is 20 seconds: memory and open file descriptors stay flat after the warm-up. Caches fill
for minutes, so that a short one can only say that memory stays below a ceiling, and that no descriptor is left open."""
import os
import statistics
import time

import drill
from drill import lib

WARM_UP = 0.4  # of the time
CEILING = 400  # MiB, at any time
FLAT_FROM, FLAT = 45, 24  # rounds from which on it must not grow by so many MiB after the warm-up


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def run(folder, rounds, seed):
    service, load = drill.fresh(folder, seed, 0, doors=("http", "smtp", "lmtp"), pause=0.01)
    service.start()
    pid, readings, began = service.process.pid, [], time.monotonic()

    def watch():
        printed = began
        while (now := time.monotonic()) < began + 20 * rounds:
            lib.check(not service.ended(), "it ended:", service.said())
            readings.append((now - began, memory(pid), descriptors(pid)))
            if now - printed >= 60:
                printed = now
                print(f"  {now - began:.0f} s: {load.acks()} acks, {readings[-1][1]:.0f} MiB, {readings[-1][2]} descriptors", flush=True)
            time.sleep(0.5)
    load.during(watch)
    load.finish()
    service.stop()
    warm = [reading for reading in readings if reading[0] > WARM_UP * 20 * rounds]
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]
    grown = statistics.median(m for _, m, _ in last) - statistics.median(m for _, m, _ in first)
    opened = statistics.median(d for _, _, d in last) - statistics.median(d for _, _, d in first)
    tally = drill.Tally()
    tally.done(load)
    said = (f"{load.acks() / (20 * rounds):.0f} acks/s for {20 * rounds} s; after the warm-up {min(m for _, m, _ in warm):.0f} to "
            f"{max(m for _, m, _ in warm):.0f} MiB (median {grown:+.1f} from its first third to its last), "
            f"{min(d for _, _, d in warm)} to {max(d for _, _, d in warm)} descriptors ({opened:+.0f})")
    print("  " + said, flush=True)
    lib.check(max(m for _, m, _ in readings) < CEILING, "it takes more than", CEILING, "MiB")
    lib.check(rounds < FLAT_FROM or grown < FLAT, f"memory grows: {grown:.1f} MiB, at most {FLAT}")
    lib.check(opened <= 4, "descriptors are left open:", opened)
    return str(tally)


drill.main(run, short=1, long=90)
