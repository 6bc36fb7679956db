#!/usr/bin/env python3
"""The archive as fastavro reads it: a small set of our own goes through the whole pipeline, then every archive file is read
with fastavro and compared with its metadata and with the rows of the primary store.

  archive_fastavro.py BINARY            replays a set and reads its archive
  archive_fastavro.py --folder FOLDER   only reads an archive that is there

Exit 77 where fastavro, or its zstandard codec, is not installed (pip install fastavro cramjam backports.zstd)."""
import datetime
import glob
import io
import os
import sqlite3
import sys

try:
    import fastavro
    probe = io.BytesIO()
    fastavro.writer(probe, "int", [1], codec="zstandard")
    probe.seek(0)
    assert list(fastavro.reader(probe)) == [1]
except Exception as missing:  # noqa: BLE001 - whatever is missing, the check cannot run
    print(f"fastavro with zstandard is not installed: {missing}")
    sys.exit(77)


def read_archive(folder):
    """(tenant, id, revision) -> message_id of every record, having held each file against its own metadata."""
    found = {}
    files = sorted(glob.glob(os.path.join(glob.escape(folder), "*", "*", "*.avro")))
    for path in files:
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            meta = reader.metadata
            records = list(reader)
        assert int(meta["bonafide.count"]) == len(records) > 0, path
        times = [record["received"]["received_at"] for record in records]
        for key, time in (("earliest", min(times)), ("latest", max(times))):
            said = datetime.datetime.fromisoformat(meta[f"bonafide.{key}_received_at"].replace("Z", "+00:00"))
            assert said == time, (path, key, said, time)
        day = os.path.basename(os.path.dirname(path))
        for record in records:
            received = record["received"]
            assert received["tenant"] == meta["bonafide.tenant"], path
            accepted = datetime.datetime.fromtimestamp(int.from_bytes(received["id"][:6], "big") / 1000, datetime.timezone.utc)
            assert accepted.strftime("%Y-%m-%d") == day, path
            key = (received["tenant"], received["id"].hex(), record["revision"])
            assert key not in found, f"{key} is archived twice"
            found[key] = received["facts"]["message_id"]
    print(f"{len(files)} files, {len(found)} events")
    return found


def replayed(binary):
    sys.argv[1:] = [binary]
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
    import json
    import shutil
    import tempfile

    import lib
    folder = tempfile.mkdtemp(prefix="bonafide-fastavro-")
    try:
        os.makedirs(folder + "/set/mail")
        with open(folder + "/set/manifest.jsonl", "w", encoding="utf-8") as manifest:
            for number in range(1, 251):
                name = f"mail/{number:06d}.eml"
                with open(f"{folder}/set/{name}", "wb") as file:
                    file.write(lib.message(number, sender=f"person{number % 9}@partner{number % 4}.example"))
                manifest.write(json.dumps({
                    "file": name, "received_at": f"2026-03-{1 + number // 50:02d}T{number % 24:02d}:00:00Z",
                    "client_ip": "192.0.2.7", "helo": "mail.partner.example", "mail_from": f"person{number % 9}@partner.example",
                    "rcpt_to": [f"bob@home{number % 2}.example"]}) + "\n")
        lib.bonafide("replay", folder + "/set", "--scores", folder + "/scores", "--data", folder + "/data", expect=0)
        archived = read_archive(folder + "/data/archive")
        rows = sqlite3.connect(f"file:{glob.escape(folder)}/data/rows/rows.db?mode=ro", uri=True)
        stored = {(tenant, bytes(raw).hex(), revision): message_id for tenant, raw, revision, message_id in
                  rows.execute("select tenant, id, revision, message_id from events")}
        assert len(stored) == 250, len(stored)
        assert archived == stored, set(archived.items()) ^ set(stored.items())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if len(sys.argv) == 3 and sys.argv[1] == "--folder":
    read_archive(sys.argv[2])
elif len(sys.argv) == 2:
    replayed(sys.argv[1])
else:
    sys.exit(__doc__)
print("fastavro reads the archive, and it is what the rows say")
