"""Mail of several ages, for tests of what is kept for how long."""
import datetime
import json
import os

import lib

NOW = datetime.datetime.now(datetime.timezone.utc)
AGES = {500: 40, 300: 40, 100: 400, 80: 40, 5: 40}  # days → messages


def old_data(folder, configuration):
    """A data folder with mail of several ages; the ids by their age in days."""
    os.makedirs(folder + "/set/mail")
    number = 0
    with open(folder + "/set/manifest.jsonl", "w") as manifest:
        for age, count in AGES.items():
            for i in range(count):
                number += 1
                with open(f"{folder}/set/mail/{number}.eml", "wb") as file:
                    file.write(lib.message(number))
                when = NOW - datetime.timedelta(days=age) + datetime.timedelta(seconds=i)
                manifest.write(json.dumps({
                    "file": f"mail/{number}.eml", "received_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "client_ip": "192.0.2.1", "helo": "mail.acme.example", "mail_from": "ann@acme.example",
                    "rcpt_to": ["bob@home.example"]}) + "\n")
    data = folder + "/data"
    os.makedirs(data, 0o700)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\n" + configuration)
    lib.bonafide("replay", folder + "/set", "--scores", folder + "/scores", "--data", data, expect=0)
    lib.bonafide("verify", "--data", data, expect=0)
    ids = {age: set() for age in AGES}
    for id, _ in lib.stored_ids(data):
        age = (NOW.timestamp() - int(id[:12], 16) / 1000) / 86400
        ids[min(AGES, key=lambda one: abs(one - age))].add(id)
    lib.check({age: len(found) for age, found in ids.items()} == AGES, "a replay removes nothing")
    return data, ids
