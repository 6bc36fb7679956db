#!/usr/bin/env python3
"""The power goes while mail comes in: the file system is shut down with all it had in memory, its own journal too, the process
is killed, the disk is mounted again (which recovers it) and the service started.

What the file system sent to the disk counts as written: a disk that forgets what it has confirmed is not drilled."""
import errno
import os
import random
import subprocess
import time

import drill
from drill import lib


def needs_recovery(disk):
    told = subprocess.run(["dumpe2fs", "-h", disk.image], check=True, capture_output=True).stdout
    return b"needs_recovery" in told


def sync(path):
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def cut(disk, service, what):
    """The power goes. Proves it: nothing can be written, and what was not synced is not there afterwards."""
    canary = disk.path + "/canary"
    with open(canary, "wb") as file:
        file.write(b"\1" * 10_000)
    disk.cut_power()
    try:
        with open(disk.path + "/after", "wb") as file:
            os.fsync(file.fileno())
        raise AssertionError("the disk takes writes after the cut")
    except OSError as error:
        lib.check(error.errno == errno.EIO, "after the cut:", error)
    time.sleep(0.2)  # what it answers now counts as well
    service.kill()
    disk.unmount()
    what["recovered"] += needs_recovery(disk)
    disk.mount()
    lost = not os.path.exists(canary) or os.path.getsize(canary) == 0
    what["fired"] += 1
    what["forgotten"] += lost
    if os.path.exists(canary):
        os.remove(canary)


def run(folder, rounds, seed):
    chance, tally = random.Random(seed), drill.Tally()
    what = {"fired": 0, "forgotten": 0, "recovered": 0, "under load": 0, "at start": 0}
    for number, part in enumerate(drill.parts(rounds)):
        os.mkdir(f"{folder}/{number}")
        with lib.Disk(f"{folder}/{number}", 2 << 30) as disk:
            service, load = drill.fresh(disk.path, seed, number)
            service.log = f"{folder}/service.log"
            sync(service.data + "/bonafide.yaml")
            for _ in range(part):
                if chance.random() < 0.2:
                    service.launch()
                    time.sleep(chance.uniform(0, 0.4))
                    what["at start"] += 1
                    cut(disk, service, what)
                    continue
                service.start()
                before = load.acks()
                load.during(lambda: (time.sleep(chance.uniform(0.05, 1.2)), cut(disk, service, what)))
                what["under load"] += load.acks() > before
            service.start()
            load.during(lambda: load.grow(20))
            load.finish()
            service.stop()
            tally.done(load)
            disk.unmount()
            checked = subprocess.run(["e2fsck", "-fn", disk.image], check=False, capture_output=True)
            lib.check(checked.returncode == 0, "the file system itself is damaged:", checked.stdout[-500:])
        os.remove(disk.image)
    lib.check(what["fired"] == rounds and what["recovered"] == rounds, "not every cut fired:", what)
    lib.check(what["forgotten"] > 0, "no cut lost anything that was not synced: these were no cuts", what)
    return (f"{what['fired']} cuts fired ({what['under load']} after acks of the same run, {what['at start']} during a start), "
            f"{what['recovered']} file systems had to recover, {what['forgotten']} had lost a file that was not synced; {tally}")


drill.main(run, short=6, long=100, missing=lib.Disk.missing())
