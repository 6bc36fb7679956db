#!/usr/bin/env python3
"""A disk without room, at random moments and for random times: another program takes all of it, or writes fail with ENOSPC
(injected by strace). Every door says "later" in its own words, a kill meanwhile costs nothing, and it goes on by itself."""
import os
import random
import re
import time

import drill
import faults
from drill import lib

MIB = 1 << 20
LATER = {"http": {(429, True), (503, True)}, "smtp": {(451, None), (452, None)}, "lmtp": {(451, None), (452, None)}}


def check_refusals(load):
    wrong = {(door, code, retry): count for (door, code, retry), count in load.refused.items() if (code, retry) not in LATER[door]}
    lib.check(not wrong, "refused in other words than \"later\":", wrong)


def filled(folder, rounds, chance, seed):
    tally, fired, refusals, killed, tried, restarted = drill.Tally(), 0, 0, 0, 0, 0
    with lib.Disk(folder, 512 * MIB) as disk:
        # The limit is so low that writes meet the end of the disk itself.
        service, load = drill.fresh(disk.path, seed, 0, drill.ROLLING.replace("1MiB}", "1MiB, min_free: 1MiB}"))
        service.log = folder + "/service.log"
        service.start()
        for turn in range(rounds):
            before = sum(load.refused.values())

            def no_room():
                nonlocal fired, killed, tried, restarted
                load.grow(20)
                disk.leave(chance.choice((0, 0, 4096, 256 << 10)))
                lib.eventually(lambda: sum(load.refused.values()) >= before + 10 or service.ended(), 60, "refusals")
                fired += 1
                time.sleep(chance.uniform(0, 3))
                lib.check(not service.ended(), "the process ended on a full disk:", service.said())
                if turn % 2:
                    service.kill()
                    killed += 1
                    if turn % 4 == 1:  # to start without room is allowed to fail, not to harm
                        tried, told = tried + 1, os.path.getsize(service.log)
                        service.launch()
                        if service.up():
                            restarted += 1
                            time.sleep(0.5)
                        else:
                            words = service.said(1 << 20, told)
                            print("  a start without room:", words.strip(), flush=True)
                            lib.check(re.search("[Nn]o space left|free some|disk is full", words), "it does not say why it does not start")
                        service.kill()
                    disk.give_back()
                    service.start()
                else:
                    disk.give_back()
                load.grow(20)
            load.during(no_room)
            refusals += sum(load.refused.values()) - before
        load.finish()
        service.stop()
        check_refusals(load)
        words = dict(load.refused)
        tally.done(load)
    return (f"the disk was full {fired} times, {killed} kills meanwhile, {restarted} of {tried} starts on a full disk got up; {refusals} refusals "
            f"{words}; {tally}")


def injected(folder, rounds, chance, seed):
    tally, hit, ended, refusals = drill.Tally(), {}, 0, 0
    service, load = drill.fresh(folder, seed, 1)
    service.start()
    load.during(lambda: load.grow(20))
    service.stop()
    for _ in range(rounds):
        first = chance.randint(1, 500)
        fault = faults.Faults(folder, "pwrite64", f"error=ENOSPC:when={first}..{first + chance.choice((0, 5, 50))}")
        up = faults.under_load(service, load, fault, 4)
        for _, file in fault.fired():
            part = faults.data_file(file)
            hit[part] = hit.get(part, 0) + 1
        if up and service.ended():
            raise AssertionError(f"the process ended for want of room: {service.said()}")
        ended += not up
        if up:
            load.during(lambda: load.grow(10))  # by itself, in the same process
            service.kill()
        faults.after_a_fault(service, load)
    check_refusals(load)
    refusals = dict(load.refused)
    tally.done(load)
    lib.check(hit.get("journal"), "no write of the journal failed", hit)
    return f"failed writes by place: {hit}; {ended} starts refused; refusals {refusals}; {tally}"


def run(folder, rounds, seed):
    chance, left_out = random.Random(seed), 0
    for act, why_not in ((filled, lib.Disk.missing()), (injected, faults.missing())):
        print(f"  {act.__name__}: {why_not or act(folder, rounds, chance, seed)}", flush=True)
        left_out += bool(why_not)
    return "one of two could run" if left_out else "both"


drill.main(run, short=2, long=60, missing=lib.Disk.missing() and faults.missing())
