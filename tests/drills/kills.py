#!/usr/bin/env python3
"""kill -9 at random moments, also of a start, while mail comes in by HTTP, SMTP and LMTP."""
import random
import signal
import time

import drill
from drill import lib


def run(folder, rounds, seed):
    chance, tally = random.Random(seed), drill.Tally()
    killed = at_start = under_load = 0
    for number, part in enumerate(drill.parts(rounds)):
        service, load = drill.fresh(folder, seed, number)
        for _ in range(part):
            if chance.random() < 0.2:  # while it gets up
                service.launch()
                time.sleep(chance.uniform(0, 0.4))
                at_start += 1
            else:
                service.start()
                before = load.acks()
                load.during(lambda: (time.sleep(chance.uniform(0.05, 1.2)), service.kill()))
                under_load += load.acks() > before
            service.kill()
            killed += service.process.returncode == -signal.SIGKILL
        service.start()
        load.during(lambda: load.grow(20))
        load.finish()
        service.stop()
        tally.done(load)
    lib.check(killed == rounds, "only", killed, "of", rounds, "were killed")
    lib.check(under_load > 0, "no kill came under load")
    return f"{killed} kills fired, {under_load} after acks of the same run, {at_start} during a start; {tally}"


drill.main(run, short=10, long=200)
