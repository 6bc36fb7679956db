"""What the drills share: their arguments, a folder, how they end. Each is called

    tests/drills/NAME.py BINARY [--long] [--rounds N]

in a short form for the test run, or in the long one, or with so many rounds. It prints what it did, exits 1 on a failure and
77, with the reason as the last line, where it cannot run. SEED repeats what chance chose; how far the service is at a fault is
up to the machine."""
import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402

ROLLING = "journal: {segment: 1MiB}\narchive: {file_age: 1s}\n"  # files end and begin within seconds


def main(run, short, long, missing=""):
    """Calls run(folder, rounds, seed), which returns a line that says what was done."""
    if missing:
        print(missing)
        sys.exit(77)
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("binary", help="the program to drill")
    parser.add_argument("--long", action="store_true", help=f"{long} rounds instead of {short}")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    given = parser.parse_args()
    rounds = given.rounds or (long if given.long else short)
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    print(f"{name}: {rounds} rounds, seed {seed}", flush=True)
    folder, started = tempfile.mkdtemp(prefix=f"bonafide-{name}-"), time.monotonic()
    try:
        print(f"{name}: {run(folder, rounds, seed)} ({time.monotonic() - started:.0f} s)", flush=True)
    except Exception as error:  # noqa: BLE001 - any failure is a failed drill
        lib.Service.kill_all()
        traceback.print_exc()
        print(f"{name}: FAILED with seed {seed}: {error}; what it left is in {folder}", flush=True)
        sys.exit(1)
    lib.Service.kill_all()
    shutil.rmtree(folder, ignore_errors=True)


def parts(rounds, most=25):
    """Rounds in data folders of their own: 60 are 25, 25 and 10. Old folders are drilled, and young ones."""
    return [most] * (rounds // most) + ([rounds % most] if rounds % most else [])


def fresh(folder, seed, number, configuration=ROLLING, **load):
    """A service in a new data folder, and a load for it."""
    service = lib.Service(f"{folder}/data-{number}").config(configuration)
    return service, lib.Load(service, seed + number, **load)


class Tally:
    """Adds up what the recorders saw."""

    def __init__(self):
        self.messages = self.acks = 0

    def done(self, load):
        """The last look at a load whose service has stopped."""
        self.messages += load.check_all()
        self.acks += load.acks()
        shutil.rmtree(load.service.data, ignore_errors=True)

    def __str__(self):
        return f"{self.acks} acks of {self.messages} messages checked, each stored once as what it was acked for, the books balance"
