#!/usr/bin/env python3
"""Faults put between the service and the kernel by strace: a kill before the n-th fdatasync, write or rename; a sync that
fails, or takes half a second; a read that fails, at a start, under load and in `verify`. Every fault is counted by what
strace wrote down, with the file it hit."""
import os
import random
import re
import shutil
import signal
import subprocess
import time

import drill
import faults
from drill import lib

SYNCS = "fdatasync,fsync"


def kills(folder, rounds, chance, seed):
    tally, fired, told = drill.Tally(), 0, []
    # A thread counts its own calls.
    for number, (call, most) in enumerate((("fdatasync", 120), ("pwrite64", 400), ("rename", 8))):
        count = 0
        service, load = drill.fresh(folder, seed, number)
        service.start()  # the first start is like no other
        load.during(lambda: load.grow(20))
        service.kill()
        for _ in range(rounds):
            n = chance.randint(1, most if chance.random() < 0.7 else 12)
            faults.under_load(service, load, faults.Faults(folder, call, f"signal=KILL:when={n}"), 5)
            if service.ended():
                lib.check(service.process.returncode == -signal.SIGKILL, "ended with", service.process.returncode, service.said())
                count += 1
            else:
                service.kill()
            faults.after_a_fault(service, load)
        tally.done(load)
        lib.check(count, "no kill before a", call, "fired")
        told.append(f"{count} of {rounds} before a {call}")
        fired += count
    return f"{fired} kills fired, {', '.join(told)}; {tally}"


def failing_syncs(folder, rounds, chance, seed):
    """Once a sync of the journal has failed, nothing more is acked, and the process ends and says why."""
    tally, hit, slowest = drill.Tally(), {}, 0
    service, load = drill.fresh(folder, seed, 10)
    service.start()
    load.during(lambda: load.grow(20))
    service.kill()
    for _ in range(rounds):
        fault = faults.Faults(folder, SYNCS, f"error=EIO:when={chance.randint(1, 80)}")
        said = os.path.getsize(service.log)
        faults.under_load(service, load, fault, 6)
        offset = time.time() - time.monotonic()
        fired = [(at - offset, faults.data_file(file)) for at, file in fault.fired()]
        for _, part in fired:
            hit[part] = hit.get(part, 0) + 1
        failed = [at for at, part in fired if part == "journal"]
        if failed:
            lib.eventually(service.ended, 10, "the end of the process after a failed sync of the journal")
            late = [at - failed[0] for at, _ in load.times if at > failed[0]]
            slowest = max([slowest, *late])
            lib.check(not late or max(late) < 0.5, "acked after the failed sync of the journal:", late[-3:])
        if service.ended():
            words = service.said(1 << 20, said)
            lib.check(fired, "it ended without a fault", words)
            lib.check(service.process.returncode > 0, "ended with exit code", service.process.returncode, words)
            lib.check("Input/output error" in words or "IO error" in words or "disk I/O error" in words,
                      "it does not say why it ended after a failed sync of", fired, ":", words)
        else:
            service.kill()
        faults.after_a_fault(service, load)
    tally.done(load)
    lib.check(hit.get("journal"), "no sync of the journal failed", hit)
    return (f"failed syncs by place: {hit}; the last answer on its way after a failed sync of the journal came "
            f"{slowest * 1000:.0f} ms after it; {tally}")


def slow_syncs(folder, rounds, _, seed):
    tally, delayed, took = drill.Tally(), 0, []
    for number in range(rounds):
        # No repeats: what is durable already is answered without a sync.
        service, load = drill.fresh(folder, seed, 20 + number, repeats=0)
        service.start()
        service.stop()
        fault = faults.Faults(folder, SYNCS, "delay_enter=500000")
        service.launch(under=fault.under)
        lib.check(service.up(120), "it did not get up with slow syncs:", service.said())
        load.during(lambda: (faults.end_within(service, 4), load.grow(5)))
        service.kill()
        delayed += len(fault.fired())
        took += [seconds for _, seconds in load.times]
        faults.after_a_fault(service, load)
        tally.done(load)
    took.sort()
    lib.check(delayed > 10 and took[0] > 0.4, "acks were faster than the disk:", delayed, took[:3])
    return (f"{delayed} syncs took 500 ms longer, {len(took)} acks meanwhile, the fastest in {took[0]:.2f} s, "
            f"half of them in {took[len(took) // 2]:.2f} s, the slowest in {took[-1]:.2f} s; {tally}")


def failing_reads(folder, rounds, chance, seed):
    """A read that fails is no end of a file, and no torn tail: nothing is cut because of it."""
    tally, hit, refused, found = drill.Tally(), {}, 0, 0
    service, load = drill.fresh(folder, seed, 40)
    service.start()
    load.during(lambda: load.grow(300))
    service.kill()
    for turn in range(rounds):
        n = chance.randint(1, 250 if turn % 2 else 40)
        if turn % 3 == 2:  # whoever verifies
            service.start()
            load.finish()
            service.stop()
            fault = faults.Faults(folder, "pread64", f"error=EIO:when={n}")
            done = subprocess.run([*fault.under, lib.BINARY, "verify", "--data", service.data], check=False, capture_output=True)
            fired = fault.parts()
            if fired:
                lib.check(done.returncode != 0, "verify says all is well, and could not read", fired, done.stdout, done.stderr)
                found += 1
        else:  # whoever starts, after a kill and not
            fault = faults.Faults(folder, "pread64", f"error=EIO:when={n}")
            refused += not faults.under_load(service, load, fault, 1)
            fired = fault.parts()
            if not service.ended():
                service.kill()
        for part in fired:
            hit[part] = hit.get(part, 0) + 1
        faults.after_a_fault(service, load)
    tally.done(load)
    lib.check(hit, "no read failed")
    return f"failed reads by place: {hit}; {refused} starts refused, {found} times verify did not pass it; {tally}"


def run(folder, rounds, seed):
    chance = random.Random(seed)
    for act, share in ((kills, 1), (failing_syncs, 1), (slow_syncs, 0.1), (failing_reads, 1.5)):
        began = time.monotonic()
        print(f"  {act.__name__}: {act(folder, max(1, int(rounds * share)), chance, seed)} "
              f"({time.monotonic() - began:.0f} s)", flush=True)
    return "all of them"


drill.main(run, short=3, long=60, missing=faults.missing())
