#!/usr/bin/env python3
"""Feedback: a judgement is a new revision, teaches, is undone by its opposite, and never counts twice."""
import glob
import json
import os
import random
import shutil
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

ENVELOPE = {"mail_from": "ann@acme.example", "rcpt_to": "bob@home.example"}


def post(service, number, **more):
    status, body, _ = service.post(lib.message(number, **more), **{**ENVELOPE, "wait": "5s"})
    lib.check(status == 200, status, body)
    return body["id"]


def judge(service, id, judgement):
    status, body, _ = service.request("POST", f"/v1/messages/{id}/feedback", json.dumps({"judgement": judgement}))
    return status, json.loads(body)


def shown(service, id):
    status, body, _ = service.get("/v1/messages/" + id)
    lib.check(status == 200, status, body)
    return json.loads(body)


def evidence_of_the_next(service, number):
    """What the histories say of one more message: their contents, as far as this sender goes."""
    status, body, _ = service.request("POST", "/v1/score?tenant=default", lib.message(number))
    lib.check(status == 200, status, body)
    return json.loads(body)["evidence"]


def archived(data):
    """Every event of the archive, all revisions."""
    for path in glob.glob(data + "/archive/*/*/*.avro"):
        yield from map(json.loads, lib.bonafide("avro", "cat", path, expect=0).out.splitlines())


def found(service, query):
    status, body, _ = service.get("/v1/search?q=" + query)
    lib.check(status == 200, status, body)
    return {one["id"]: one for one in json.loads(body)["messages"]}


@lib.test
def a_judgement_is_a_revision_that_every_view_shows(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = [post(service, number) for number in range(5)]
    service.idle()
    status, answer = judge(service, ids[0], "bad")
    lib.check((status, answer) == (200, {"id": ids[0], "judgement": "bad", "revision": 1, "changed": True}), status, answer)
    status, answer = judge(service, ids[0], "bad")
    lib.check((status, answer) == (200, {"id": ids[0], "judgement": "bad", "revision": 1, "changed": False}), status, answer)
    before, row = json.loads(json.dumps(shown(service, ids[1]))), shown(service, ids[0])
    lib.check(row["judgement"] == "bad" and row["judged_at"] and row["made_by"] == "feedback", row)
    lib.check(before["judgement"] == "none" and before["judged_at"] is None, before)
    out = lib.bonafide("feedback", ids[0], "good", "--data", data, expect=0).out
    lib.check(out == "judged good: revision 2\n", out)
    out = lib.bonafide("feedback", ids[0], "good", "--data", data, expect=0).out
    lib.check("nothing changed" in out, out)
    said = json.loads(lib.bonafide("feedback", ids[1], "bad", "--json", "--data", data, expect=0).out)
    lib.check(said == {"id": ids[1], "judgement": "bad", "revision": 1, "changed": True}, said)
    out = lib.bonafide("show", ids[1], "--data", data, expect=0).out
    lib.check("judged bad at " in out and "revision: 1" in out, out)
    lib.check(shown(service, ids[1])["trust"] == before["trust"], "the score is kept")
    lib.eventually(lambda: set(found(service, "judgement:bad")) == {ids[1]} and set(found(service, "judgement:good")) == {ids[0]},
                   10, "judgements in the search")
    lib.check(found(service, "judgement:bad")[ids[1]]["judgement"] == "bad", "a row of the search")
    groups = json.loads(service.get("/v1/stats?group_by=judgement")[1])["groups"]
    lib.check({one["key"]: one["count"] for one in groups} == {"none": 3, "good": 1, "bad": 1}, groups)
    exported = [json.loads(line) for line in lib.bonafide("export", "--data", data, expect=0).out.splitlines()]
    lib.check(len(exported) == 5, "newest revisions only", len(exported))
    lib.check({one["id"]: one["judgement"] for one in exported}[ids[0]] == "good", exported)
    lib.check(sorted(lib.stored_ids(data)) == sorted([(id, 0) for id in ids] + [(ids[0], 1), (ids[0], 2), (ids[1], 1)]),
              lib.stored_ids(data))
    again = service.post(lib.message(1), **{**ENVELOPE, "wait": "5s"})[1]
    lib.check(again["id"] == ids[1] and again["duplicate"], "a repeat is the same event", again)
    lib.bonafide("verify", "--data", data, expect=0)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def what_cannot_be_judged_is_said(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    id = post(service, 1)
    status, answer = judge(service, "0" * 32, "good")
    lib.check(status == 404 and answer["status"] == 404, status, answer)
    with sqlite3.connect(f"file:{data}/rows/rows.db?mode=ro", uri=True) as rows:
        heartbeat = lib.eventually(lambda: rows.execute("SELECT id FROM heartbeats").fetchone(), 20, "a heartbeat")[0].hex()
    status, answer = judge(service, heartbeat, "good")
    lib.check(status == 404, "a heartbeat is no message:", status, answer)
    for body in ("", "{}", "nonsense", '{"judgement":"ugly"}', '{"judgement":"good","x":1}', "[" * 3000):
        status, answer, headers = service.request("POST", f"/v1/messages/{id}/feedback", body)
        lib.check(status == 400 and headers["Content-Type"].startswith("application/problem+json"), body, status, answer)
    lib.check(service.request("POST", "/v1/messages/xyz/feedback", '{"judgement":"good"}')[0] == 400, "an id that is none")
    lib.check(service.request("POST", f"/v1/messages/{id}/feedback", "x" * 10000)[0] == 413, "a long body")
    lib.check(lib.bonafide("feedback", id, "ugly", "--data", data).returncode != 0, "no such word")
    lib.check("there is no" in lib.bonafide("feedback", "0" * 32, "bad", "--data", data).err, "an unknown id")
    lib.check(lib.stored_ids(data) == [(id, 0)], "nothing came of any")
    service.stop()


@lib.test
def it_works_on_the_folder_alone(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = [post(service, number) for number in range(3)]
    service.stop()
    said = json.loads(lib.bonafide("feedback", ids[2], "bad", "--json", "--data", data, expect=0).out)
    lib.check(said == {"id": ids[2], "judgement": "bad", "revision": 1, "changed": True}, said)
    said = json.loads(lib.bonafide("feedback", ids[2], "bad", "--json", "--data", data, expect=0).out)
    lib.check(said["changed"] is False and said["revision"] == 1, said)
    lib.bonafide("verify", "--data", data, expect=0)
    row = json.loads(lib.bonafide("show", ids[2], "--json", "--data", data, expect=0).out)
    lib.check(row["judgement"] == "bad", row)
    service.start()
    lib.check(judge(service, ids[2], "good")[1]["revision"] == 2, "the service goes on from there")
    service.stop()


def with_history(folder):
    """A data folder in which ann has written for a while."""
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = [post(service, number) for number in range(30)]
    service.idle()
    service.stop()
    return data, ids


@lib.test
def the_opposite_leaves_what_it_alone_would_have_left(folder):
    data, ids = with_history(folder)
    shutil.copytree(data, folder + "/other")
    answers = []
    for path, said in ((data, ("good",)), (folder + "/other", ("bad", "bad", "good"))):
        service = lib.Service(path).start()
        untouched = evidence_of_the_next(service, 1000)
        for judgement in said:
            lib.check(judge(service, ids[7], judgement)[0] == 200, judgement)
            if judgement == "bad":
                lib.check(evidence_of_the_next(service, 1000) != untouched, "what is judged bad is taken back")
        answers.append(evidence_of_the_next(service, 1000))
        service.stop()
    lib.check(answers[0] == answers[1], *answers)
    # The fold over the journal gives the same histories.
    service = lib.Service(folder + "/other")
    shutil.rmtree(folder + "/other/history")
    service.start()
    service.idle()
    lib.check(evidence_of_the_next(service, 1000) == answers[0], "a rebuilt history")
    service.stop()
    lib.bonafide("verify", "--data", folder + "/other", expect=0)


@lib.test
def nothing_counts_twice_whenever_it_is_killed(folder):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("seed", seed)
    chance = random.Random(seed)
    data, ids = with_history(folder)
    service = lib.Service(data)
    stands, lock, stopping = {}, threading.Lock(), threading.Event()

    def judge_on(mine, random_of_mine):
        while not stopping.is_set():
            id, judgement = random_of_mine.choice(mine), random_of_mine.choice(["good", "bad"])
            try:
                status, answer = judge(service, id, judgement)
            except Exception:  # noqa: BLE001 - killed: nobody knows whether it was taken
                status = 0
            with lock:
                if status in (200, 202):
                    stands[id] = {judgement}
                else:
                    stands[id] = stands.get(id, {"none"}) | {judgement}
            if status == 0:
                time.sleep(0.05)

    for round in range(8):
        service.start()
        stopping.clear()
        threads = [threading.Thread(target=judge_on, args=(ids[i::4], random.Random(f"{seed}/{round}/{i}"))) for i in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.1, 0.8))
        service.kill()
        stopping.set()
        for thread in threads:
            thread.join()
    service.start()
    service.idle()
    rows = {id: shown(service, id) for id in ids}
    for id, possible in stands.items():
        lib.check(rows[id]["judgement"] in possible, id, rows[id]["judgement"], possible)
    incremental = evidence_of_the_next(service, 1000)
    service.stop()
    # Each revision is a change, so judgements alternate; and none is missing.
    every = sorted((event["received"]["id"].encode("latin-1").hex(), event["revision"], event["judgement"]) for event in archived(data))
    kept, rows = [(id, revision) for id, revision, _ in every], sorted(lib.stored_ids(data))
    lib.check(kept == rows, "archive and rows:", len(kept), len(rows), kept[:3], rows[:3])
    before = (None, None, None)
    for id, revision, judgement in every:
        if id == before[0]:
            lib.check(revision == before[1] + 1 and judgement != before[2], before, (id, revision, judgement))
        else:
            lib.check(revision == 0 and judgement == "none", id, revision, judgement)
        before = (id, revision, judgement)
    lib.check(len(every) > len(ids) + 20, "too little was judged:", len(every))
    lib.bonafide("verify", "--data", data, expect=0)
    shutil.rmtree(data + "/history")
    service.start()
    service.idle()
    lib.check(evidence_of_the_next(service, 1000) == incremental, "a rebuilt history is the same")
    # All undone: as if only the last words had been said, once.
    for id in ids:
        judge(service, id, "bad")
        judge(service, id, "good")
    all_good = evidence_of_the_next(service, 1000)
    for id in ids:
        lib.check(judge(service, id, "good")[1]["changed"] is False, "said before")
    lib.check(evidence_of_the_next(service, 1000) == all_good, "nothing changed")
    service.stop()


lib.main()
