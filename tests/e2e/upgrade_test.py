#!/usr/bin/env python3
"""Data folders that earlier releases left behind (tests/upgrade, made by tests/upgrade/make) are opened and gone on with; one of a
later release is refused."""
import glob
import json
import os
import sys
import tarfile
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

KEPT = sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "upgrade", "format-*.tar.xz")))


def unpacked(kept, folder):
    """The folder as it was left, what that release exported, and what it showed of some messages."""
    with tarfile.open(kept) as tar:
        tar.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(folder)
    os.chmod(folder + "/data", 0o700)
    lines = {name: [json.loads(line) for line in open(f"{folder}/{name}.jsonl")] for name in ("expected", "shown")}
    return folder + "/data", lines["expected"], lines["shown"]


def as_shown_today(row):
    """Format 1: mail that is not judged was shown as trusted."""
    return dict(row, verdict="none" if row["direction"] != "inbound" else row["verdict"])


def known(now, then):
    """What of an answer there was at that time: members are added, never changed."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: known(now[key], then[key]) for key in then if key in now}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [known(one, other) for one, other in zip(now, then)]
    return now


def exported(data):
    return [json.loads(line) for line in lib.bonafide("export", "--data", data, expect=0).out.splitlines()]


def each_kept(function):
    def all_of_them(folder):
        lib.check(KEPT, "no folder is kept")
        for number, kept in enumerate(KEPT):
            os.mkdir(f"{folder}/{number}")
            function(*unpacked(kept, f"{folder}/{number}"))

    all_of_them.__name__ = function.__name__
    return lib.test(all_of_them)


@each_kept
def everything_in_it_can_be_read(data, expected, shown):
    expected = [as_shown_today(row) for row in expected]
    verified = lib.bonafide("verify", "--json", "--data", data, expect=0).out.splitlines()
    report = json.loads(verified[-1])
    lib.check(report["sound"] and report["accepted"] == report["rows"] == report["archived"] == len(expected), report)
    lib.check(report["indexed"] == len(expected), report)
    lib.check(known(exported(data), expected) == expected, "the rows are not what they were")
    for then in shown:  # the row with evidence, hop times and the whole event
        now = json.loads(lib.bonafide("show", then["id"], "--json", "--data", data, expect=0).out)
        lib.check(known(now, as_shown_today(then)) == as_shown_today(then), "another event:", then["id"])
        again = json.loads(lib.bonafide("show", then["id"], "--rescore", "--json", "--data", data, expect=0).out)
        lib.check(again["rescored"]["same"], "another score from the same evidence", again["rescored"])
        raw = lib.bonafide("show", then["id"], "--raw", "--data", data, expect=0).out
        lib.check(then["subject"] in raw or "=?" in raw, then["subject"], raw[:300])
    archived = set()
    for path in glob.glob(data + "/archive/*/*/*.avro"):
        archived |= {json.loads(line)["received"]["id"] for line in lib.bonafide("avro", "cat", path, expect=0).out.splitlines()}
    lib.check(len(archived) == len(expected), "archive:", len(archived))
    found = json.loads(lib.bonafide("search", "--json", "--limit", "1000", "--data", data, expect=0).out.splitlines()[0])
    lib.check(found, "search")
    with open(data + "/FORMAT") as file:
        lib.check("readable-from 1" in file.read(), "the release that wrote it can go back to it")


@each_kept
def it_goes_on_where_it_was(data, expected, shown):
    tenant = expected[0]["tenant"]
    service = lib.Service(data).start()
    # What was not judged then has no verdict now.
    unjudged = sum(row["direction"] != "inbound" for row in expected)
    total = lambda query="": json.loads(service.get("/v1/stats?group_by=tenant" + query)[1])["total"]  # noqa: E731
    # Whose mail it is was the demo's own setting.
    lib.check(service.request("PUT", "/v1/tenants/" + tenant, json.dumps({"domains": [tenant]}).encode())[0] == 200)
    lib.check(total() == len(expected), "search has", total())
    lib.check(total("&q=verdict:none") == unjudged > 0, total("&q=verdict:none"))
    # The history is there: who is known then is known now.
    known = [row for row in expected if any(one["text"].startswith("as usual for ") for one in row["reasons"])][-1]
    status, raw, _ = service.get(f"/v1/messages/{known['id']}/raw")
    status, body, _ = service.request("POST", "/v1/score?tenant=" + tenant, raw + b"and one line more\r\n")
    lib.check(any("as usual for " in one["text"] for one in json.loads(body)["reasons"]), known, body)
    ids = []
    for number in range(1, 40):
        status, body, _ = service.post(lib.message(number), mail_from="ann@acme.example", rcpt_to="bob@" + tenant)
        lib.check(status == 202, status, body)
        ids.append(body["id"])
    service.idle()
    # The index follows the rows by itself.
    lib.eventually(lambda: total() == len(expected) + len(ids), 20, "all of it in the index")
    word = next(word for row in expected for word in row["subject"].split() if word.isalpha() and len(word) > 5)
    lib.check(json.loads(service.get("/v1/search?" + urllib.parse.urlencode({"q": "subject:" + word}))[1])["messages"], "old mail is found:", word)
    service.kill()
    service.start()
    service.idle()
    lib.bonafide("reindex", "--data", data, expect=0)
    lib.check(total() == len(expected) + len(ids), "after the rebuild")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    now = exported(data)
    lib.check({row["id"] for row in now} == {row["id"] for row in expected} | set(ids), "rows lost or doubled")


@lib.test
def a_newer_folder_is_refused_with_what_to_do(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    service.stop()
    with open(data + "/FORMAT") as file:
        text = file.read()
    with open(data + "/FORMAT", "w") as file:
        file.write("written 99\nreadable-from 99\n")
    for verb in (["run", "--listen", "127.0.0.1:0"], ["verify"], ["export"], ["tenant", "list"]):
        done = lib.bonafide(*verb, "--data", data)
        lib.check(done.returncode != 0, verb, "was not refused")
        for words in ("newer Bonafide (format 99", "bonafide run --data " + data + "-2"):
            lib.check(words in done.err, verb, done.err)
    # One that a newer release wrote and that this one can still read.
    with open(data + "/FORMAT", "w") as file:
        file.write("written 99\nreadable-from 1\n")
    lib.bonafide("verify", "--data", data, expect=0)
    service.start()
    service.stop()
    with open(data + "/FORMAT") as file:
        lib.check(file.read() == "written 99\nreadable-from 1\n", "what a newer release wrote stays said")
    with open(data + "/FORMAT", "w") as file:
        file.write("garbage\n")
    done = lib.bonafide("verify", "--data", data)
    lib.check(done.returncode != 0 and "restore it" in done.err, done.err)
    with open(data + "/FORMAT", "w") as file:
        file.write(text)
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
