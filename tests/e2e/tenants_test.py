#!/usr/bin/env python3
"""Tenants: added and removed while mail flows, durable, kept apart in every store and view; and the direction of mail."""
import collections
import datetime
import json
import os
import random
import smtplib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def tenant(data, *arguments, expect=0):
    return lib.bonafide("tenant", *arguments, "--data", data, expect=expect)


def put(service, name, definition):
    return service.request("PUT", "/v1/tenants/" + name, json.dumps(definition).encode())[0]


def post(service, raw, to, sender="ann@outside.example", **query):
    return service.post(raw, mail_from=sender, rcpt_to=to, **query)


def row(service, id):
    status, body, _ = service.get("/v1/messages/" + id)
    lib.check(status == 200, status, body)
    return json.loads(body)


def lines(service, path):
    status, body, _ = service.get(path)
    lib.check(status == 200, path, status, body[:300])
    return [json.loads(line) for line in body.splitlines()]


def metric(service, name):
    for line in service.get("/metrics")[1].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0


def indexed(service, count, query=""):
    """Waits until the index, which follows the rows, has so many."""
    lib.eventually(lambda: json.loads(service.get("/v1/stats?group_by=tenant" + query)[1])["total"] == count, 20, f"{count} in the index")


@lib.test
def added_shown_and_removed_while_the_service_runs(folder):
    data = folder + "/data"
    os.makedirs(data, 0o700)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\ntenants: {domains: {fixed: [fixed.example]}}\n")
    service = lib.Service(data).start()
    lib.check(post(service, lib.message(1), "bob@acme.example")[0] == 400, "nobody has it yet")
    with open(folder + "/people", "w") as file:
        file.write("# ours\nAnn Smith <ann@acme.example> <ann.smith@gmail.com>\n")
    tenant(data, "add", "acme", "--domain", "Acme.example", "--network", "192.0.2.0/28", "--mailbox", "boss@free.example",
           "--people", folder + "/people")
    status, first, _ = post(service, lib.message(1), "bob@acme.example")
    lib.check(status == 202, first)
    lib.check(post(service, lib.message(2), "boss@free.example")[0] == 202, "a mailbox of its own")
    done = tenant(data, "add", "acme", "--domain", "other.example", expect=75)
    lib.check("already" in done.err, done.err)
    shown = json.loads(tenant(data, "show", "acme", "--json").out)
    lib.check(shown["domains"] == ["acme.example"] and shown["source"] == "added", shown)
    lib.check(shown["people"] == [{"name": "Ann Smith", "addresses": ["ann@acme.example", "ann.smith@gmail.com"]}], shown)
    # What is shown can be changed and put back.
    shown["domains"].append("acme.test")
    with open(folder + "/acme.json", "w") as file:
        json.dump(shown, file)
    tenant(data, "add", "acme", "--replace", "--file", folder + "/acme.json")
    lib.check(post(service, lib.message(3), "bob@acme.test")[0] == 202)
    listed = json.loads(tenant(data, "list", "--json").out)
    lib.check([(one["name"], one["source"]) for one in listed["tenants"]] == [("fixed", "configuration"), ("acme", "added")], listed)
    # The configuration's stay.
    for done in (tenant(data, "remove", "fixed", expect=75), tenant(data, "add", "fixed", "--replace", expect=75)):
        lib.check("configuration file" in done.err, done.err)
    lib.check(tenant(data, "add", "zeta", "--domain", "acme.test", expect=75).err.count("belongs to tenant acme"), "whose it is")
    lib.check("do you mean" in service.request("PUT", "/v1/tenants/zeta", b'{"domain":[]}')[1].decode(), "a slip is named")

    service.idle()
    service.kill()  # what was said survives
    service.start()
    lib.check(json.loads(tenant(data, "list", "--json").out) == listed, "not as before the kill")
    tenant(data, "remove", "acme")
    status, body, _ = post(service, lib.message(4), "bob@acme.example")
    lib.check(status == 400 and "tenant acme was removed" in body["detail"], status, body)
    status, body, _ = post(service, lib.message(4), "bob@acme.example", tenant="acme")
    lib.check(status == 400 and "was removed" in body["detail"], status, body)
    for door, kind in (("smtp", smtplib.SMTP), ("lmtp", smtplib.LMTP)):
        with open(data + "/run/addresses.json") as file:
            host, port = json.load(file)[door].rsplit(":", 1)
        client = kind(host, int(port), "client.example")
        client.ehlo_or_helo_if_needed()
        lib.check(client.docmd("MAIL", "FROM:<a@b.example>")[0] == 250)
        for address in ("bob@acme.example", "boss@free.example"):
            code, text = client.docmd("RCPT", f"TO:<{address}>")
            lib.check(code == 550 and text.startswith(b"5.7.1"), door, code, text)
        lib.check(client.docmd("RCPT", "TO:<bob@fixed.example>")[0] == 250, "the others go on")
        client.close()
    # What is stored of it stays until retention.
    lib.check(row(service, first["id"])["tenant"] == "acme")
    indexed(service, 3, "&tenant=acme")
    lib.check(service.get("/v1/tenants/acme")[0] == 404)
    removed = json.loads(service.get("/v1/tenants")[1])["removed"]
    lib.check(removed[0]["name"] == "acme" and "acme.test" in removed[0]["domains"], removed)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    # In the folder itself, with nobody running.
    tenant(data, "add", "acme", "--domain", "acme.example")
    service.start()
    lib.check(post(service, lib.message(5), "bob@acme.example")[0] == 202, "back again")
    service.stop()


@lib.test
def a_tenant_that_goes_during_a_session_and_a_door_that_is_one_tenants_own(folder):
    data = folder + "/data"
    os.makedirs(data, 0o700)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\nlmtp: {tenant: acme}\n")
    service = lib.Service(data).start()
    with open(data + "/run/addresses.json") as file:
        addresses = json.load(file)

    def client(door):
        host, port = addresses[door].rsplit(":", 1)
        opened = (smtplib.LMTP if door == "lmtp" else smtplib.SMTP)(host, int(port), "client.example")
        opened.ehlo_or_helo_if_needed()
        return opened

    tenant(data, "add", "acme", "--domain", "acme.example")
    tenant(data, "add", "zeta", "--domain", "zeta.example")
    sessions = [client(door) for door in ("smtp", "lmtp")]
    for session in sessions:
        lib.check(session.docmd("MAIL", "FROM:<a@b.example>")[0] == 250)
        lib.check(session.docmd("RCPT", "TO:<bob@acme.example>")[0] == 250)
    tenant(data, "remove", "acme")
    for session in sessions:
        code, text = session.data(lib.message(1))
        lib.check(code == 550 and text.startswith(b"5.7.1"), code, text)
        session.docmd("MAIL", "FROM:<a@b.example>")
    code, text = sessions[1].docmd("RCPT", "TO:<bob@anywhere.example>")
    lib.check(code == 550 and text.startswith(b"5.7.1") and b"acme" in text, "the door's tenant is gone:", code, text)
    # One recipient of two is enough: the other tenant's event is taken.
    tenant(data, "add", "acme", "--domain", "acme.example")
    for address in ("bob@acme.example", "eve@zeta.example"):
        lib.check(sessions[0].docmd("RCPT", f"TO:<{address}>")[0] == 250)
    tenant(data, "remove", "acme")
    lib.check(sessions[0].data(lib.message(2))[0] == 250)
    for session in sessions:
        session.close()
    service.idle()
    lib.check([one["tenant"] for one in lines(service, "/v1/export")] == ["zeta"], "nothing of what was refused is stored")
    lib.check(metric(service, "bonafide_recipients_ignored_total") == 1, "what is left out is counted")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def without_tenants_the_default_takes_all_but_what_was_removed(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    lib.check(post(service, lib.message(1), "bob@any.example")[0] == 202)
    tenant(data, "add", "acme", "--domain", "acme.example")
    lib.check(post(service, lib.message(2), "bob@any.example")[0] == 400, "with a tenant there is no default")
    tenant(data, "remove", "acme")
    status, other, _ = post(service, lib.message(3), "bob@any.example")
    lib.check(status == 202 and post(service, lib.message(4), "bob@acme.example")[0] == 400, "removed mail is nobody's")
    service.idle()
    lib.check(row(service, other["id"])["tenant"] == "default")
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def whenever_it_is_killed_what_was_said_is_there(folder):
    data = folder + "/data"
    service = lib.Service(data)
    said, chance = {}, random.Random(3)
    for attempt in range(8):
        service.start()
        for name, domain in said.items():
            shown = json.loads(service.get("/v1/tenants/" + name)[1])
            lib.check(shown["domains"] == [domain], attempt, name, shown)
        timer = threading.Timer(chance.uniform(0.05, 0.6), service.kill)
        timer.start()
        for number in range(10_000):
            name, domain = f"t{number % 40}", f"d{attempt}-{number}.example"
            maybe = dict(said)
            try:
                if put(service, name, {"domains": [domain]}) != 200:
                    break
            except OSError:
                maybe[name] = domain
                break
            said[name] = domain
        timer.join()
        # The one under way may be there or not, but whole.
        service.start()
        now = {one["name"]: one["domains"][0] for one in json.loads(service.get("/v1/tenants")[1])["tenants"]}
        lib.check(now in (said, maybe), attempt, "neither what was said nor that and the last")
        said = now
        service.kill()
    lib.check(len(said) > 10, "too few were added to say anything:", len(said))


@lib.test
def changes_while_mail_flows_refuse_or_take_it_and_lose_none(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    lib.check(put(service, "steady", {"domains": ["steady.example"]}) == 200)
    taken, other, stop = [], [], threading.Event()

    def send(worker):
        number = worker * 1_000_000
        while not stop.is_set():
            number += 1
            status, body, _ = post(service, lib.message(number), ["bob@steady.example", "bob@moving.example"])
            (taken if status == 202 else other).append(body.get("id", status))

    senders = [threading.Thread(target=send, args=(worker,)) for worker in range(3)]
    for sender in senders:
        sender.start()
    for number in range(60):
        lib.check(put(service, "moving", {"domains": ["moving.example"]}) == 200)
        lib.check(service.request("DELETE", "/v1/tenants/moving")[0] == 200)
    stop.set()
    for sender in senders:
        sender.join()
    lib.check(not other and len(taken) > 50, other[:3], len(taken))
    service.idle()
    tenants = collections.Counter(one["tenant"] for one in lines(service, "/v1/export"))
    lib.check(tenants["steady"] == len(taken) and 0 < tenants["moving"] <= len(taken), tenants, len(taken))
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def outbound_mail_teaches_relations_and_has_no_verdict(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    lib.check(put(service, "acme", {"domains": ["acme.example"], "networks": ["198.51.100.0/28"]}) == 200)
    ours = dict(sender="ann@acme.example", client_ip="198.51.100.3", helo="mail.acme.example")

    def mail(number, sender, to):
        return lib.message(number, sender=sender, to=to)

    status, out, _ = post(service, mail(1, "ann@acme.example", "zoe@partner.example"), "zoe@partner.example", wait="5s", **ours)
    lib.check(status == 200 and out["verdict"] == "none" and out["attack"] == "none", out)
    lib.check(out["reasons"][0]["text"] == "sent from here: not judged", out)
    _, within, _ = post(service, mail(2, "ann@acme.example", "bob@acme.example"), "bob@acme.example", wait="5s", **ours)
    # Another network says the same of itself: that is a claim, and judged.
    spoof = dict(ours, client_ip="203.0.113.9")
    _, claim, _ = post(service, mail(3, "ann@acme.example", "bob@acme.example"), "bob@acme.example", wait="5s", **spoof)
    lib.check(claim["verdict"] in ("suspicious", "untrusted"), claim)
    service.idle()
    directions = {id: (row(service, id)["direction"], row(service, id)["verdict"]) for id in (out["id"], within["id"], claim["id"])}
    lib.check(directions[out["id"]] == ("outbound", "none") and directions[within["id"]] == ("internal", "none"), directions)
    lib.check(directions[claim["id"]] == ("inbound", claim["verdict"]), directions)
    lib.check(row(service, out["id"])["event"]["score"]["lesson"] == "relation")
    # The one written to answers: somebody here has written to them.
    _, answer, _ = post(service, mail(4, "zoe@partner.example", "ann@acme.example"), "ann@acme.example", sender="zoe@partner.example",
                        wait="5s", client_ip="203.0.113.20", helo="mx.partner.example")
    lib.check(any("somebody here has written to zoe@partner.example" in one["text"] for one in answer["reasons"]), answer)
    service.idle()
    indexed(service, 4)
    groups = {one["key"]: one for one in json.loads(service.get("/v1/stats?group_by=verdict")[1])["groups"]}
    lib.check(groups["none"]["count"] == 2 and groups["none"]["none"] == 2 and sum(g["trusted"] for g in groups.values()) == 0, groups)
    found = lambda query: {one["id"] for one in json.loads(service.get("/v1/search?" + urllib.parse.urlencode({"q": query}))[1])["messages"]}  # noqa: E731
    lib.check(found("verdict:none") == {out["id"], within["id"]}, "search by verdict")
    lib.check(found("direction:outbound") == {out["id"]}, "search by direction")
    lib.check(found("verdict:trusted") == set(), "what is not judged is not trusted")
    lib.check(metric(service, 'bonafide_verdicts_total{verdict="none"}') == 2, "counted apart")
    exported = {one["id"]: one["verdict"] for one in lines(service, "/v1/export")}
    lib.check(exported[out["id"]] == "none" and exported[claim["id"]] != "none", exported)
    shown = lib.bonafide("show", out["id"], "--rescore", "--data", data, expect=0)
    lib.check("none" in shown.out and "bit by bit" in shown.out, shown.out)
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def a_message_to_two_tenants_is_two_events_kept_apart_everywhere(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    for name in ("alpha", "beta"):
        lib.check(put(service, name, {"domains": [name + ".example"], "networks": ["198.51.100.0/28"]}) == 200)
    both = ["bob@alpha.example", "eve@beta.example"]
    status, body, _ = post(service, lib.message(1), both)
    lib.check(status == 202 and len(body["ids"]) == 2, body)
    by_tenant = {}
    service.idle()
    for id in body["ids"]:
        one = row(service, id)
        by_tenant[one["tenant"]] = one
    lib.check(set(by_tenant) == {"alpha", "beta"}, by_tenant.keys())
    for name, one in by_tenant.items():
        other = "beta" if name == "alpha" else "alpha"
        lib.check(f"{other}.example" not in json.dumps(one["event"]["received"]["envelope"]), name, "knows the other's recipients")
        # Dedupe: the same bytes to one alone are that one's repeat, and nothing to the other.
        status, again, _ = post(service, lib.message(1), one["recipients"])
        lib.check(again["duplicate"] and again["id"] == one["id"], name, again)
    # One of alpha's own machines writes to beta: outbound for the one, inbound for the other.
    status, across, _ = post(service, lib.message(2, sender="bob@alpha.example", to="eve@beta.example"), "eve@beta.example",
                             sender="bob@alpha.example", client_ip="198.51.100.2", helo="mail.alpha.example")
    service.idle()
    directions = {row(service, id)["tenant"]: row(service, id)["direction"] for id in across["ids"]}
    lib.check(directions == {"alpha": "outbound", "beta": "inbound"}, directions)

    for number in range(10, 20):
        lib.check(post(service, lib.message(number, sender=f"p{number}@friend.example"), "bob@alpha.example", sender=f"p{number}@friend.example")[0] == 202)
    service.idle()
    indexed(service, 14)
    rows = {name: [one for one in lines(service, "/v1/export") if one["tenant"] == name] for name in ("alpha", "beta")}
    lib.check(len(rows["alpha"]) == 12 and len(rows["beta"]) == 2, {name: len(list) for name, list in rows.items()})
    for name in ("alpha", "beta"):
        wanted = {one["id"] for one in rows[name]}
        lib.check({one["id"] for one in lines(service, f"/v1/export?tenant={name}")} == wanted, name, "export")
        out = lib.bonafide("export", "--tenant", name, "--data", data, expect=0).out
        lib.check({json.loads(line)["id"] for line in out.splitlines()} == wanted, name, "export by the command line")
        found = json.loads(service.get(f"/v1/search?tenant={name}&limit=1000")[1])["messages"]
        lib.check({one["id"] for one in found} == wanted, name, "search")
        lib.check(json.loads(service.get(f"/v1/search?tenant={name}&q=note")[1])["messages"], name, "full text")
        for by in ("hour", "domain", "verdict", "attack", "direction", "tenant"):
            lib.check(json.loads(service.get(f"/v1/stats?group_by={by}&tenant={name}")[1])["total"] == len(wanted), name, by)
        ledger = json.loads(service.get(f"/v1/ledger?tenant={name}&hop=import")[1])["rows"]
        lib.check(sum(one["count"] for one in ledger) == len(wanted) and {one["tenant"] for one in ledger} == {name}, name, ledger)
    lib.check(not json.loads(service.get("/v1/search?tenant=beta&q=friend.example")[1])["messages"], "beta finds alpha's senders")
    lib.check(not json.loads(service.get("/v1/search?tenant=nobody")[1])["messages"])
    # What beta is told of a sender whom only alpha knows: nothing.
    _, stranger, _ = post(service, lib.message(50, sender="p12@friend.example"), "eve@beta.example", sender="p12@friend.example", wait="5s")
    lib.check(any("p12@friend.example is new here" in one["text"] for one in stranger["reasons"]), stranger)
    service.stop()
    # The archive holds each tenant's events in its own folder.
    for name in ("alpha", "beta"):
        seen = set()
        for root, _, files in os.walk(f"{data}/archive/{name}"):
            for file in files:
                if file.endswith(".avro"):
                    out = lib.bonafide("avro", "cat", os.path.join(root, file), expect=0).out
                    seen |= {json.loads(line)["received"]["tenant"] for line in out.splitlines()}
        lib.check(seen == {name}, name, seen)
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def scores_of_one_tenant_are_the_same_bit_by_bit_whatever_another_receives(folder):
    """The whole pipeline at event time, with and without the other tenant's mail; the same senders write to both."""
    start = datetime.datetime(2026, 1, 5, 8, tzinfo=datetime.timezone.utc)
    chance = random.Random(11)
    senders = [f"{name}@{domain}" for domain in ("quartz.example", "lumen.example", "gmail.com") for name in ("ann", "bob")]
    flow = []
    for number in range(600):
        name = "beta" if number % 3 == 0 else "alpha"
        sender = chance.choice(senders)
        # Machines of their own: those are what tenants share.
        block = "192.0.2" if name == "beta" else "203.0.113"
        flow.append((name, number, sender, f"{block}.{chance.randrange(1, 5)}", f"mx{chance.randrange(2)}.{name}-side.example"))
    exports = {}
    for which in ("alone", "beside"):
        os.makedirs(f"{folder}/{which}/mail")
        with open(f"{folder}/{which}/manifest.jsonl", "w") as manifest:
            for name, number, sender, ip, helo in flow:
                if which == "alone" and name == "alpha":
                    continue
                with open(f"{folder}/{which}/mail/{number}.eml", "wb") as file:
                    file.write(lib.message(number, sender=sender, to=f"eve@{name}.example"))
                when = start + datetime.timedelta(hours=2 * number)
                manifest.write(json.dumps({"file": f"mail/{number}.eml", "received_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "client_ip": ip,
                                           "helo": helo, "mail_from": sender, "rcpt_to": [f"eve@{name}.example"]}) + "\n")
        data = f"{folder}/data-{which}"
        os.makedirs(data, 0o700)
        with open(data + "/bonafide.yaml", "w") as file:
            file.write("version: 1\ntenants: {domains: {alpha: [alpha.example], beta: [beta.example]}}\n")
        lib.bonafide("replay", f"{folder}/{which}", "--scores", f"{folder}/{which}.jsonl", "--data", data, expect=0)
        exports[which] = lib.bonafide("export", "--tenant", "beta", "--data", data, expect=0).out.splitlines()
    lib.check(len(exports["alone"]) == 200, len(exports["alone"]))
    lib.check(exports["alone"] == exports["beside"], "another tenant's mail shows in the scores")
    trusts = {json.loads(line)["trust"] for line in exports["alone"]}
    lib.check(len(trusts) > 20, "the scores hardly differ, so their sameness says little:", len(trusts))


@lib.test
def a_name_of_the_directory_borrowed_from_a_free_mailbox(folder):
    data = folder + "/data"
    service = lib.Service(data).start()
    people = [{"name": "Theresa Mansouri", "addresses": ["t.mansouri@acme.example"]}]
    lib.check(put(service, "acme", {"domains": ["acme.example"]}) == 200)
    raw = (b"From: Theresa Mansouri <t.mansouri.ceo@gmail.com>\r\nTo: <bob@acme.example>\r\nSubject: urgent %d\r\nMessage-ID: <%d@gmail.com>\r\n"
           b"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\n\r\nare you at your desk?\r\n")
    _, before, _ = post(service, raw % (1, 1), "bob@acme.example", sender="t.mansouri.ceo@gmail.com", wait="5s")
    lib.check(before["attack"] != "display_name_impostor", before)
    lib.check(put(service, "acme", {"domains": ["acme.example"], "people": people}) == 200)
    _, after, _ = post(service, raw % (2, 2), "bob@acme.example", sender="t.mansouri.ceo@gmail.com", wait="5s")
    lib.check(after["attack"] == "display_name_impostor" and after["trust"] < before["trust"], before, after)
    lib.check(any("in your own directory" in one["text"] for one in after["reasons"]), after)
    service.idle()
    hits = row(service, after["id"])["event"]["enrichment"]["references"]
    lib.check([(hit["data_set"], hit["role"], hit["entry"]) for hit in hits] == [("directory", "colleague", "t.mansouri@acme.example")], hits)
    lib.check("bit by bit" in lib.bonafide("show", after["id"], "--rescore", "--data", data, expect=0).out)
    status, scored, _ = service.request("POST", "/v1/score?tenant=acme", raw % (3, 3))
    lib.check(status == 200 and json.loads(scored)["attack"] == "display_name_impostor", scored)
    service.stop()


lib.main()
