#!/usr/bin/env python3
"""A disk that fills up, and a step that is too slow: every door says "later", nothing acked is lost, and all goes on without a
restart. The data folder lies on a small file system of its own, which takes root to mount."""
import base64
import collections
import os
import random
import re
import smtplib
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

MIB = 1 << 20
ANN, BOB = lib.ANN, lib.BOB


class Doors(lib.Service):
    def config(self, text, folder=None):
        if folder is not None:  # the log is to be read, however full the disk is
            self.log = folder + "/service.log"
        return super().config(text)

    def counter(self, name):
        status, body, _ = self.get("/metrics")
        lib.check(status == 200, status)
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines() if line.startswith(name))

    def logged(self, what):
        return what in self.said(1 << 30)


def large(number, seed):
    """A message of its own with about 60 KB of attachment."""
    noise = base64.encodebytes(random.Random(f"{seed}-{number}").randbytes(45_000)).decode().replace("\n", "\r\n")
    return lib.message(number, body="see below\r\n" + noise, seed=seed)


class Load:
    """One sender at each door until stopped, as fast as it goes. What was acked, and how it was refused."""

    def __init__(self, service, size=large):
        self.service, self.make, self.on = service, size, True
        self.acked = collections.defaultdict(list)
        self.refused = collections.defaultdict(set)
        self.failures = []
        self.threads = [threading.Thread(target=self._run, args=(door,), daemon=True) for door in ("http", "smtp", "lmtp")]
        for thread in self.threads:
            thread.start()

    def _run(self, door):
        send = self._http if door == "http" else self._mail
        number = 0
        while self.on:
            try:
                if not send(door, self.make(number, door)):
                    time.sleep(0.1)
                    continue  # the same message again, as a mail server does
                number += 1
            except (OSError, smtplib.SMTPException) as error:
                self.failures.append(f"{door}: {error!r}")
                time.sleep(0.5)

    def _http(self, door, raw):
        status, answer, headers = self.service.post(raw, mail_from=ANN, rcpt_to=BOB)
        if status == 202:
            self.acked[door].append(answer["id"])
            return True
        self.refused[door].add((status, "Retry-After" in headers))
        return False

    def _mail(self, door, raw):
        with self.service.client(door) as client:
            client.ehlo_or_helo_if_needed()
            for verb, argument in (("MAIL", f"FROM:<{ANN}>"), ("RCPT", f"TO:<{BOB}>")):
                code, text = client.docmd(verb, argument)
                if code != 250:
                    self.refused[door].add((code, verb, text.decode()[:5]))
                    return False
            code, text = client.data(raw)
            if code != 250:
                self.refused[door].add((code, "DATA", text.decode()[:5]))
                return False
            self.acked[door].append(re.search(rb"queued as ([0-9a-f]{32})", text).group(1).decode())
            return True

    def grows(self, by=3):
        """Waits until every door has taken some more."""
        before = {door: len(self.acked[door]) for door in ("http", "smtp", "lmtp")}
        lib.eventually(lambda: all(len(self.acked[door]) >= n + by for door, n in before.items()), 60,
                       f"mail is taken by every door; refused: {dict(self.refused)}, failures: {self.failures[-3:]}")

    def stop(self):
        self.on = False
        for thread in self.threads:
            thread.join(60)
        return [id for ids in self.acked.values() for id in ids]


def check_all_is_there(service, acked):
    service.idle()
    stored = [id for id, _ in lib.stored_ids(service.data)]
    lib.check(len(stored) == len(set(stored)), "nothing is stored twice")
    lib.check(set(acked) <= set(stored), len(set(acked) - set(stored)), "acked messages are not stored")
    service.stop()
    lib.bonafide("verify", "--data", service.data, expect=0)


def refuses(service):
    status, _, headers = service.post(lib.message(1, seed="probe"), mail_from=ANN, rcpt_to=BOB)
    return status if status in (429, 503) and int(headers.get("Retry-After", 0)) > 0 else None


@lib.test
def a_disk_that_fills_up_refuses_mail_by_every_door_and_takes_it_again(folder):
    with lib.Disk(folder, 1024 * MIB) as disk:
        service = Doors(disk.path + "/data").config(
            "journal: {segment: 4MiB, min_free: 64MiB}\ndoor: {keep_raw: 7d}\n", folder).start()
        load = Load(service)
        load.grows(10)
        held = service.client("smtp")  # MAIL FROM while there is room, DATA when there is none
        held.ehlo()
        lib.check(held.docmd("MAIL", f"FROM:<{ANN}>")[0] == 250 and held.docmd("RCPT", f"TO:<{BOB}>")[0] == 250, "held")
        disk.leave(80 * MIB)  # the rest is taken by the mail itself

        def all_refuse():
            return (503, True) in load.refused["http"] and \
                all((452, "MAIL", "4.3.1") in load.refused[door] for door in ("smtp", "lmtp"))
        lib.eventually(all_refuse, 90, f"every door refuses: {dict(load.refused)}")
        lib.check(held.data(large(1, "held"))[0] == 451, "after DATA")
        held.close()
        told = lib.bonafide("status", "--data", service.data)
        lib.check(told.returncode == 1 and "door: the disk has only" in told.out, told.out)
        lib.check(service.counter('bonafide_journal_refused_total{reason="no_room"}') > 0, "the counter")
        lib.check(0 < service.counter("bonafide_journal_disk_free_bytes") < 64 * MIB, "the gauge")
        lib.check(service.logged("journal.full"), "the log")
        lib.check(service.get("/livez")[0] == 200 and service.get("/readyz")[0] == 503, "alive, and not ready")
        service.idle()  # what was accepted gets its verdict and its row
        taken = sum(len(ids) for ids in load.acked.values())

        disk.leave(0)  # not a byte is left: checkpoints, rows and archive files run into it
        time.sleep(12)
        lib.check(service.process.poll() is None, "the process goes on:", service.said())
        lib.check(service.get("/metrics")[0] == 200 and refuses(service) == 503, "it answers")
        lib.check(sum(len(ids) for ids in load.acked.values()) == taken, "nothing is taken")
        disk.give_back()
        load.grows()
        check_all_is_there(service, load.stop())
        lib.check(service.logged("journal.room_again"), "the log")


@lib.test
def a_disk_that_is_filled_at_once_under_load_stops_nothing_for_good(folder):
    with lib.Disk(folder, 512 * MIB) as disk:
        # The limit is so low that writes meet the end of the disk itself.
        service = Doors(disk.path + "/data").config(
            "journal: {segment: 1MiB, min_free: 1MiB}\ndoor: {keep_raw: 7d}\narchive: {file_age: 1s}\n", folder).start()
        load = Load(service)
        for seconds in (1, 4, 8):
            load.grows(10)
            disk.leave(0)
            lib.eventually(lambda: refuses(service) == 503 or service.process.poll() is not None, 20, "the door refuses")
            time.sleep(seconds)
            lib.check(service.process.poll() is None, "the process goes on:", service.said())
            disk.give_back()
        load.grows(10)
        acked = load.stop()
        check_all_is_there(service, acked)


@lib.test
def a_kill_on_a_full_disk_loses_nothing_that_was_acked(folder):
    with lib.Disk(folder, 512 * MIB) as disk:
        service = Doors(disk.path + "/data").config(
            "journal: {segment: 1MiB, min_free: 1MiB}\ndoor: {keep_raw: 7d}\narchive: {file_age: 1s}\n", folder).start()
        load = Load(service)
        load.grows(20)
        disk.leave(0)
        time.sleep(2)
        service.kill()
        acked = load.stop()
        disk.give_back()
        service.start()
        check_all_is_there(service, acked)


@lib.test
def a_start_on_a_full_disk_says_so(folder):
    with lib.Disk(folder, 512 * MIB) as disk:
        service = Doors(disk.path + "/data").config("journal: {segment: 1MiB, min_free: 1MiB}\n", folder).start()
        status, body, _ = service.post(lib.message(1), mail_from=ANN, rcpt_to=BOB)
        lib.check(status == 202, status, body)
        service.idle()
        service.kill()
        disk.leave(0)
        service.launch()
        lib.check(not service.up(), "it has started without a byte of room")
        lib.check(service.process.returncode > 0 and "free some disk space" in service.said(),
                  "exit code", service.process.returncode, service.said())
        disk.give_back()
        service.start()
        check_all_is_there(service, [body["id"]])


@lib.test
def a_step_that_is_too_slow_is_a_backlog_that_goes_away(folder):
    service = Doors(folder + "/data").config("journal: {max_behind: 1000}\narchive: {file_age: 1s}\n").start()
    load = Load(service, size=lambda number, door: lib.message(number, seed=door))
    load.grows(5)
    lock = sqlite3.connect(folder + "/data/rows/rows.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # import cannot write

    def all_refuse():
        return (429, True) in load.refused["http"] and \
            all((452, "MAIL", "4.3.1") in load.refused[door] for door in ("smtp", "lmtp"))
    lib.eventually(all_refuse, 60, f"every door refuses: {dict(load.refused)}")
    lib.check(service.counter('bonafide_journal_refused_total{reason="behind"}') > 0, "the counter")

    def status_names_it():  # the others are behind, too, until what they have is durable
        told = lib.bonafide("status", "--data", service.data)
        return told.returncode == 1 and "door: bonafide.import is" in told.out and "messages behind" in told.out
    lib.eventually(status_names_it, 60, "status says who is behind")
    lock.execute("ROLLBACK")
    lock.close()
    load.grows(20)
    check_all_is_there(service, load.stop())


if missing := lib.Disk.missing():
    print(missing)
    sys.exit(77)
lib.main()
