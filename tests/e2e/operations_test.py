#!/usr/bin/env python3
"""What an operator sees: stuck steps, the ledger, status."""
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

WHO = {"mail_from": "ann@acme.example", "rcpt_to": "bob@home.example"}


def ledger(service, query=""):
    status, body, _ = service.get("/v1/ledger?limit=10000" + query)
    lib.check(status == 200, status, body)
    return json.loads(body)["rows"]


def sums(rows):
    """in, out, parked, under way and difference of every hop."""
    found = {}
    for row in rows:
        line = [row[name] for name in ("in", "count", "parked", "under_way", "balance")]
        found[row["hop"]] = [a + b for a, b in zip(found.get(row["hop"], [0] * 5), line)]
    return found


@lib.test
def a_stuck_step_shows_within_five_seconds_and_is_named(folder):
    service = lib.Service(folder + "/data").start()
    service.post(lib.message(1), wait="2s", **WHO)
    service.idle()
    lock = sqlite3.connect(folder + "/data/rows/rows.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # the rows cannot be written any more
    begin = time.monotonic()
    status, answer, _ = service.post(lib.message(2), wait="2s", **WHO)
    lib.check(status == 200 and "late" not in answer, "scoring goes on without the rows", answer)

    def unhealthy():
        status, body, _ = service.get("/livez")
        return body if status == 503 else None
    body = lib.eventually(unhealthy, 10, "a livez that says so")
    took = time.monotonic() - begin
    lib.check(took < 5.5, "it took", took)
    lib.check("import" in json.loads(body)["checks"], body)
    lib.check(service.get("/readyz")[0] == 503, "readyz")
    told = lib.bonafide("status", "--data", folder + "/data")
    lib.check(told.returncode == 1 and "import: no progress" in told.out.splitlines()[0], told.out)
    lock.execute("ROLLBACK")
    lock.close()
    lib.eventually(lambda: service.get("/livez")[0] == 200, 20, "a livez that is well again")
    service.idle()
    lib.check(len(lib.stored_ids(folder + "/data")) == 2, "the row came when it could")
    service.stop()
    lib.bonafide("verify", "--data", folder + "/data", expect=0)


@lib.test
def the_ledger_is_true_after_a_kill(folder):
    service = lib.Service(folder + "/data").start()
    for number in range(30):
        service.post(lib.message(number), **WHO)
    service.post(lib.message(3), **WHO)  # a repeat is no event
    service.kill()
    service.start()
    for number in range(30, 40):
        service.post(lib.message(number), **WHO)
    service.idle()
    found = sums(ledger(service))
    for hop in ("door", "score", "import", "archive"):
        came, out, parked, under_way, balance = found[hop]
        lib.check(came == 40 and balance == 0 and out + parked + under_way == 40, hop, found)
    lib.check(found["import"][1] == 40, "all are stored", found)
    service.stop()
    done = lib.bonafide("verify", "--json", "--data", folder + "/data", expect=0)
    hops = {hop["hop"]: hop for hop in json.loads(done.out.splitlines()[-1])["hops"]}
    lib.check(all(hop["in"] == hop["out"] == 40 and hop["under_way"] == 0 for hop in hops.values()), hops)


@lib.test
def verify_names_hop_minute_and_difference(folder):
    service = lib.Service(folder + "/data").start()
    ids = [service.post(lib.message(number), **WHO)[1]["id"] for number in range(5)]
    service.idle()
    service.stop()
    with sqlite3.connect(folder + "/data/rows/rows.db") as connection:
        connection.execute("DELETE FROM events WHERE id = ?", (bytes.fromhex(ids[2]),))
    done = lib.bonafide("verify", "--quick", "--data", folder + "/data")
    millis = int(ids[2][:12], 16)
    minute = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(millis / 1000 // 60 * 60))
    lib.check(done.returncode == 1 and f"import, tenant default, {minute}: " in done.out and "1 missing" in done.out, done.out)


@lib.test
def status_says_in_its_first_line_whether_all_is_well(folder):
    service = lib.Service(folder + "/data").start()
    for number in range(20):
        service.post(lib.message(number), wait="2s", **WHO)
    service.idle()
    time.sleep(1.2)
    told = lib.bonafide("status", "--data", folder + "/data", expect=0)
    lines = told.out.splitlines()
    lib.check(lines[0] == "All is well" and len(lines) < 24, told.out)
    _, body, _ = service.get("/v1/status")
    status = json.loads(body)
    lib.check(status["messages_per_second"]["in"] > 0 and status["messages_per_second"]["stored"] > 0, status)
    workers = {worker["name"]: worker for worker in status["workers"]}
    lib.check(workers["score"]["out"] >= 20 and workers["import"]["parked"] == 0, workers)
    service.stop()
    told = lib.bonafide("status", "--data", folder + "/data", expect=0)
    lib.check(told.out.splitlines()[0] == "All is well (no service is running)", told.out)


lib.main()
