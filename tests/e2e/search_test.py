#!/usr/bin/env python3
"""Search and stats: what was acked is found within seconds, once, also after the service was killed; the index is built
anew while mail comes in, without a gap; and it is the rows that it holds."""
import json
import os
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def post(service, number, subject=None, to="bob@home.example", **more):
    mail = lib.message(number, **more)
    if subject:
        mail = mail.replace(b"Subject: note %d" % number, b"Subject: " + subject.encode())
    status, body, _ = service.post(mail, mail_from="ann@acme.example", rcpt_to=to)
    lib.check(status == 202, status, body)
    return body["id"]


def ask(service, path, **query):
    status, body, _ = service.get(path + "?" + urllib.parse.urlencode(query))
    return status, json.loads(body)


def found(service, **query):
    """All ids, page by page."""
    ids, cursor = [], ""
    while True:
        status, page = ask(service, "/v1/search", limit=500, **query, **({"cursor": cursor} if cursor else {}))
        lib.check(status == 200, status, page)
        ids += [row["id"] for row in page["messages"]]
        cursor = page.get("next_cursor", "")
        if not cursor:
            return ids


def total(service, **query):
    status, answer = ask(service, "/v1/stats", **query)
    lib.check(status == 200, status, answer)
    lib.check(sum(group["count"] for group in answer["groups"]) == answer["total"], answer)
    return answer["total"]


def verify(data):
    done = lib.bonafide("verify", "--data", data, "--json")
    lib.check(done.returncode == 0, done.out[-3000:], done.err)
    return json.loads(done.out.splitlines()[-1])


@lib.test
def what_was_taken_is_found_within_seconds(folder):
    service = lib.Service(folder + "/data").start()
    ids = [post(service, number) for number in range(30)]
    wanted = post(service, 30, "Überweisung: neue Bankverbindung")
    lib.eventually(lambda: len(found(service)) == 31, 5, "31 messages in the index")
    lib.check(found(service) == sorted(ids + [wanted], reverse=True), "newest first, each once")
    lib.check(found(service, q="uberweisung") == [wanted])
    lib.check(found(service, q='subject:"neue bankverbindung" from:ann@acme.example') == [wanted])
    lib.check(found(service, q='subject:"bankverbindung neue"') == [])
    lib.check(len(found(service, q="domain:acme.example to:bob*")) == 31)
    lib.check(found(service, q="domain:example.org") == [])
    lib.check(found(service, tenant="default") and found(service, tenant="other") == [])
    lib.check(len(found(service, sender="ann", recipient="bob@home.example")) == 31)
    lib.check(total(service, group_by="hour") == 31)
    status, by = ask(service, "/v1/stats", group_by="domain")
    lib.check(by["groups"][0]["key"] == "acme.example" and by["groups"][0]["count"] == 31, by)
    status, problem = ask(service, "/v1/search", q="verdict:bad")
    lib.check(status == 400 and "position 9" in problem["detail"], problem)
    status, problem = ask(service, "/v1/stats", group_by="day", tz="Europe/Berlni")
    lib.check(status == 400 and "Europe/Berlin" in problem["detail"], problem)
    beside = lib.bonafide("search", "überweisung", "--data", folder + "/data", "--json", expect=0)
    lib.check(json.loads(beside.out)["id"] == wanted, beside.out)
    service.stop()
    alone = lib.bonafide("search", "subject:überweisung", "--data", folder + "/data", expect=0)
    lib.check(wanted in alone.out and "Bankverbindung" in alone.out, alone.out)
    counted = lib.bonafide("stats", "--by", "day", "--tz", "Asia/Tokyo", "--data", folder + "/data", "--json", expect=0)
    lib.check(json.loads(counted.out)["total"] == 31, counted.out)
    lib.check(verify(folder + "/data")["indexed"] == 31)


@lib.test
def late_mail_counts_where_it_belongs(folder):
    service = lib.Service(folder + "/data").start()
    for number, at in enumerate(["2026-03-28T23:30:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]):
        status, body, _ = service.post(lib.message(number), mail_from="ann@acme.example", rcpt_to="bob@home.example",
                                       received_at=at)
        lib.check(status == 202, body)
    lib.eventually(lambda: len(found(service)) == 3, 5, "three messages")
    status, days = ask(service, "/v1/stats", group_by="day", tz="UTC")
    lib.check([(g["key"], g["count"]) for g in days["groups"]] == [("2026-03-28", 1), ("2026-03-29", 2)], days)
    status, hours = ask(service, "/v1/stats", group_by="hour", tz="Europe/Berlin", **{"from": "2026-03-29T00:00:00Z"})
    lib.check([g["key"] for g in hours["groups"]] == ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"], hours)
    lib.check(len(found(service, q="before:2026-03-29")) == 1)
    lib.check(len(found(service, **{"from": "2026-03-29T00:00:00Z"})) == 2)
    service.stop()


@lib.test
def killed_in_the_middle_nothing_is_lost_or_doubled(folder):
    data = folder + "/data"
    service, acked, number = lib.Service(data), set(), 0
    for _ in range(6):
        service.start()
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            acked.add(post(service, number))
            number += 1
        service.kill()
    alone = lib.bonafide("search", "--data", data, "--json", "--limit", "100000", expect=0)
    before = [json.loads(line)["id"] for line in alone.out.splitlines()]
    lib.check(len(before) == len(set(before)) and set(before) <= acked, "doubled or strange ids")
    service.start()
    lib.eventually(lambda: set(found(service)) == acked, 20, "everything acked in the index")
    ids = found(service)
    lib.check(len(ids) == len(acked), "doubled in the index")
    lib.check(total(service, group_by="verdict") == len(acked))
    service.stop()
    done = verify(data)
    lib.check(done["indexed"] == done["rows"] == len(acked), done)


@lib.test
def built_anew_while_mail_comes_in_and_always_answers(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    acked = [post(service, number) for number in range(400)]
    lib.eventually(lambda: len(found(service)) == 400, 10, "400 messages in the index")
    stopping, wrong = threading.Event(), []

    def write():
        number = 1000
        while not stopping.is_set():
            acked.append(post(service, number))
            number += 1

    def read():
        most = 0
        while not stopping.is_set():
            count = total(service, group_by="tenant")
            if count < most:
                wrong.append(f"{most} messages were found, then {count}")
            most = max(most, count)

    threads = [threading.Thread(target=work) for work in (write, read)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            done = lib.bonafide("reindex", "--data", data, expect=0)
            lib.check("built anew" in done.out, done.out)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    lib.check(not wrong, wrong[:3])
    lib.eventually(lambda: len(found(service)) == len(acked), 10, "everything in the new index")
    lib.check(set(found(service)) == set(acked))
    files = [name for name in os.listdir(data + "/search") if name.endswith(".db")]
    lib.check(files == ["index-4.db"], files)
    service.stop()
    lib.check(verify(data)["indexed"] == len(acked))


@lib.test
def a_lost_index_is_built_by_itself_and_a_wrong_one_is_named(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = [post(service, number) for number in range(50)]
    service.idle()
    service.stop()
    for name in os.listdir(data + "/search"):
        os.remove(data + "/search/" + name)
    service.start()
    lib.eventually(lambda: set(found(service)) == set(ids), 10, "the index, built anew")
    service.stop()
    lib.check(verify(data)["indexed"] == 50)
    # A row that nobody told the index of.
    import sqlite3
    with sqlite3.connect(data + "/search/" + open(data + "/search/current").read().strip()) as db:
        db.execute("delete from facts")
    done = lib.bonafide("verify", "--data", data)
    lib.check(done.returncode == 1 and "search index" in done.out and "reindex" in done.out, done.out)
    lib.bonafide("reindex", "--data", data, expect=0)
    lib.check(verify(data)["indexed"] == 50)


if __name__ == "__main__":
    lib.main()
