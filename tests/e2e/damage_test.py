#!/usr/bin/env python3
"""The counter-proof: whatever is taken away or changed by hand in the stores, verify names it."""
import glob
import os
import random
import sqlite3
import struct
import sys
import zlib

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

COUNT = 60


def filled(folder, configuration=""):
    """A stopped data folder with COUNT messages in it whose books balance, and their ids."""
    data = folder + "/data"
    if configuration:
        os.makedirs(data, 0o700)
        with open(data + "/bonafide.yaml", "w") as file:
            file.write("version: 1\n" + configuration)
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


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def long(value):
    return varint(value << 1 ^ value >> 63)


class Cursor:
    def __init__(self, content):
        self.content, self.at = content, 0

    def raw(self, count):
        self.at += count
        return self.content[self.at - count:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def long(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)


class Container:
    """An Avro object container file, whose records begin with a revision (0) and an id that is in `ids`."""

    def __init__(self, path, ids):
        self.path = path
        with open(path, "rb") as file:
            at = Cursor(file.read())
        lib.check(at.raw(4) == b"Obj\x01", "no container file:", path)
        metadata = {}
        while count := at.long():
            for _ in range(count):
                key = at.raw(at.long())
                metadata[key] = at.raw(at.long())
        self.deflate = metadata.get(b"avro.codec") == b"deflate"
        self.sync = at.raw(16)
        self.header = at.content[:at.at]
        self.blocks = []
        while at.at < len(at.content):
            count = at.long()
            packed = at.raw(at.long())
            lib.check(at.raw(16) == self.sync, "no sync marker")
            plain = zlib.decompress(packed, -15) if self.deflate else packed
            begins = sorted(i - 1 for i in (plain.find(bytes.fromhex(id)) for id in ids) if i > 0)
            lib.check(len(begins) == count and begins[0] == 0, "the records are not where their ids are")
            self.blocks.append([plain[a:b] for a, b in zip(begins, begins[1:] + [len(plain)])])

    def packed_blocks(self):
        for records in self.blocks:
            packed = b"".join(records)
            if self.deflate:
                compress = zlib.compressobj(1, zlib.DEFLATED, -15)
                packed = compress.compress(packed) + compress.flush()
            yield long(len(records)) + long(len(packed)) + packed + self.sync

    def write(self):
        with open(self.path, "wb") as file:
            file.write(self.header + b"".join(self.packed_blocks()))


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 & -(crc & 1)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def forge_index(container, order):
    """Makes index and header of a changed file agree with it: `order` says which of the first records are in it now, so
    that only the door's list can tell."""
    folder, name = os.path.split(container.path)
    path = f"{folder}/_{name.removesuffix('.avro')}.index"
    with open(path, "rb") as file:
        at = Cursor(file.read())
    at.raw(12)
    head_begin = at.at
    at.raw(at.varint())
    at.varint(), at.varint()
    head = at.content[head_begin:at.at]
    at.varint(), at.raw(4)
    for _ in range(at.varint()):
        at.varint(), at.varint(), at.raw(4)
    entries, position = [], bytes(20)
    for _ in range(at.varint()):
        fixed = at.raw(16) + varint(at.varint()) + at.raw(8)
        shared = at.raw(1)[0]
        position = (position[:shared] + at.raw(at.varint())).ljust(20, b"\0")
        entries.append((fixed, position))
    hashes = lambda: sum(struct.unpack("<Q", fixed[-8:])[0] for fixed, _ in entries) % 2**64  # noqa: E731
    before, count = hashes(), len(entries)
    entries = [entries[i] for i in order]
    container.header = container.header.replace(b"%016x" % before, b"%016x" % hashes()).replace(
        b"%012d" % count, b"%012d" % len(entries))
    container.write()
    blocks = list(container.packed_blocks())
    body = head + varint(len(container.header)) + crc32c(container.header) + varint(len(blocks))
    for block, records in zip(blocks, container.blocks):
        body += varint(len(block)) + varint(len(records)) + crc32c(block)
    body += varint(len(entries))
    for fixed, position in entries:
        body += fixed + b"\0" + varint(20) + position
    with open(path, "wb") as file:
        file.write(b"bfindex1" + crc32c(body) + body)


def edit_dropped(records):
    return records[:7] + records[8:]


def edit_replaced(records):
    return records[:7] + [records[3]] + records[8:]


def edit_doubled(records):
    return records[:7] + [records[3]] + records[7:]


def change_a_record_inside(folder, codec, edit, words):
    """A record in the middle of a closed file is changed, first in the file alone, then in its index and header too."""
    data, ids = filled(folder, f"archive: {{codec: {codec}}}\n")
    path = max(glob.glob(data + "/archive/**/*.avro", recursive=True), key=os.path.getsize)
    container = Container(path, ids)
    index = f"{os.path.dirname(path)}/_{os.path.basename(path).removesuffix('.avro')}.index"
    with open(path, "rb") as file, open(index, "rb") as beside:
        original, original_index = file.read(), beside.read()
    before = sum(len(block) for block in container.blocks[:1])
    seventh, third = container.blocks[0][7][1:17].hex(), container.blocks[0][3][1:17].hex()
    lib.check(before > 10, "too few records in the first block", before)
    container.blocks[0] = edit(container.blocks[0])
    container.write()
    found = findings(data)
    lib.check(os.path.basename(path) in found and seventh in found, "file and id are not named", found[-800:])
    count = before + sum(len(block) for block in container.blocks[1:])
    forge_index(container, edit(list(range(count))))
    found = findings(data)
    for word in words:
        lib.check(word in found, f"\"{word}\" is not said", found[-800:])
    lib.check((seventh if edit is not edit_doubled else third) in found, "the id is not named", found[-800:])
    with open(path, "wb") as file, open(index, "wb") as beside:
        file.write(original)
        beside.write(original_index)
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def a_dropped_archive_record_is_named(folder):
    change_a_record_inside(folder, '"null"', edit_dropped, ["accepted by the door, not here"])


@lib.test
def a_replaced_archive_record_is_named(folder):
    change_a_record_inside(folder, "deflate", edit_replaced, ["accepted by the door, not here", "more than once"])


@lib.test
def a_doubled_archive_record_is_named(folder):
    change_a_record_inside(folder, "deflate", edit_doubled, ["more than once"])


@lib.test
def a_damaged_installation_key_is_named(folder):
    data, _ = filled(folder)
    path = data + "/installation.key"
    with open(path) as file:
        kept = file.read()
    for other in (kept[:3] + "!" + kept[4:], kept.strip() + "aa\n", ""):
        with open(path, "w") as file:
            file.write(other)
        for verb in ("verify", "run"):
            done = lib.bonafide(verb, "--data", data, timeout=20)
            lib.check(done.returncode != 0 and path + " is damaged" in done.err, verb, done.returncode, done.err)
    with open(path, "w") as file:
        file.write(kept)
    lib.bonafide("verify", "--data", data, expect=0)


@lib.test
def history_that_is_lost_is_rebuilt(folder):
    data, _ = filled(folder)
    import shutil
    shutil.rmtree(data + "/history")
    service = lib.Service(data).start()
    service.stop()
    lib.bonafide("verify", "--data", data, expect=0)


lib.main()
