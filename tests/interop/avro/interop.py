"""Holds Bonafide's Avro against Apache Avro's Java and Python and fastavro, on random schemas and values.

  interop.py PEER JAR [--seed N] [--cases N] [--java JAVA]

Each case: all four parse the schema and agree on canonical form and fingerprint; each reads what Bonafide wrote, and
Bonafide what they wrote, in binary, in Avro's JSON (Java) and in container files of every codec; and data written with one
schema and read with another comes out the same. Prints a line for each difference, then "N passed, N failed"; exit 1 if
any failed. The same seed gives the same cases."""
import argparse
import base64
import collections
import io
import json
import logging
import math
import pathlib
import random
import subprocess
import sys
import time

import avro.errors
import avro.io
import avro.schema
import fastavro
import fastavro.schema

import generate

logging.getLogger("avro").setLevel(logging.ERROR)
CODECS = ["null", "deflate", "snappy", "zstandard"]


class PeerError(Exception):
    pass


class Bonafide:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, op, **fields):
        self.process.stdin.write(json.dumps(dict(fields, op=op)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"avro_peer has died on {op}: {fields}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer


class Java:
    def __init__(self, java, jar):
        source = pathlib.Path(__file__).with_name("Peer.java")
        # No module of the jar's logging is wanted on stdout; one JVM serves all cases.
        self.process = subprocess.Popen([java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", jar,
                                         str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def ask(self, op, *fields):
        parts = [base64.b64encode(f if isinstance(f, bytes) else f.encode()).decode() for f in fields]
        self.process.stdin.write("\t".join([op, *parts]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().rstrip("\n")
        if not line:
            raise SystemExit("the Java peer did not answer: is it a JDK of 11 or later?")
        word, *values = line.split("\t")
        values = [base64.b64decode(v) for v in values]
        if word != "ok":
            raise PeerError(values[0].decode())
        return values


def stripped(value):
    """A value without the names of union branches."""
    if isinstance(value, tuple):
        return stripped(value[1])
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [stripped(v) for v in value]
    return value


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


class Suite:
    def __init__(self, arguments):
        self.bonafide = Bonafide(arguments.peer)
        self.java = Java(arguments.java, arguments.jar)
        self.passed = collections.Counter()
        self.failed = collections.Counter()

    def check(self, name, holds, *context):
        (self.passed if holds else self.failed)[name] += 1
        if not holds:
            print(f"FAILED {name}", file=sys.stderr)
            for part in context:
                text = part if isinstance(part, str) else repr(part)
                print("   ", text if len(text) < 3000 else text[:3000] + " …", file=sys.stderr)

    def guarded(self, name, work, *context):
        try:
            work()
        except PeerError as error:
            self.check(name, False, str(error), *context)

    # --- one schema

    def canonical(self, text):
        ours = self.bonafide.ask("canonical", schema=text)
        form, fingerprint = self.java.ask("canonical", text)
        self.check("canonical form: Java", ours["canonical"] == form.decode(), text, ours["canonical"], form)
        self.check("fingerprint: Java", str(ours["fingerprint"]) == fingerprint.decode(), text)
        parsed = fastavro.parse_schema(json.loads(text), _force=True)
        theirs = fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(json.loads(text)), "CRC-64-AVRO")
        number = int.from_bytes(bytes.fromhex(theirs), "little", signed=True)
        self.check("fingerprint: fastavro", number == ours["fingerprint"], text, theirs, ours["fingerprint"])
        full, _ = self.java.ask("canonical", ours["full"])
        self.check("full schema text: Java", full == form, text, ours["full"])
        return parsed

    def written(self, schema, value):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, value)
        return out.getvalue()

    def values(self, text, plain_text, value, binary):
        """Binary and JSON, both ways."""
        context = (text, binary.hex())
        ours = self.bonafide.ask("decode", schema=text, binary=binary.hex())
        self.check("binary: read and written again", ours["again"] == binary.hex(), *context, ours)
        from_json = self.bonafide.ask("encode", schema=text, json=ours["json"])
        self.check("JSON: read back", from_json["binary"] == binary.hex(), *context, ours["json"])
        theirs = fastavro.schemaless_reader(io.BytesIO(bytes.fromhex(from_json["binary"])), json.loads(plain_text), None)
        self.check("binary: fastavro reads", same(theirs, stripped(value)), *context, theirs)

        reader = avro.io.DatumReader(avro.schema.parse(plain_text))
        theirs = reader.read(avro.io.BinaryDecoder(io.BytesIO(bytes.fromhex(from_json["binary"]))))
        self.check("binary: Python reads", same(theirs, stripped(value)), *context, theirs)
        self.python_writes(plain_text, theirs)

        again, java_json = self.java.ask("decode", text, bytes.fromhex(from_json["binary"]))
        self.equal_values("binary: Java reads and writes", text, again, ours["json"])
        java_binary = self.bonafide.ask("encode", schema=text, json=java_json.decode())["binary"]
        self.equal_values("JSON: of Java", text, bytes.fromhex(java_binary), ours["json"])
        if '"NaN"' in ours["json"] or 'Infinity"' in ours["json"]:  # Java writes them so, and cannot read them
            self.passed["JSON: not finite, left out for Java"] += 1
        else:
            self.equal_values("JSON: read by Java", text, self.java.ask("encode", text, ours["json"])[0], ours["json"])
        return ours["json"]

    def python_writes(self, plain_text, value):
        """Python's writer takes the first branch of a union that fits; what it meant is what its reader reads back."""
        schema = avro.schema.parse(plain_text)
        out = io.BytesIO()
        try:
            avro.io.DatumWriter(schema).write(value, avro.io.BinaryEncoder(out))
        except (avro.errors.AvroTypeException, OverflowError):  # it judges a union's value by its outermost type alone
            self.passed["binary: Python refuses its own value"] += 1
            return
        ours = self.bonafide.ask("decode", schema=plain_text, binary=out.getvalue().hex())
        self.check("binary: of Python", ours["again"] == out.getvalue().hex(), plain_text, out.getvalue().hex())

    def equal_values(self, name, text, binary, expected_json):
        """Java keeps no order of map entries, so it is the value that must be the same."""
        ours = self.bonafide.ask("decode", schema=text, binary=binary.hex())
        self.check(name, same(json.loads(ours["json"]), json.loads(expected_json)), text, binary.hex(), ours["json"],
                   expected_json)

    # --- container files

    def container(self, text, plain_text, values, binaries, jsons, codec):
        context = (text, codec, [b.hex() for b in binaries])
        file = io.BytesIO()
        fastavro.writer(file, json.loads(plain_text), values, codec=codec, sync_interval=200)
        read = self.bonafide.ask("read", file=file.getvalue().hex())
        self.check(f"container {codec}: of fastavro", read["records"] == [b.hex() for b in binaries], *context)

        records = [b.hex() for b in binaries]
        file = bytes.fromhex(self.bonafide.ask("write", schema=plain_text, codec=codec, records=records)["file"])
        theirs = list(fastavro.reader(io.BytesIO(file)))
        self.check(f"container {codec}: fastavro reads", same(theirs, [stripped(v) for v in values]), *context)

        file = bytes.fromhex(self.bonafide.ask("write", schema=text, codec=codec, records=records)["file"])
        _, *again = self.java.ask("read", file)
        self.check(f"container {codec}: Java reads", len(again) == len(jsons), *context)
        for binary, expected in zip(again, jsons):
            self.equal_values(f"container {codec}: Java reads", text, binary, expected)

        file, = self.java.ask("write", text, codec, *binaries)
        read = self.bonafide.ask("read", file=file.hex())
        self.check(f"container {codec}: of Java", len(read["records"]) == len(jsons), *context)
        for binary, expected in zip(read["records"], jsons):
            self.equal_values(f"container {codec}: of Java", text, bytes.fromhex(binary), expected)

    # --- schema resolution

    def resolution(self, writer, reader, binary):
        """Java is the yardstick: what it reads we read alike, what it refuses we refuse."""
        context = ("writer " + writer, "reader " + reader, binary.hex())
        try:
            ours, refusal = bytes.fromhex(self.bonafide.ask("resolve", writer=writer, reader=reader, binary=binary.hex())["binary"]), ""
        except PeerError as error:
            ours, refusal = None, str(error)
        try:
            theirs, their_refusal = self.java.ask("resolve", writer, reader, binary)[0], ""
        except PeerError as error:
            theirs, their_refusal = None, str(error)
        if ours is None or theirs is None:
            self.check("resolution: refused alike", ours is None and theirs is None, *context,
                       "ours: " + (refusal or "read"), "Java: " + (their_refusal or "read"))
            return
        expected = self.bonafide.ask("decode", schema=reader, binary=theirs.hex())["json"]
        self.equal_values("resolution: as Java", reader, ours, expected)
        self.python_resolution(writer, reader, binary, ours, context)

    def python_resolution(self, writer, reader, binary, ours, context):
        plain_writer = json.dumps(generate.plain(json.loads(writer)))
        plain_reader = json.dumps(generate.plain(json.loads(reader)))
        expected = fastavro.schemaless_reader(io.BytesIO(ours), json.loads(plain_reader), None)
        try:
            theirs = fastavro.schemaless_reader(io.BytesIO(binary), json.loads(plain_writer), json.loads(plain_reader))
        except Exception as error:  # fastavro refuses some of what the specification allows
            self.passed["resolution: fastavro refuses"] += 1
            return
        self.check("resolution: as fastavro", loosely_same(theirs, expected), *context, theirs, expected)


def loosely_same(a, b):
    """fastavro leaves an int where the reader has a float; and of a union it takes the first branch that a promotion
    leads to, where Java and we prefer the same type, so text may be bytes."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(loosely_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(loosely_same(x, y) for x, y in zip(a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, (str, bytes)) and isinstance(b, (str, bytes)):
        return (a.encode() if isinstance(a, str) else a) == (b.encode() if isinstance(b, str) else b)
    return a == b


def run(suite, generator, cases):
    batch = []
    for case in range(cases):
        schema, known = generator.case()
        text = json.dumps(schema, ensure_ascii=generator.chance(0.5))
        plain_text = json.dumps(generate.plain(schema))

        def one():
            parsed = suite.canonical(text)
            values = [generator.value(schema, known) for _ in range(3)]
            binaries = [suite.written(json.loads(plain_text), v) for v in values]
            jsons = [suite.values(text, plain_text, v, b) for v, b in zip(values, binaries)]
            if case % 4 == 0:
                suite.container(text, plain_text, values * 6, binaries * 6, jsons * 6, CODECS[case // 4 % 4])
            for _ in range(2):
                reader = json.dumps(generator.evolve(schema, known))
                for binary in binaries:
                    suite.resolution(text, reader, binary)

        suite.guarded("case", one, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("jar")
    parser.add_argument("--seed", default="1", help="a number, or \"random\"")
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--java", default="java")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if arguments.seed == "random" else int(arguments.seed)
    print(f"avro interop: seed {seed}, {arguments.cases} random schemas", flush=True)
    started = time.monotonic()
    suite = Suite(arguments)
    run(suite, generate.Generator(seed), arguments.cases)
    for name in sorted(set(suite.passed) | set(suite.failed)):
        failed = f", {suite.failed[name]} FAILED" if suite.failed[name] else ""
        print(f"  {name}: {suite.passed[name]}{failed}")
    failed = sum(suite.failed.values())
    print(f"{sum(suite.passed.values())} passed, {failed} failed in {time.monotonic() - started:.0f} s (seed {seed})")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
