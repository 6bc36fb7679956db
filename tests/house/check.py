#!/usr/bin/env python3
"""House rules that a compiler does not know, read off the sources.

  check.py [ROOT]

1. The ladder: a folder of src/ includes only what stands before it (see ARCHITECTURE.md).
2. No clock, sleep, thread or random number is reached for outside src/env/real and src/app.
3. No source file is longer than its limit.

Prints one line for each break of a rule, then "N passed, N failed"; exit 1 if any failed."""
import pathlib
import re
import sys

# Rungs from the bottom. Folders on one rung do not see each other, except as SEES allows.
LADDER = [["base"], ["env"], ["net"], ["avro"], ["flow"], ["streams", "stores", "functions", "mail"], ["trust"],
          ["steps"], ["control"], ["api"], ["app"]]
RUNG = {folder: i for i, rung in enumerate(LADDER) for folder in rung}
# Streams and stores know no mail; what is above trust speaks to them through flow's interfaces, and the stores' own.
FORBIDDEN = {("trust", "streams"), ("trust", "stores"), ("net", "avro"), ("steps", "streams"), ("api", "streams"),
             ("api", "stores"), ("api", "steps")}
REAL = re.compile(r"std::chrono::\w*_clock::now|\bsleep_for\b|\bsleep_until\b|std::j?thread\b|std::async\b|"
                  r"std::random_device|\b(?:u|nano)sleep\s*\(|\bgettimeofday\s*\(|\bclock_gettime\s*\(|std::rand\b|(?<![\w:])time\s*\(\s*(?:0|NULL|nullptr)\s*\)")
MAX_LINES = 600
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def breaks_of(root, path):
    rel = path.relative_to(root / "src")
    folder = rel.parts[0]
    is_test = path.name.endswith("_test.cpp")
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(1).split("/")[0]
        where = f"src/{rel}:{number}"
        if target not in RUNG:
            yield f'{where}: include "{found.group(1)}" names no folder of the ladder; write "folder/file.hpp"'
        elif target != folder and not is_test:
            if RUNG[target] >= RUNG[folder]:
                yield f"{where}: {folder} must not use {target}: it stands on the same or a higher rung"
            elif (folder, target) in FORBIDDEN:
                yield f"{where}: {folder} must not know {target}; use the interface in flow"
        if folder == "steps" and target == "steps" and len(rel.parts) > 2:
            other = found.group(1).split("/")[1]
            if other != rel.parts[1]:
                yield f"{where}: steps never see each other: {rel.parts[1]} includes {other}; share types in mail/"
    if not (str(rel).startswith("env/real/") or folder == "app" or is_test):
        for number, line in enumerate(strip_comments(text).splitlines(), 1):
            if REAL.search(line):
                yield f"src/{rel}:{number}: a clock, sleep, thread or random number is reached for; take it as a value"
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"src/{rel}: {lines} lines, more than {MAX_LINES}: is there a second idea inside?"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    passed = failed = 0
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".cpp", ".hpp"):
            continue
        found = list(breaks_of(root, path))
        for line in found:
            print(line)
        failed, passed = (failed + 1, passed) if found else (failed, passed + 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
