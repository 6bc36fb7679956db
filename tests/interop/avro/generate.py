"""Random Avro schemas, values of them, and schemas that can read what they wrote.

A value is what fastavro takes: records and maps are dicts, bytes and fixed are bytes, and a value of a union is the tuple
(name of the branch, value), so that nobody has to guess the branch."""
import copy
import json
import math
import random
import struct

PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = {
    "int": ["date", "time-millis"],
    "long": ["time-micros", "timestamp-millis", "timestamp-micros", "local-timestamp-millis", "local-timestamp-micros"],
    "string": ["uuid"],
    "bytes": ["decimal"],
}


def branch_name(schema):
    """What a union tells its branches apart by."""
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return "union"
    return schema["name"] if schema["type"] in ("record", "enum", "fixed") else schema["type"]


def plain(schema):
    """The schema without logical types."""
    if isinstance(schema, list):
        return [plain(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: v for k, v in schema.items() if k not in ("logicalType", "precision", "scale")}
    for key in ("items", "values"):
        if key in out:
            out[key] = plain(out[key])
    if "fields" in out:
        out["fields"] = [dict(f, type=plain(f["type"])) for f in out["fields"]]
    if list(out) == ["type"]:
        return out["type"]
    return out


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def chance(self, p):
        return self.random.random() < p

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def full_name(self, prefix):
        space = self.random.choice(["", "", "one", "one.two", "three"])
        name = self.name(prefix)
        return f"{space}.{name}" if space else name

    # --- schemas. `known`: full name -> definition, of what may be referred to. Names are always full: dots or no
    # namespace at all, as a name without dots inside a namespace means another.

    def schema(self, depth, known, space=""):
        kinds = ["primitive"] * 4 + ["enum", "fixed", "logical"]
        if depth > 0:
            kinds += ["record", "record", "array", "map", "union", "union"]
        usable = [n for n in known if "." in n or not space]
        if usable and self.chance(0.15):
            return self.random.choice(usable)
        kind = self.random.choice(kinds)
        return getattr(self, "make_" + kind)(depth, known, space)

    def make_primitive(self, depth, known, space):
        return self.random.choice(PRIMITIVES)

    def make_logical(self, depth, known, space):
        base = self.random.choice(list(LOGICAL))
        schema = {"type": base, "logicalType": self.random.choice(LOGICAL[base])}
        if schema["logicalType"] == "decimal":
            schema["precision"] = self.random.randint(1, 20)
            schema["scale"] = self.random.randint(0, schema["precision"])
        return schema

    def make_enum(self, depth, known, space):
        name = self.named("E", space)
        symbols = [f"S{i}" for i in range(self.random.randint(1, 6))]
        self.random.shuffle(symbols)
        known[name] = {"type": "enum", "name": name, "symbols": symbols}
        if self.chance(0.3):
            known[name]["default"] = self.random.choice(symbols)
        return known[name]

    def make_fixed(self, depth, known, space):
        name = self.named("F", space)
        known[name] = {"type": "fixed", "name": name, "size": self.random.choice([1, 2, 4, 12, 16, 33])}
        if known[name]["size"] == 12 and self.chance(0.5):
            known[name]["logicalType"] = "duration"
        return known[name]

    def named(self, prefix, space):
        name = self.full_name(prefix)
        return name if "." in name or not space else f"{space}.{name}"

    def make_record(self, depth, known, space):
        name = self.named("R", space)
        record = {"type": "record", "name": name, "fields": []}
        if self.chance(0.3):
            record["doc"] = "about \"it\" \u00e9"
        inner = name.rpartition(".")[0]
        known[name] = record
        here = {k: v for k, v in known.items() if k != name}
        for _ in range(self.random.randint(1, 6)):
            field = {"name": self.name("f"), "type": self.schema(depth - 1, here, inner)}
            if self.chance(0.2):
                field["doc"] = "a field"
            if self.chance(0.2):
                field["order"] = self.random.choice(["ascending", "descending", "ignore"])
            record["fields"].append(field)
        known.update(here)
        if self.chance(0.15) and ("." in name or not inner):
            record["fields"].append({"name": self.name("f"), "type": ["null", name], "default": None})
        return record

    def make_array(self, depth, known, space):
        return {"type": "array", "items": self.schema(depth - 1, known, space)}

    def make_map(self, depth, known, space):
        return {"type": "map", "values": self.schema(depth - 1, known, space)}

    def make_union(self, depth, known, space):
        branches = ["null"] if self.chance(0.7) else []
        seen = {branch_name(b) for b in branches}
        for _ in range(self.random.randint(1, 4)):
            inside = dict(known)
            branch = self.schema(depth - 1, inside, space)
            if branch_name(branch) == "union" or branch_name(branch) in seen:
                continue
            known.update(inside)
            seen.add(branch_name(branch))
            branches.append(branch)
        if not any(self.defines(b) for b in branches):
            self.random.shuffle(branches)
        elif "null" in branches and self.chance(0.5):
            branches.append(branches.pop(0))
        return branches or ["null", "string"]

    def case(self):
        known = {}
        kind = "record" if self.chance(0.8) else None
        schema = self.make_record(3, known, "") if kind else self.schema(3, known)
        return schema, known

    # --- values

    def value(self, schema, known, depth=0):
        if isinstance(schema, str) and schema in known:
            schema = known[schema]
        if isinstance(schema, list):
            choices = schema
            if depth > 6 and "null" in schema:
                choices = ["null"]
            branch = self.random.choice(choices)
            if branch == "null":
                return None
            return (branch_name(branch), self.value(branch, known, depth + 1))
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(schema, dict) and "logicalType" in schema:
            return self.logical_value(schema)
        return getattr(self, "value_" + kind)(schema, known, depth)

    def logical_value(self, schema):
        r = self.random
        kind = schema["logicalType"]
        if kind == "date":
            return r.randint(-100_000, 1_000_000)
        if kind == "time-millis":
            return r.randrange(86_400_000)
        if kind == "time-micros":
            return r.randrange(86_400_000_000)
        if kind.endswith("timestamp-millis"):
            return r.randint(-10**12, 4 * 10**12)
        if kind.endswith("timestamp-micros"):
            return r.randint(-10**15, 4 * 10**15)
        if kind == "uuid":
            h = f"{r.getrandbits(128):032x}"
            return "-".join([h[:8], h[8:12], h[12:16], h[16:20], h[20:]])
        if kind == "decimal":
            number = r.randint(-10 ** schema["precision"] + 1, 10 ** schema["precision"] - 1)
            return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)
        return r.randbytes(12)

    def value_null(self, schema, known, depth):
        return None

    def value_boolean(self, schema, known, depth):
        return self.chance(0.5)

    def value_int(self, schema, known, depth):
        return self.random.choice([0, -1, 1, 63, -65, 2**31 - 1, -2**31, self.random.randint(-2**31, 2**31 - 1)])

    def value_long(self, schema, known, depth):
        bits = self.random.randint(1, 63)
        return self.random.choice([0, 2**63 - 1, -2**63, self.random.randint(-2**bits, 2**bits - 1)])

    def value_float(self, schema, known, depth):
        return struct.unpack("<f", struct.pack("<f", self.random.choice([0.0, -0.5, 1e30, -math.inf, self.random.gauss(0, 1)])))[0]

    def value_double(self, schema, known, depth):
        return self.random.choice([0.0, -0.1, 1e300, 5e-324, math.inf, math.nan, self.random.gauss(0, 1e6)])

    def value_bytes(self, schema, known, depth):
        return self.random.randbytes(self.random.choice([0, 1, 5, 70]))

    def value_string(self, schema, known, depth):
        letters = "ab\"\\/\n\t\u0001\u007f\u0085\u00e9\u20ac\u2028\U0001f600"
        return "".join(self.random.choice(letters) for _ in range(self.random.choice([0, 1, 6, 70])))

    def value_enum(self, schema, known, depth):
        return self.random.choice(schema["symbols"])

    def value_fixed(self, schema, known, depth):
        return self.random.randbytes(schema["size"])

    def value_array(self, schema, known, depth):
        return [self.value(schema["items"], known, depth + 1) for _ in range(self.size(depth))]

    def value_map(self, schema, known, depth):
        return {self.value_string(None, None, 0)[:8]: self.value(schema["values"], known, depth + 1)
                for _ in range(self.size(depth))}

    def value_record(self, schema, known, depth):
        return {f["name"]: self.value(f["type"], known, depth + 1) for f in schema["fields"]}

    def size(self, depth):
        return 0 if depth > 5 else self.random.choice([0, 1, 2, 5])

    # --- a reader's schema for what `schema` wrote

    def evolve(self, schema, known):
        """A changed copy. Usually everything can be read with it, sometimes not."""
        self.text = json.dumps(schema)
        return self.changed(copy.deepcopy(schema), known, 0)

    PROMOTIONS = {"int": ["long", "float", "double"], "long": ["float", "double"], "float": ["double"],
                  "string": ["bytes"]}

    def changed(self, schema, known, depth):
        if isinstance(schema, list):
            return self.changed_union(schema, known, depth)
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind in self.PROMOTIONS and isinstance(schema, str):
            if self.chance(0.25):
                return self.random.choice(self.PROMOTIONS[kind])
            if depth and self.chance(0.1):
                return ["null", kind]
            return schema
        if not isinstance(schema, dict):
            return schema
        if kind == "record":
            self.change_record(schema, known, depth)
        elif kind == "enum":
            self.change_enum(schema)
        elif kind in ("array", "map"):
            key = "items" if kind == "array" else "values"
            schema[key] = self.changed(schema[key], known, depth + 1)
        return schema

    def changed_union(self, schema, known, depth):
        branches = [self.changed(b, known, 0) if isinstance(b, dict) else b for b in schema]
        if self.chance(0.3) and not any(self.defines(b) for b in branches):
            self.random.shuffle(branches)
        if self.chance(0.2):
            extra = self.random.choice(PRIMITIVES)
            if extra not in [branch_name(b) for b in branches]:
                branches.append(extra)
        # Bytes would be read as text where there is a string, which they are not.
        if len(branches) > 1 and self.chance(0.03) and not self.defines(branches[-1]) \
                and branch_name(branches[-1]) != "bytes":
            branches.pop()
        return branches

    def change_record(self, schema, known, depth):
        fields = []
        for field in schema["fields"]:
            if self.chance(0.1) and not self.defines(field["type"]):
                continue
            field["type"] = self.changed(field["type"], known, depth + 1)
            if "default" in field and isinstance(field["type"], list) and field["type"][0] != "null":
                del field["default"]
            if self.chance(0.1):
                field["aliases"] = [field["name"]]
                field["name"] = self.name("g")
            fields.append(field)
        if self.chance(0.4):
            fields.append(self.new_field())
        if self.chance(0.3) and not any(self.defines(f["type"]) for f in fields):
            self.random.shuffle(fields)
        schema["fields"] = fields

    def defines(self, schema):
        """Does it define a name that others may refer to, so that it must stay where it is?"""
        if isinstance(schema, list):
            return any(self.defines(s) for s in schema)
        if not isinstance(schema, dict):
            return "." in schema or schema[0].isupper()
        return "name" in schema or self.defines(schema.get("items", schema.get("values", "int")))

    def new_field(self):
        name = self.name("n")
        kind, default = self.random.choice([
            ("int", 7), ("string", "there \u20ac"), (["null", "string"], None), ("double", 0.5), ("boolean", True),
            ({"type": "array", "items": "int"}, [1, 2]), ({"type": "map", "values": "string"}, {"k": "v"}),
            (["string", "null"], "x"), ("long", -1), ("float", 1.5), ({"type": "array", "items": "string"}, [])])
        return {"name": name, "type": kind, "default": default}

    def change_enum(self, schema):
        symbols = schema["symbols"]
        if self.text.count(json.dumps(schema["name"])) == 1 and self.chance(0.2):
            schema["aliases"] = [schema["name"]]
            schema["name"] += "_renamed"
        if self.chance(0.4):
            self.random.shuffle(symbols)
        if self.chance(0.3):
            symbols.insert(self.random.randrange(len(symbols) + 1), "NEW")
        if len(symbols) > 1 and self.chance(0.2):
            gone = symbols.pop()
            if schema.get("default") == gone:
                schema["default"] = symbols[0]
            if self.chance(0.8):
                schema.setdefault("default", symbols[0])
