#!/usr/bin/env python3
"""The number of partitions is changed on a data folder with mail in it."""
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

SENDERS = [f"ann@acme{number}.example" for number in range(7)]


def config(data, partitions):
    os.makedirs(data, exist_ok=True)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write(f"version: 1\njournal: {{partitions: {partitions}}}\n")


def check_history(answer, sender, before):
    """A verdict is built on all earlier messages of its sender, whatever partitions they went through."""
    lib.check(answer[0] == 200 and "late" not in answer[1], answer)
    if before > 0:
        told = " ".join(reason["text"] for reason in answer[1]["reasons"])
        lib.check(f"{sender} is known: {before} message{'s' if before > 1 else ''} on " in told, before, told)


@lib.test
def partitions_grow_and_shrink_and_nothing_is_lost(folder):
    data, ids = folder + "/data", {}
    number = 0
    for partitions in (1, 4, 3, 1):
        config(data, partitions)
        service = lib.Service(data).start()
        for sender in SENDERS * 6:
            answer = service.post(lib.message(number, sender), wait="5s", mail_from=sender, rcpt_to="bob@home.example")
            check_history(answer, sender, len(ids.get(sender, [])))
            ids.setdefault(sender, []).append(answer[1]["id"])
            number += 1
        again = service.post(lib.message(0, SENDERS[0]), mail_from=SENDERS[0], rcpt_to="bob@home.example")
        lib.check(again[1]["duplicate"] and again[1]["id"] == ids[SENDERS[0]][0], "the door's memory", again)
        if partitions == 4:  # ends with work under way: those that follow wait for it
            for sender in SENDERS * 6:
                ids[sender].append(service.post(lib.message(number, sender), mail_from=sender, rcpt_to="bob@home.example")[1]["id"])
                number += 1
            service.kill()
        else:
            service.idle()
            service.stop()
    lib.check(sorted(id for id, _ in lib.stored_ids(data)) == sorted(sum(ids.values(), [])), "each is stored once")
    lib.bonafide("verify", "--data", data, expect=0)
    with sqlite3.connect(f"file:{data}/rows/rows.db?mode=ro", uri=True) as rows:
        shards = {row[0] for row in rows.execute("SELECT shard FROM progress WHERE topic = 'mail.scored' AND lane = 0")}
    lib.check(len(shards) > 4, "mail went through the partitions of several generations", shards)


lib.main()
