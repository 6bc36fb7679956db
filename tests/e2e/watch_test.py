#!/usr/bin/env python3
"""Watched Maildirs and mboxes: each message is taken once, whatever happens to the service meanwhile."""
import mailbox
import os
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def watching(folder, *names):
    data = folder + "/data"
    os.makedirs(data)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\nfiles:\n  every: 100ms\n  watch: [" + ", ".join(f'"{folder}/{name}"' for name in names) + "]\n")
    return lib.Service(data)


@lib.test
def each_message_of_a_mailbox_is_taken_once(folder):
    maildir, mbox = mailbox.Maildir(folder + "/maildir"), mailbox.mbox(folder + "/mbox")
    for number in range(100):
        maildir.add(lib.message(number))
    service = watching(folder, "maildir", "mbox").start()

    def stored(count):
        lib.eventually(lambda: len(lib.stored_ids(service.data)) >= count, 20, f"{count} rows")
        service.idle()
        lib.check(len(lib.stored_ids(service.data)) == count, "rows", len(lib.stored_ids(service.data)), "expected", count)

    stored(100)
    for number in range(100, 120):
        mbox.add(lib.message(number))
        mbox.flush()
        maildir.add(lib.message(number + 1000))
    stored(140)
    service.kill()
    service.start()
    maildir.add(lib.message(5000))
    stored(141)
    for name in sorted(os.listdir(folder + "/maildir/new"))[:50]:  # read by its owner
        os.rename(f"{folder}/maildir/new/{name}", f"{folder}/maildir/cur/{name}:2,S")
    time.sleep(0.5)
    stored(141)
    service.stop()
    lib.bonafide("verify", "--data", service.data, expect=0)


lib.main()
