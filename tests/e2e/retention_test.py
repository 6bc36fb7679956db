#!/usr/bin/env python3
"""Retention: what is old goes, what is young stays, and the books balance before, meanwhile and after."""
import datetime
import glob
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from aged import AGES, NOW, old_data  # noqa: E402


def rows(data):
    return {id for id, _ in lib.stored_ids(data)}


def days_of_archive(data):
    return {os.path.basename(os.path.dirname(path)) for path in glob.glob(data + "/archive/**/*.avro", recursive=True)}


def value(service, name):
    for line in service.get("/metrics")[1].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0


def raw_pieces(data):
    with sqlite3.connect(f"file:{data}/raw/raw.db?mode=ro", uri=True) as connection:
        return connection.execute("SELECT count(*) FROM events").fetchone()[0]


REMOVED = 'bonafide_retention_removed_total{step="%s"}'


@lib.test
def the_defaults_keep_90_and_400_days(folder):
    data, ids = old_data(folder, "")
    service = lib.Service(data).start()
    lib.eventually(lambda: value(service, REMOVED % "doorlist") == 40, 30, "the end of the door's list")
    lib.check(value(service, REMOVED % "import") == 480, "rows removed:", value(service, REMOVED % "import"))
    lib.bonafide("verify", "--data", data, expect=0)
    status, body, _ = service.post(lib.message(9999), mail_from="a@acme.example", rcpt_to="b@home.example")
    lib.check(status == 202, status, body)
    service.idle()
    ledger = json.loads(service.get("/v1/ledger")[1])
    lib.check(ledger["under_way"] == 0, "what was removed is not under way:", ledger["under_way"])
    service.stop()
    lib.check(rows(data) == ids[80] | ids[5] | {body["id"]}, "the rows are not those of the last 90 days")
    kept = {(NOW - datetime.timedelta(days=age)).strftime("%Y-%m-%d") for age in (300, 100, 80, 5, 0)}
    lib.check(days_of_archive(data) <= kept and len(days_of_archive(data)) >= 4, days_of_archive(data))
    lib.bonafide("verify", "--data", data, expect=0)
    found = lib.bonafide("show", next(iter(ids[300])), "--data", data)
    lib.check(found.returncode != 0 and "no event" in found.err, found.out, found.err)


@lib.test
def whenever_it_is_killed_the_books_balance(folder):
    data, ids = old_data(folder, "retention: {rows: 90d, archive: 90d}\n")
    full = sum(AGES.values())
    cut = set()
    for attempt in range(40):
        service = lib.Service(data).start()
        lib.eventually(lambda: value(service, REMOVED % "import") > 0 or len(rows(data)) == 80, 30, "a first removal")
        service.kill()
        cut.add(len(rows(data)))
        lib.bonafide("verify", "--data", data, expect=0)
        if len(rows(data)) == 80:
            break
    lib.check(rows(data) == ids[80] | ids[5], len(rows(data)), "rows are left of", full)


@lib.test
def a_short_retention_beside_verify(folder):
    data = folder + "/data"
    os.makedirs(data, 0o700)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\nretention: {rows: 1s, every: 1s}\ndoor: {keep_raw: 1s}\n")
    for batch in range(3):
        # At a start everything is durable, so that nothing is held for the sake of a reader.
        service = lib.Service(data).start()
        for number in range(40):
            status, _, _ = service.post(lib.message(batch * 40 + number), mail_from="a@acme.example", rcpt_to="b@home.example")
            lib.check(status == 202, status)
        for _ in range(5):
            lib.bonafide("verify", "--data", data, expect=0)  # while the rows of the batch before go
        service.idle()
        service.stop()
        lib.bonafide("verify", "--data", data, expect=0)
    time.sleep(1)
    service = lib.Service(data).start()
    lib.eventually(lambda: value(service, REMOVED % "import") > 0 and not rows(data), 30, "the removal of all rows")
    lib.eventually(lambda: not raw_pieces(data), 30, "the removal of all raw messages")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def a_damaged_record_of_what_was_removed_is_named(folder):
    data, _ = old_data(folder, "")
    service = lib.Service(data).start()
    lib.eventually(lambda: value(service, REMOVED % "doorlist") == 40, 30, "the end of the door's list")
    service.stop()
    with open(data + "/retention", "r+b") as file:
        file.seek(40)
        file.write(b"X")
    done = lib.bonafide("verify", "--data", data)
    lib.check(done.returncode == 1 and "retention" in done.out and "delete it" in done.out, done.returncode, done.out[-600:])
    service = lib.Service(data).start()  # writes it again
    lib.eventually(lambda: lib.bonafide("verify", "--data", data).returncode == 0, 20, "a sound verify")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def the_archive_is_cut_to_its_size(folder):
    data, _ = old_data(folder, "")
    total = sum(os.path.getsize(path) for path in glob.glob(data + "/archive/*/*/*"))
    with open(data + "/bonafide.yaml", "w") as file:
        file.write(f"version: 1\nretention: {{rows: 0s, archive: 0s, archive_size: {total // 2}}}\n")
    service = lib.Service(data).start()
    lib.eventually(lambda: value(service, REMOVED % "archive") > 0, 30, "a removal")
    lib.eventually(lambda: sum(os.path.getsize(path) for path in glob.glob(data + "/archive/*/*/*")) <= total // 2, 120, "the size")
    service.stop()
    newest = (NOW - datetime.timedelta(days=5)).strftime("%Y-%m-%d")
    lib.check(newest in days_of_archive(data), "the newest day is gone")
    lib.check(len(rows(data)) == sum(AGES.values()), "rows are kept for ever")
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def rows_and_raw_messages_are_cut_to_their_size_while_mail_flows(folder):
    data = folder + "/data"
    os.makedirs(data, 0o700)
    limits = {"rows": 3_000_000, "raw": 6_000_000}
    with open(data + "/bonafide.yaml", "w") as file:
        # What a reader has not dealt with for good stays whatever the size: the archive after a second, the states after 30.
        file.write(f"version: 1\narchive: {{file_age: 1s}}\ndoor: {{keep_raw: 100d}}\nretention: {{rows_size: {limits['rows']}, raw_size: {limits['raw']}, every: 1s}}\n")
    service = lib.Service(data).start()
    body = "".join("the order and the invoice, please see what is attached\r\n" for _ in range(400))
    sent, verified = [], 0
    end = time.monotonic() + 80
    while time.monotonic() < end and (value(service, REMOVED % "import") < 300 or value(service, REMOVED % "raw") < 300):
        for number in range(len(sent), len(sent) + 150):
            status, answer, _ = service.post(lib.message(number, body=f"{number} {body}"), mail_from="a@acme.example", rcpt_to="b@home.example")
            lib.check(status == 202, status, answer)
            sent.append(answer["id"])
        lib.bonafide("verify", "--data", data, expect=0)  # while the oldest go
        verified += 1
    lib.check(value(service, REMOVED % "import") >= 300 and value(service, REMOVED % "raw") >= 300, "little was removed of", len(sent))
    service.idle()

    def used(path):
        with sqlite3.connect(f"file:{data}/{path}?mode=ro", uri=True) as connection:
            pages, free, size = (connection.execute("pragma " + what).fetchone()[0] for what in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    lib.eventually(lambda: used("rows/rows.db") <= limits["rows"] and used("raw/raw.db") <= limits["raw"], 120, "the size")
    kept = rows(data)
    lib.check(kept == set(sent[-len(kept):]) and len(kept) > 50, "not the newest are kept:", len(kept), len(sent))
    found = json.loads(service.get("/v1/stats?group_by=tenant")[1])["total"]
    lib.eventually(lambda: json.loads(service.get("/v1/stats?group_by=tenant")[1])["total"] == len(rows(data)), 20, "the index follows")
    lib.check(found <= len(sent) and verified >= 2, found, verified)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
