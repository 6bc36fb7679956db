#!/usr/bin/env python3
"""A bit flipped at random in a file of the data folder of a stopped service. `verify` names it, or nobody answers for the byte,
which is shown without Bonafide: SQLite says that no content of its tables has changed, or the byte lies behind the last frame
of the journal, or in a file of which no content is taken. And what is served after a start is what was sent, or an error.

One kind is told apart, as verify cannot name it: SQLite takes a damaged frame of its log for the log's end, so commits are
undone as by a crash. Then all must be there again after the start, from the journal, and the books must balance."""
import collections
import glob
import json
import os
import random
import shutil
import sqlite3
import struct

import drill
from drill import lib

MESSAGES = 60
# Nothing in these is content: locks, texts for people, a name that RocksDB gives itself, what is written anew at each start,
# SQLite's index of its log, which is made anew when nobody has it open, and room for what comes.
NOBODYS = ("lock", "LOCK", "LOG", "OPTIONS", "IDENTITY", "token", "addresses.json", "-shm", "next.prepared")
# No checksum covers these. A flip may make another number, or another key, that is as good: counted and printed as what
# verify cannot find. What is served must be right all the same.
UNSEALED = ("FORMAT", "installation.key", "bonafide.yaml")


def files(data):
    return sorted(path for path in glob.glob(data + "/**", recursive=True) if os.path.isfile(path) and os.path.getsize(path))


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def tables(data, database):
    """All that SQLite finds in a database, with its log, and what it says of its soundness."""
    scratch = data + ".sqlite"
    shutil.rmtree(scratch, ignore_errors=True)
    os.mkdir(scratch)
    for path in glob.glob(database + "*"):
        if not path.endswith("-shm"):
            shutil.copy(path, scratch)
    try:
        connection = sqlite3.connect(f"{scratch}/{os.path.basename(database)}")
        try:
            content = list(connection.execute("SELECT * FROM sqlite_schema"))
            for name in [row[1] for row in content if row[0] == "table" and row[3]]:
                content.append((name, list(connection.execute(f'SELECT * FROM "{name}"'))))
            sound = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            pragmas = [connection.execute(f"PRAGMA {name}").fetchone() for name in
                       ("user_version", "application_id", "encoding", "auto_vacuum", "schema_version")]
            return repr((content, sound, pragmas))
        finally:
            connection.close()
    except sqlite3.Error as error:
        return repr(error)


def end_of_frames(path):
    """Where the last frame of a segment ends, by the frames' own lengths."""
    with open(path, "rb") as file:
        content = file.read()
    at = 64
    while content[at:at + 4] == b"BNFF":
        at += struct.unpack_from("<I", content, at + 32)[0]
    return at, content[at:at + 8] == b"BNFFOOT1"


class Folder:
    """A stopped data folder, and what is to be answered of it."""

    def __init__(self, folder, seed):
        self.data, self.sent = folder + "/data-0", {}
        service = lib.Service(self.data).config("journal: {segment: 1MiB}\narchive: {file_age: 1s}\ndoor: {keep_raw: 7d}\n").start()
        for number in range(MESSAGES):
            status, body, _ = service.post(lib.message(number, seed=seed), mail_from=lib.ANN, rcpt_to=lib.BOB)
            lib.check(status == 202, status, body)
            self.sent[body["id"]] = lib.message(number, seed=seed)
        service.idle()
        service.stop()
        lib.bonafide("verify", "--data", self.data, expect=0)
        shutil.rmtree(self.data + "/run")
        self.kept = folder + "/kept"
        shutil.copytree(self.data, self.kept)
        self.databases = {path: tables(self.data, path) for path in files(self.data) if path.endswith(".db")}
        segments = sorted(glob.glob(self.data + "/journal/*.segment"))
        self.frames_end, sealed = end_of_frames(segments[-1])
        self.newest = segments[-1] if not sealed else None
        service.start()
        self.answers = {id: service.get("/v1/messages/" + id)[1] for id in self.sent}
        self.exported = set(service_export(self.data))
        service.stop()
        for id, content in self.sent.items():  # the reference itself is held against what was sent
            facts = json.loads(self.answers[id])["event"]["received"]["facts"]
            head = content[:content.index(b"\r\n\r\n") + 2]
            lib.check(bytes.fromhex(facts["headers"]) == head, "other headers than those that were sent", id)
        self.restore()

    def restore(self):
        shutil.rmtree(self.data)
        shutil.copytree(self.kept, self.data)

    def why_nobodys(self, path, bit):
        """Why no content is in this byte, after it was changed; empty if there is."""
        name = os.path.basename(path)
        if any(name == one or name.startswith(one + "-") or name.startswith(one + ".") or one[0] == "-" and name.endswith(one)
               for one in NOBODYS):
            return "a file without content"
        for database, content in self.databases.items():
            if path in (database, database + "-wal"):
                return "free room of a database" if tables(self.data, database) == content else ""
        if path == self.newest and bit // 8 >= self.frames_end:
            return "behind the journal's last frame"
        return ""


def service_export(data):
    return lib.bonafide("export", "--data", data).out.splitlines()


def served(folder, service):
    """Starts on the changed folder. What was refused; fails on an answer that is other than it was."""
    if not service.launch().up():
        return "start"
    try:
        service.idle()
    except AssertionError:  # a step may stand still before damage
        pass
    missing = 0
    for id, answer in folder.answers.items():
        status, body, _ = service.get("/v1/messages/" + id)
        if status == 200:
            lib.check(body == answer, "another answer than before for", id, ":", body[:3000], "before:", answer[:3000])
        else:
            missing += 1
        raw = lib.bonafide("show", id, "--raw", "--data", folder.data) if missing or id == next(iter(folder.sent)) else None
        lib.check(raw is None or raw.returncode != 0 or raw.stdout == folder.sent[id], "other bytes than those that were sent", id)
    for line in service_export(folder.data):
        lib.check(line in folder.exported, "another row than before is exported:", line[:1000])
    service.kill()
    return f"{missing} messages" if missing else ""


def is_named(path, said, kept):
    """By its name, a database's log by the database, a file of RocksDB's by its folder, or by the ids of messages."""
    folder, name = os.path.split(path)
    return name.removesuffix("-wal") in said or any(id in said for id in kept.sent) or \
        os.path.basename(folder) in ("history", "dedupe") and folder in said


def run(folder, rounds, seed):
    chance, kept = random.Random(seed), Folder(folder, seed)
    named, done_again, unsealed, nobodys, silent, wrong, refused, hit = 0, 0, 0, collections.Counter(), [], [], collections.Counter(), collections.Counter()
    for turn in range(rounds):
        everywhere = files(kept.data)
        # Half of them in any file, half in any byte.
        path = chance.choice(everywhere) if turn % 2 else chance.choices(everywhere, [os.path.getsize(f) for f in everywhere])[0]
        bit = chance.randrange(os.path.getsize(path) * 8)
        where = f"{os.path.relpath(path, kept.data)} byte {bit // 8} bit {bit % 8}"
        undone = False
        hit[os.path.relpath(path, kept.data).split("/")[0]] += 1
        flip(path, bit)
        done = lib.bonafide("verify", "--data", kept.data)
        said = done.out + done.err
        if done.returncode != 0:
            named += 1
            if not is_named(path, said, kept):
                wrong.append(f"verify fails without naming {where}: {said[-1500:]}")
                print(f"  WRONG: {wrong[-1]}", flush=True)
        else:
            kept.restore()
            flip(path, bit)
            why = kept.why_nobodys(path, bit)
            undone = not why and path.endswith("-wal")
            if undone:
                print(f"  undone: {where}: {done.out.strip()}", flush=True)
            elif os.path.basename(path) in UNSEALED:
                unsealed += 1
                print(f"  NOT NAMED, no checksum covers it: {where}", flush=True)
            elif why:
                nobodys[why] += 1
                print(f"  nobody's: {where} ({why})", flush=True)
            else:
                silent.append(where)
                print(f"  NOT NAMED: {where}", flush=True)
        kept.restore()
        flip(path, bit)
        try:
            if what := served(kept, lib.Service(kept.data)):
                refused["no start" if what == "start" else "some messages"] += 1
            if undone:
                lib.check(not what, "not done again:", what)
                lib.bonafide("verify", "--data", kept.data, expect=0)
                done_again += 1
        except AssertionError as error:
            wrong.append(f"after {where}: {error}")
            print(f"  WRONG: {wrong[-1]}", flush=True)
            lib.Service.kill_all()
        kept.restore()
    said = (f"{rounds} bits flipped in {dict(hit)}: {named} named, {sum(nobodys.values())} in bytes nobody answers for {dict(nobodys)}, "
            f"{done_again} undid commits of SQLite's log, not named, all done again at the start, "
            f"{unsealed} not named in files without a checksum; "
            f"refused afterwards: {dict(refused)}; {rounds * MESSAGES} answers held against what was sent")
    print("  " + said, flush=True)
    lib.check(not wrong, len(wrong), "wrong:", "; ".join(one[:300] for one in wrong))
    lib.check(not silent, "verify did not name", len(silent), "of them:", "; ".join(silent))
    return "no wrong answer"


drill.main(run, short=10, long=300)
