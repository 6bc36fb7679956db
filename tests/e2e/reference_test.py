#!/usr/bin/env python3
"""Reference data: text lists and MaxMind DBs, read again when they change, whole or not at all."""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
import mmdb  # noqa: E402

CLIENT = "198.51.100.7"


def write(path, content, mode="wb"):
    """As careful people do it: aside, then renamed."""
    with open(path + ".new", mode) as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.rename(path + ".new", path)


def service_with(folder, **lists):
    data = folder + "/data"
    os.makedirs(data, 0o700)
    lines = "".join(f"  {role}: [{path}]\n" for role, path in lists.items())
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\nreference:\n  every: 200ms\n" + lines)
    return lib.Service(data)


def status(service):
    return json.loads(service.get("/v1/status")[1])


def data_set(service, name):
    return next(one for one in status(service)["reference"] if one["name"] == name)


def hits_of(service, number, **query):
    query = {"client_ip": CLIENT, "helo": "mx.acme.example", "mail_from": "ann@acme.example", "rcpt_to": "bob@home.example", **query}
    code, body, _ = service.post(lib.message(number), wait="5s", **query)
    lib.check(code == 200, body)
    service.idle()
    return json.loads(service.get("/v1/messages/" + body["id"])[1])["event"]["enrichment"]["references"]


def metric(service, name):
    for line in service.get("/metrics")[1].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0


@lib.test
def a_mmdb_says_whose_network_it_is_and_is_read_again_when_it_changes(folder):
    asn = folder + "/asn.mmdb"
    write(asn, mmdb.database({"198.51.100.0/24": (64496, "Example Net", "DE"), "2001:db8::/32": (64497, "Six", "NL")}))
    service = service_with(folder, network=asn).start()
    first = data_set(service, "asn.mmdb")
    lib.check(first["role"] == "network" and first["entries"] == 2 and len(first["version"]) == 12, first)
    hit = hits_of(service, 1)[0]
    lib.check(hit == {"data_set": "asn.mmdb", "version": first["version"], "role": "network", "subject": "client_ip", "value": CLIENT,
                      "entry": "AS64496 Example Net, DE (198.51.100.0/24)"}, hit)
    lib.check(hits_of(service, 2, client_ip="2001:db8::25")[0]["entry"] == "AS64497 Six, NL (2001:db8::/32)")
    lib.check(hits_of(service, 3, client_ip="203.0.113.1") == [], "in none")
    write(asn, mmdb.database({"198.51.100.0/25": (64499, "New Net", "FR")}))
    second = lib.eventually(lambda: data_set(service, "asn.mmdb")["version"] != first["version"] and data_set(service, "asn.mmdb"), 20, "a new version")
    hit = hits_of(service, 4)[0]
    lib.check(hit["entry"] == "AS64499 New Net, FR (198.51.100.0/25)" and hit["version"] == second["version"], hit)
    lib.check(second["entries"] == 1 and "modified" in second, second)
    lib.check(metric(service, "bonafide_reference_reloads_total") == 1)
    service.stop()


@lib.test
def a_broken_file_is_refused_and_said_and_the_old_one_stays(folder):
    asn, bad = folder + "/asn.mmdb", folder + "/bad.txt"
    whole = mmdb.database({"198.51.100.0/24": (64496, "Example Net", "DE")})
    write(asn, whole)
    write(bad, "198.51.100.0/24\n")
    service = service_with(folder, network=asn, blocked=bad).start()
    before = {one["name"]: one["version"] for one in status(service)["reference"]}
    write(asn, whole[: len(whole) // 2])
    write(bad, "198.51.100.0/99\n")
    lib.eventually(lambda: metric(service, "bonafide_reference_broken") == 2, 20, "both refused")
    now = status(service)
    lib.check(not now["ok"] and any("data set asn.mmdb" in one and "stays in use" in one for one in now["problems"]), now["problems"])
    lib.check(any("bad.txt:1" in one for one in now["problems"]), now["problems"])
    lib.check({one["name"]: one["version"] for one in now["reference"]} == before, "the versions in use changed")
    lib.check({hit["role"] for hit in hits_of(service, 1)} == {"network", "blocked"}, "the old ones serve")
    said = open(service.data + ".log").read()
    lib.check("reference.refused" in said, said[-500:])
    text = lib.bonafide("status", "--data", service.data).out
    lib.check("data set bad.txt" in text, text)
    write(asn, whole)
    os.remove(bad)
    lib.eventually(lambda: metric(service, "bonafide_reference_broken") == 1, 20, "one mended")
    lib.check(any("bad.txt" in one and "not there" in one for one in status(service)["problems"]), status(service)["problems"])
    write(bad, "203.0.113.0/24\n")
    lib.eventually(lambda: status(service)["ok"], 20, "all well again")
    lib.check({hit["role"] for hit in hits_of(service, 2)} == {"network"}, "the new list")
    service.stop()
    # At the start there is no old one to stay.
    write(bad, "nonsense nonsense/\n10.0.0.0/99\n")
    done = lib.bonafide("run", "--data", service.data, "--listen", "127.0.0.1:0")
    lib.check(done.returncode != 0 and "bad.txt" in done.err, done.returncode, done.err)


@lib.test
def reloaded_under_load_no_message_sees_half_a_set(folder):
    """Every version of the list names two networks, with the version's number beside each. A message has an address in both:
    whatever it is scored against names both, with one number, and under the version that belongs to it."""
    path = folder + "/clouds.csv"

    def version_of(number):
        filler = "".join(f"v{number},10.{i // 250}.{i % 250}.0/24\n" for i in range(3000))
        return f"v{number},198.51.100.0/24\n{filler}v{number},203.0.113.0/24\n"

    write(path, version_of(0))
    service = service_with(folder, hosting=path).start()
    ids, wrong, stop = [], [], threading.Event()
    raw = (b"Received: from x (x [203.0.113.5]) by mx.acme.example with ESMTP id 1; Mon, 2 Feb 2026 10:00:00 +0000\r\n"
           b"From: Ann <ann@acme.example>\r\nTo: <bob@home.example>\r\nSubject: s\r\nMessage-ID: <%d@acme.example>\r\n\r\nhi\r\n")

    def send(worker):
        number = worker * 1_000_000
        while not stop.is_set():
            number += 1
            code, body, _ = service.post(raw % number, client_ip=CLIENT, helo="mx.acme.example", mail_from="ann@acme.example",
                                         rcpt_to="bob@home.example")
            (ids if code == 202 else wrong).append(body)

    senders = [threading.Thread(target=send, args=(worker,)) for worker in range(3)]
    for sender in senders:
        sender.start()
    end, number, in_place = time.monotonic() + 12, 0, 0
    while time.monotonic() < end:
        number += 1
        if number % 3 == 0:  # as careless people do it: over the old one, in pieces, seen half written by whoever looks
            text = version_of(number)
            with open(path, "w") as file:
                for at in range(0, len(text), len(text) // 8 + 1):
                    file.write(text[at:at + len(text) // 8 + 1])
                    file.flush()
                    time.sleep(0.05)
            in_place += 1
        else:
            write(path, version_of(number))
        time.sleep(0.5)
    stop.set()
    for sender in senders:
        sender.join()
    lib.check(not wrong and len(ids) > 200, wrong[:2], len(ids))
    service.idle()
    versions = {}
    for one in ids:
        hits = json.loads(service.get("/v1/messages/" + one["id"])[1])["event"]["enrichment"]["references"]
        notes = [hit["entry"].split("(")[1].rstrip(")") for hit in hits]
        lib.check(len(notes) == 2 and notes[0] == notes[1], "half a set:", hits)
        lib.check({hit["version"] for hit in hits} == {versions.setdefault(notes[0], hits[0]["version"])}, "another version:", hits)
    lib.check(len(versions) >= 5 and len(set(versions.values())) == len(versions), "too few versions were met:", versions)
    lib.check(metric(service, "bonafide_reference_reloads_total") >= 5 and in_place > 2)
    lib.check(status(service)["ok"], status(service)["problems"])
    service.stop()
    lib.bonafide("verify", "--data", service.data, expect=0)


@lib.test
def a_replay_keeps_its_data_sets_as_they_were_at_the_start(folder):
    path = folder + "/nets.txt"
    write(path, "198.51.100.0/24\n")
    os.makedirs(folder + "/set/mail")
    with open(folder + "/set/manifest.jsonl", "w") as manifest:
        for number in range(1500):
            with open(f"{folder}/set/mail/{number}.eml", "wb") as file:
                file.write(lib.message(number))
            manifest.write(json.dumps({"file": f"mail/{number}.eml", "received_at": f"2026-01-05T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
                                       "client_ip": CLIENT, "helo": "mx.acme.example", "mail_from": "ann@acme.example",
                                       "rcpt_to": ["bob@home.example"]}) + "\n")
    data = folder + "/data"
    os.makedirs(data, 0o700)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write(f"version: 1\nreference: {{every: 50ms, blocked: [{path}]}}\n")
    stop = threading.Event()

    def change():
        for number in range(10_000):
            if stop.wait(0.1):
                return
            write(path, f"10.{number % 250}.0.0/16\n")

    # It is read before the first change, at the start.
    changer = threading.Timer(0.0, change)
    replay = threading.Thread(target=lambda: lib.bonafide("replay", folder + "/set", "--scores", folder + "/scores", "--data", data, expect=0))
    replay.start()
    lib.eventually(lambda: os.path.exists(data + "/journal"), 20, "the start of the replay")
    changer.start()
    replay.join()
    stop.set()
    changer.join()
    out = lib.bonafide("export", "--data", data, expect=0).out.splitlines()
    lib.check(len(out) == 1500, len(out))
    versions = set()
    for id in [json.loads(line)["id"] for line in out[::100]]:
        event = json.loads(lib.bonafide("show", id, "--json", "--data", data, expect=0).out)["event"]
        versions |= {(hit["version"], hit["entry"]) for hit in event["enrichment"]["references"]}
    lib.check(len(versions) == 1 and next(iter(versions))[1] == "198.51.100.0/24", versions)


lib.main()
