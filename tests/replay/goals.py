#!/usr/bin/env python3
"""Holds the scores of a replay against the goals of its set.

  goals.py SET MANIFEST INFO SCORES

Known-sender ham = ham with at least five earlier ham messages of the same From address, after warm-up."""
import json
import sys


def main():
    name, manifest, info, scores = sys.argv[1:]
    with open(info) as file:
        warm = json.load(file).get("warmup_until", "")
    with open(scores) as file:
        verdicts = {row["file"]: row["verdict"] for row in map(json.loads, file)}
    with open(manifest) as file:
        rows = [row for row in map(json.loads, file) if row["received_at"] >= warm and not row.get("shared")]
    known = [verdicts[row["file"]] for row in rows if row["label"] == "ham" and row.get("prior", 0) >= 5]
    blind = [verdicts[row["file"]] for row in rows if row["scenario"] == "blind_spoof"]
    false, caught = known.count("untrusted"), blind.count("untrusted")
    print(f"{name}: known-sender ham untrusted {false} of {len(known)}, blind spoofs untrusted {caught} of {len(blind)}")
    if name == "dev-openbmc" and not (false <= 8 and caught > 0.78 * len(blind)):
        print("goal missed: at most 8 known-sender ham messages untrusted while more than 78 % of blind spoofs are")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
