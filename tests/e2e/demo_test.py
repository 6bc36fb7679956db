#!/usr/bin/env python3
"""The demo: fills itself, stops cleanly, carries on where it was, and its books balance."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def demo(data, count):
    return lib.bonafide("demo", "--data", data, "--listen", "127.0.0.1:0", "--past-days", "20", "--stop-after", str(count), expect=0)


@lib.test
def it_carries_on_where_it_was(folder):
    data = folder + "/data"
    first = demo(data, 600)
    lib.check("API at http://127.0.0.1:" in first.err and "verdicts" in first.err, first.err)
    lib.bonafide("verify", "--data", data, expect=0)
    with open(data + "/demo.json") as file:
        lib.check(json.load(file)["next_number"] == 600, "the bookmark")
    stored = len(lib.stored_ids(data))
    lib.check(stored == 600, stored, "rows")
    demo(data, 200)
    lib.check(len(lib.stored_ids(data)) == 800, "rows after carrying on")
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def the_same_seed_gives_the_same_mail(folder):
    subjects = []
    for run in ("a", "b"):
        demo(f"{folder}/{run}", 300)
        rows = lib.bonafide("export", "--data", f"{folder}/{run}", expect=0).out.splitlines()
        subjects.append(sorted((row["subject"], row["from"]) for row in map(json.loads, rows)))
    lib.check(subjects[0] == subjects[1], "the mail differs")


lib.main()
