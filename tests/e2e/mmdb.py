"""Writes small MaxMind DBs (format 2.0, IPv6 tree with IPv4 below ::/96), for tests."""
import ipaddress
import struct

NOTHING = -1  # a branch that leads nowhere; -2 - offset: a record; from 0: a node


def _text(value):
    raw = value.encode()
    return bytes([2 << 5 | len(raw)]) + raw if len(raw) < 29 else bytes([2 << 5 | 29, len(raw) - 29]) + raw


def _number(kind, value):
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([kind << 5 | len(raw)]) + raw


def _map(pairs):
    return bytes([7 << 5 | len(pairs)]) + b"".join(_text(key) + value for key, value in pairs)


def database(networks):
    """networks: {"198.51.100.0/24": (64496, "Example Net", "DE")}; the bytes of the file."""
    nodes, data = [[NOTHING, NOTHING]], b""
    for text, (system, name, country) in networks.items():
        network = ipaddress.ip_network(text)
        offset = len(data)
        data += _map([("autonomous_system_number", _number(6, system)), ("autonomous_system_organization", _text(name)),
                      ("country", _map([("iso_code", _text(country))]))])
        bits = f"{int(network.network_address):0128b}"[:network.prefixlen + (96 if network.version == 4 else 0)]
        at = 0
        for bit in map(int, bits[:-1]):
            if nodes[at][bit] < 0:
                nodes.append([NOTHING, NOTHING])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        nodes[at][int(bits[-1])] = -2 - offset
    def record(value):
        number = len(nodes) if value == NOTHING else len(nodes) + 16 - value - 2 if value < 0 else value
        return struct.pack(">I", number)[1:]
    tree = b"".join(record(left) + record(right) for left, right in nodes)
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _map([
        ("binary_format_major_version", _number(5, 2)), ("binary_format_minor_version", _number(5, 0)),
        ("database_type", _text("Bonafide-Test")), ("ip_version", _number(5, 6)), ("node_count", _number(6, len(nodes))),
        ("record_size", _number(5, 24)), ("build_epoch", b"\x04\x02\x65\x53\xf1\x00"),
        ("description", _map([])), ("languages", b"\x00\x04")])
