#!/usr/bin/env python3
"""The demo: fills itself, stops cleanly, carries on where it was, and its books balance."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def demo(data, count, *more):
    return lib.bonafide("demo", "--data", data, "--listen", "127.0.0.1:0", "--past-days", "20", "--stop-after", str(count), *more, expect=0)


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


@lib.test
def a_scenario_is_told_and_goes_on_without_being_told_again(folder):
    data, story = folder + "/data", folder + "/story.yaml"
    with open(story, "w") as file:
        file.write("version: 1\ncompany: {seed: 7, messages_per_day: 100}\nattacks: {quiet: 0s, mix: []}\n"
                   "story: {events: [day 1 account_takeover x5 over 1h]}\n")
    done = demo(data, 120, "--scenario", story)
    lib.check("account_takeover" in done.err and "blind_spoof" not in done.err, done.err)
    demo(data, 50)
    lib.check(len(lib.stored_ids(data)) == 170, "rows after carrying on")
    other = lib.bonafide("demo", "--data", data, "--seed", "8", "--listen", "127.0.0.1:0", "--stop-after", "1")
    lib.check(other.returncode == 65 and "another company" in other.err, other.returncode, other.err)
    with open(story, "a") as file:
        file.write("atacks: {}\n")
    wrong = lib.bonafide("demo", "--data", folder + "/new", "--scenario", story)
    lib.check(wrong.returncode == 65 and "story.yaml:5:1: unknown key" in wrong.err, wrong.returncode, wrong.err)


lib.main()
