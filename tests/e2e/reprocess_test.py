#!/usr/bin/env python3
"""Reprocess: stored messages through the pipeline again, as new revisions, once each, behind live mail."""
import collections
import datetime
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from aged import old_data  # noqa: E402

ENVELOPE = {"mail_from": "ann@acme.example", "rcpt_to": "bob@home.example"}
ALL = ["--from", "2000-01-01", "--to", "2100-01-01"]


def fill(service, count, first=0):
    ids = []
    for number in range(first, first + count):
        status, body, _ = service.post(lib.message(number), **ENVELOPE)
        lib.check(status == 202, status, body)
        ids.append(body["id"])
    service.idle()
    return ids


def revisions(data):
    of = collections.defaultdict(list)
    for id, revision in lib.stored_ids(data):
        of[id].append(revision)
    return {id: sorted(all) for id, all in of.items()}


def probe(service):
    """What the histories say of one more message."""
    return json.loads(service.request("POST", "/v1/score?tenant=default", lib.message(100000))[1])["evidence"]


def state(service):
    return json.loads(service.get("/v1/reprocess")[1])


def ended(service):
    lib.eventually(lambda: state(service)["state"] != "running", 120, "the end of the reprocess")
    return state(service)


def reprocess(data, *arguments):
    return json.loads(lib.bonafide("reprocess", *arguments, "--json", "--data", data, expect=0, timeout=300).out)


@lib.test
def each_message_gets_one_new_revision_and_teaches_nothing(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    lib.check(state(service) == {"state": "none"}, state(service))
    ids = fill(service, 300)
    other = service.post(lib.message(777, to="eve@other.example"), mail_from="ann@acme.example",
                         rcpt_to="eve@other.example", tenant="default")[1]["id"]
    service.idle()
    before, history = json.loads(service.get("/v1/messages/" + ids[0])[1]), probe(service)
    run = reprocess(data, *ALL, "--step", "score")
    lib.check(run["state"] == "done" and run["messages"] == 301 and run["damaged"] == 0, run)
    lib.check(revisions(data) == {id: [0, 1] for id in ids + [other]}, "one new revision each")
    after = json.loads(service.get("/v1/messages/" + ids[0])[1])
    lib.check(after["made_by"] == "reprocess" and after["revision"] == 1, after)
    lib.check(after["trust"] == before["trust"] and after["evidence"] == before["evidence"], "the same model and evidence")
    lib.check(probe(service) == history, "history is not touched")
    lib.bonafide("verify", "--data", data, expect=0)
    # From enrich on; a judgement stands on.
    answer = json.loads(service.request("POST", f"/v1/messages/{ids[1]}/feedback", '{"judgement":"bad"}')[1])
    lib.check(answer["revision"] == 2, answer)
    history = probe(service)
    run = reprocess(data, *ALL)
    lib.check(run["step"] == "enrich" and run["messages"] == 301, run)
    lib.check(revisions(data)[ids[0]] == [0, 1, 2] and revisions(data)[ids[1]] == [0, 1, 2, 3], "the next ones")
    lib.check(json.loads(service.get("/v1/messages/" + ids[1])[1])["judgement"] == "bad", "the judgement")
    lib.check(probe(service) == history, "history is not touched")
    # It can be judged after that as before.
    answer = json.loads(service.request("POST", f"/v1/messages/{ids[1]}/feedback", '{"judgement":"good"}')[1])
    lib.check(answer["revision"] == 4 and answer["changed"], answer)
    lib.eventually(lambda: json.loads(service.get("/v1/stats?group_by=verdict")[1])["total"] == 301, 10, "each is counted once")
    lib.bonafide("verify", "--data", data, expect=0)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def times_tenant_and_what_is_asked_wrongly(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    first = fill(service, 20)
    time.sleep(0.01)
    middle = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    time.sleep(0.01)
    second = fill(service, 20, 100)
    run = reprocess(data, "--from", middle, "--to", "2100-01-01", "--step", "score")
    lib.check(run["messages"] == 20, run)
    lib.check({id for id, all in revisions(data).items() if len(all) > 1} == set(second), "accepted from then on")
    run = reprocess(data, "--from", "2000-01-01", "--to", middle, "--step", "score", "--tenant", "default")
    lib.check(run["messages"] == 20 and run["tenant"] == "default", run)
    of = revisions(data)
    lib.check(all(len(of[id]) == 2 for id in first), "accepted before")
    lib.check(reprocess(data, *ALL, "--tenant", "nobody")["messages"] == 0, "nothing of nobody")
    for query in ("", "?from=2000-01-01T00:00:00Z", "?from=x&to=y", "?from=2100-01-01T00:00:00Z&to=2000-01-01T00:00:00Z",
                  "?from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&step=import"):
        lib.check(service.request("POST", "/v1/reprocess" + query)[0] == 400, query)
    lib.check(service.request("POST", "/v1/reprocess/cancel")[0] == 409, "nothing is under way")
    lib.check(lib.bonafide("reprocess", "--from", "2000-01-01", "--data", data).returncode != 0, "--to is missing")
    service.stop()


@lib.test
def it_goes_on_whenever_it_is_killed_and_does_nothing_twice(folder):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print("seed", seed)
    chance = random.Random(seed)
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = fill(service, 1500)
    history = probe(service)
    status, body, _ = service.request("POST", "/v1/reprocess?from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&step=enrich")
    lib.check(status == 202 and json.loads(body)["state"] == "running", status, body)
    lib.check(service.request("POST", "/v1/reprocess?from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")[0] == 409, "one at a time")
    lib.bonafide("verify", "--data", data, expect=0)
    kills = 0
    for _ in range(6):
        time.sleep(chance.uniform(0.02, 0.3))
        if state(service)["state"] != "running":
            break
        service.kill()
        kills += 1
        service.start()
    lib.check(kills > 1, "it was over too soon")
    run = ended(service)
    lib.check(run["state"] == "done" and run["messages"] == 1500, run)
    service.idle()
    lib.check(revisions(data) == {id: [0, 1] for id in ids}, "each id once")
    lib.check(probe(service) == history, "history is not touched")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def it_can_be_stopped_and_cancelled(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = fill(service, 1500)
    lib.bonafide("reprocess", *ALL, "--no-wait", "--data", data, expect=0)
    service.stop()
    done = sum(len(all) == 2 for all in revisions(data).values())
    lib.check(done < 1500, "it was over too soon")
    lib.bonafide("verify", "--data", data, expect=0)
    out = lib.bonafide("reprocess", "--status", "--data", data, expect=0).out
    lib.check("running" in out, out)
    service.start()
    lib.bonafide("reprocess", "--cancel", "--data", data, expect=0)
    lib.check(state(service)["state"] == "cancelled", state(service))
    service.idle()
    lib.check(sum(len(all) == 2 for all in revisions(data).values()) < 1500, "it was over too soon")
    service.stop()
    # Without a service it works on the folder itself, to the end.
    run = reprocess(data, *ALL, "--step", "score")
    lib.check(run["state"] == "done" and run["messages"] == 1500, run)
    of = revisions(data)
    lib.check(all(len(of[id]) in (2, 3) for id in ids), "each once more")
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def what_the_rows_do_not_keep_comes_from_the_archive(folder):
    data, ids = old_data(folder, "")
    service = lib.Service(data).start()
    lib.eventually(lambda: not ids[100] & {id for id, _ in lib.stored_ids(data)}, 30, "the end of old rows")
    run = reprocess(data, "--from", "2000-01-01", "--to", "2100-01-01", "--step", "score")
    lib.check(run["state"] == "done" and run["messages"] == sum(len(ids[age]) for age in (300, 100, 80, 5)), run)
    of = revisions(data)
    for age in (80, 5):
        lib.check(all(of[id] == [0, 1] for id in ids[age]), age, "days old")
    lib.bonafide("verify", "--data", data, expect=0)
    service.stop()
    result = json.loads(lib.bonafide("verify", "--data", data, "--json", expect=0).out.splitlines()[-1])
    lib.check(result["archived"] == 2 * run["messages"], "both revisions are archived:", result)


lib.main()
