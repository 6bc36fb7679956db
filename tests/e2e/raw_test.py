#!/usr/bin/env python3
"""door.keep_raw: the bytes of messages, kept as they came, for as long as they are wanted."""
import glob
import os
import random
import sqlite3
import stat
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


def configured(folder, text):
    data = folder + "/data"
    os.makedirs(data, 0o700, exist_ok=True)
    with open(data + "/bonafide.yaml", "w") as file:
        file.write("version: 1\n" + text)
    return data


def messages():
    chance = random.Random(3)
    yield b""
    yield b"From: a@acme.example\r\n\r\nzero \0 byte, bare\nline feed, no end"
    for number in range(20):
        yield lib.message(number)
    for size in (1 << 20, (3 << 20) + 1, 20 << 20):  # one piece or several
        yield b"From: a@acme.example\r\nSubject: large\r\n\r\n" + chance.randbytes(size)


def post_all(service):
    kept = {}
    for content in messages():
        status, body, _ = service.post(content, mail_from="ann@acme.example", rcpt_to="bob@home.example")
        if content == b"" and status == 400:
            continue  # an empty message may be refused
        lib.check(status == 202, status, body)
        kept[body["id"]] = content
    return kept


def check_raw(data, kept):
    for id, content in kept.items():
        done = lib.bonafide("show", id, "--raw", "--data", data, expect=0)
        lib.check(done.stdout == content, "other bytes come back of", id, len(done.stdout), len(content))


@lib.test
def the_bytes_come_back_beside_a_service_and_without(folder):
    data = configured(folder, "door: {keep_raw: 30d}\n")
    service = lib.Service(data).start()
    kept = post_all(service)
    again, body, _ = service.post(lib.message(3), mail_from="ann@acme.example", rcpt_to="bob@home.example")
    lib.check(body["duplicate"] and body["id"] in kept, "a repeat is kept once")
    service.idle()
    check_raw(data, kept)
    lib.bonafide("verify", "--data", data, expect=0)
    service.stop()
    check_raw(data, kept)
    lib.bonafide("verify", "--data", data, expect=0)
    rows = lib.bonafide("export", "--data", data, expect=0).out.splitlines()
    lib.check(len(rows) == len(kept), "export has every message once")
    for path in glob.glob(data + "/**/*", recursive=True):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        lib.check(os.path.basename(path) == "bonafide.yaml" or not mode & 0o077, "others may look into", path, oct(mode))


@lib.test
def accepted_bytes_survive_a_kill(folder):
    data = configured(folder, "door: {keep_raw: 30d}\n")
    kept = {}
    for round in range(3):
        service = lib.Service(data).start()
        for number in range(30):
            content = lib.message(round * 100 + number)
            status, body, _ = service.post(content, mail_from="ann@acme.example", rcpt_to="bob@home.example")
            lib.check(status == 202, status, body)
            kept[body["id"]] = content
        service.kill()
    service = lib.Service(data).start()
    service.idle()
    lib.eventually(lambda: lib.bonafide("show", list(kept)[-1], "--raw", "--data", data).returncode == 0, 20, "the last one")
    service.stop()
    check_raw(data, dict(list(kept.items())[::9]))
    lib.bonafide("verify", "--data", data, expect=0)  # reads the bytes of all


@lib.test
def without_the_setting_nothing_is_kept_and_it_says_so(folder):
    data = configured(folder, "")
    service = lib.Service(data).start()
    _, body, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="bob@home.example")
    service.idle()
    done = lib.bonafide("show", body["id"], "--raw", "--data", data)
    lib.check(done.returncode != 0 and "keep_raw" in done.err and not done.stdout, done.returncode, done.err)
    service.stop()
    with sqlite3.connect(data + "/raw/raw.db") as connection:
        lib.check(connection.execute("SELECT count(*) FROM events").fetchone()[0] == 0, "bytes are kept")


@lib.test
def they_go_when_it_is_switched_off(folder):
    data = configured(folder, "door: {keep_raw: 30d}\n")
    service = lib.Service(data).start()
    kept = post_all(service)
    service.idle()
    service.stop()
    check_raw(data, dict(list(kept.items())[:3]))
    configured(folder, "retention: {every: 1s}\n")
    time.sleep(1)
    service = lib.Service(data).start()
    lib.eventually(lambda: all(lib.bonafide("show", id, "--raw", "--data", data).returncode != 0
                               for id in list(kept)[:2] + list(kept)[-1:]), 60, "the end of the bytes")
    lib.bonafide("verify", "--data", data, expect=0)
    service.stop()
    lib.check(len(lib.stored_ids(data)) == len(kept), "rows are kept")
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def other_bytes_and_missing_pieces_are_named(folder):
    data = configured(folder, "door: {keep_raw: 30d}\n")
    service = lib.Service(data).start()
    kept = post_all(service)
    service.idle()
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)
    large, small = list(kept)[-1], list(kept)[5]

    def change(sql, *arguments):
        before = open(data + "/raw/raw.db", "rb").read()
        with sqlite3.connect(data + "/raw/raw.db") as connection:
            connection.execute(sql, arguments)
        connection.close()
        done = lib.bonafide("verify", "--data", data, "--json")
        for path in glob.glob(data + "/raw/*"):
            os.remove(path)
        with open(data + "/raw/raw.db", "wb") as file:
            file.write(before)
        lib.check(done.returncode == 1, "verify found nothing wrong", done.out[-500:])
        return done.out

    found = change("UPDATE events SET event = ? WHERE id = ?", b"other bytes", bytes.fromhex(small))
    lib.check(small in found, "changed bytes are not named", found[-600:])
    found = change("DELETE FROM events WHERE id = ? AND revision = 2", bytes.fromhex(large))
    lib.check(large in found, "a message that lacks a piece is not named", found[-600:])
    found = change("DELETE FROM events WHERE id = ?", bytes.fromhex(small))
    lib.check(small in found, "a message whose bytes are gone is not named", found[-600:])
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
