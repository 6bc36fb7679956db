#!/usr/bin/env python3
"""The counter-proof: whatever is taken away or changed by hand in the stores, verify names it."""
import glob
import os
import random
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

COUNT = 60


def filled(folder):
    """A stopped data folder with COUNT messages in it whose books balance, and their ids."""
    data = folder + "/data"
    service = lib.Service(data).start()
    ids = []
    for number in range(COUNT):
        status, body, _ = service.post(lib.message(number), mail_from="ann@acme.example", rcpt_to="bob@home.example")
        lib.check(status == 202, status, body)
        ids.append(body["id"])
    service.idle()
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    return data, ids


def findings(data):
    done = lib.bonafide("verify", "--data", data, "--json")
    lib.check(done.returncode == 1, "verify found nothing wrong; exit", done.returncode, done.out[-500:], done.err[-500:])
    return done.out


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x20]))


@lib.test
def a_deleted_row_is_named(folder):
    data, ids = filled(folder)
    with sqlite3.connect(data + "/rows/rows.db") as connection:
        connection.execute("DELETE FROM events WHERE id = ?", (bytes.fromhex(ids[7]),))
    lib.check(ids[7] in findings(data), "the missing id is not named")


@lib.test
def a_changed_row_is_named(folder):
    data, ids = filled(folder)
    with sqlite3.connect(data + "/rows/rows.db") as connection:
        connection.execute("UPDATE events SET trust = trust + 1 WHERE id = ?", (bytes.fromhex(ids[8]),))
    lib.check(ids[8] in findings(data), "the changed row is not named")


@lib.test
def a_flipped_byte_in_a_row_is_named(folder):
    data, ids = filled(folder)
    with sqlite3.connect(data + "/rows/rows.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(data + "/rows/rows.db", "rb") as file:
        content = file.read()
    at = content.find(b"note 9\x00") if b"note 9\x00" in content else content.find(b"note 9")
    lib.check(at > 0, "no row to damage")
    flip(data + "/rows/rows.db", at)
    findings(data)


@lib.test
def a_flipped_byte_in_the_journal_is_named(folder):
    data, _ = filled(folder)
    segments = sorted(glob.glob(data + "/journal/*.seg*") or glob.glob(data + "/journal/*"))
    segment = max(segments, key=lambda path: path.endswith(".journal") or os.path.getsize(path))
    with open(segment, "rb") as file:
        content = file.read()
    used = len(content.rstrip(b"\0"))
    chance = random.Random(5)
    original = content
    for _ in range(5):
        places = [i for i in (chance.randrange(64, used // 2) for _ in range(20)) if original[i]]
        flip(segment, places[0])
        lib.check("journal" in findings(data), "the journal is not named")
        with open(segment, "wb") as file:
            file.write(original)
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def a_flipped_byte_anywhere_in_the_archive_is_named(folder):
    data, _ = filled(folder)
    files = glob.glob(data + "/archive/**/*.avro", recursive=True)
    lib.check(files, "no archive file")
    chance = random.Random(6)
    for _ in range(8):
        path = chance.choice(files)
        offset = chance.randrange(os.path.getsize(path))
        flip(path, offset)
        lib.check(os.path.basename(path) in findings(data), "the archive file is not named; offset", offset)
        flip(path, offset)
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def a_removed_archive_file_is_named(folder):
    data, ids = filled(folder)
    path = sorted(glob.glob(data + "/archive/**/*.avro", recursive=True))[0]
    os.remove(path)
    found = findings(data)
    lib.check(any(id in found for id in ids), "no missing id is named", found[-500:])


@lib.test
def history_that_is_lost_is_rebuilt(folder):
    data, _ = filled(folder)
    import shutil
    shutil.rmtree(data + "/history")
    service = lib.Service(data).start()
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
