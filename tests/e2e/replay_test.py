#!/usr/bin/env python3
"""replay: a small set of our own through the whole pipeline, twice: the same bytes, and books that balance."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def make_set(folder, count=300):
    os.makedirs(folder + "/set/mail")
    with open(folder + "/set/manifest.jsonl", "w") as manifest:
        for number in range(1, count + 1):
            # one message stands twice in the set: one line out for each line in
            sender = f"person{number % 7}@partner{number % 3}.example"
            content = lib.message(number if number != 200 else 199, sender="same@partner0.example" if number in (199, 200) else sender)
            with open(f"{folder}/set/mail/{number:06d}.eml", "wb") as file:
                file.write(content)
            when = f"2026-02-{1 + number // 20:02d}T{number % 20:02d}:00:00Z"
            manifest.write(json.dumps({
                "file": f"mail/{number:06d}.eml", "received_at": when, "client_ip": f"192.0.2.{number % 5 + 1}",
                "helo": f"mail.partner{number % 3}.example", "mail_from": sender if number not in (199, 200) else "same@partner0.example",
                "rcpt_to": ["bob@home.example"]}) + "\n")
    return folder + "/set"


@lib.test
def the_same_set_gives_the_same_bytes(folder):
    path = make_set(folder)
    for run in ("a", "b"):
        lib.bonafide("replay", path, "--scores", f"{folder}/{run}.jsonl", "--data", f"{folder}/data-{run}", expect=0)
        lib.bonafide("verify", "--data", f"{folder}/data-{run}", expect=0)
    with open(folder + "/a.jsonl", "rb") as a, open(folder + "/b.jsonl", "rb") as b:
        first, second = a.read(), b.read()
    lib.check(first == second, "the scores differ")
    lines = [json.loads(line) for line in first.splitlines()]
    lib.check([line["file"] for line in lines] == [f"mail/{n:06d}.eml" for n in range(1, 301)], "files or their order")
    lib.check(lines[199]["trust"] == lines[198]["trust"], "the repeat is not answered with the first score")
    lib.check(len({line["trust"] for line in lines}) > 1, "every message scored the same")
    rows = lib.bonafide("export", "--data", f"{folder}/data-a", expect=0).out.splitlines()
    lib.check(len(rows) == 299, len(rows), "rows")
    row = json.loads(rows[0])
    for key in ("id", "message_id", "received_at", "from", "recipients", "verdict", "trust"):
        lib.check(key in row, key, "is missing in the export")


@lib.test
def a_broken_set_is_explained(folder):
    os.makedirs(folder + "/set")
    done = lib.bonafide("replay", folder + "/set", "--scores", folder + "/s", "--data", folder + "/d")
    lib.check(done.returncode == 66 and "manifest.jsonl" in done.err, done.returncode, done.err)
    with open(folder + "/set/manifest.jsonl", "w") as file:
        file.write('{"file": "mail/1.eml"\n')
    done = lib.bonafide("replay", folder + "/set", "--scores", folder + "/s", "--data", folder + "/d")
    lib.check(done.returncode == 65 and "manifest.jsonl:1" in done.err, done.returncode, done.err)


lib.main()
