#!/usr/bin/env python3
"""A score is the same bytes whatever the compiler and build type: one set through the binaries of the builds that the
tests have made anyway (g++ -O2; g++ -Og with ASan and UBSan; clang with TSan), then the files compared byte by byte.

  same_scores.py RELEASE_BINARY      the others are looked for beside it; BONAFIDE_CORPORA as in tests/replay/run

Exit 77: there is only one build. The set is made here from the text cases and variations of them; where the development
sets are present, the first 3,000 messages of dev-openbmc go the same way."""
import json
import os
import subprocess
import sys
import tempfile

OTHERS = ("build/asan/bonafide", "build/tsan/bonafide")
HABITS = ("Thunderbird 115", "Mutt/2.2.9", "Apple Mail (2.3731)", "Microsoft Outlook 16.0", "")


def message(number):
    """Fifteen senders with habits of their own; now and then one of them acts out of character."""
    sender, odd = number % 15, number % 37 == 0
    habit = HABITS[(sender + odd) % len(HABITS)]
    domain = f"partner{sender % 4}.example"
    network = 60 if odd else sender
    lines = [
        f"Received: from mail.{domain} (mail.{domain} [203.0.113.{network}]) by mx.home.example with ESMTPS;",
        f" {number % 27 + 1} Feb 2026 {number % 24:02d}:00:00 +0{sender % 5}00",
        f"Authentication-Results: mx.home.example; spf={'fail' if odd else 'pass'} smtp.mailfrom={domain}",
        f"From: {'=?utf-8?q?J=C3=BCrgen?=' if sender % 2 else 'Person'} {sender} <person{sender}@{domain}>",
        "To: bob@home.example", f"Subject: Report {number}", f"Message-ID: <{number}.{sender}@{domain}>",
        f"Date: {number % 27 + 1} Feb 2026 {number % 24:02d}:00:00 +0{sender % 5}00"]
    if habit:
        lines.append(f"X-Mailer: {habit}")
    if odd:
        lines.append("Reply-To: elsewhere@collect.example")
    lines += ["MIME-Version: 1.0", f"Content-Type: text/{'html' if sender % 3 == 0 else 'plain'}; charset=utf-8", "",
              f"See <a href=\"https://{'login.' if odd else 'www.'}{domain}/{number}\">www.{domain}</a>."]
    return "\r\n".join(lines).encode(), f"person{sender}@{domain}", f"203.0.113.{network}"


def own_set(folder, count=1200):
    os.makedirs(folder + "/mail")
    with open(folder + "/manifest.jsonl", "w") as manifest:
        for number in range(1, count + 1):
            raw, sender, client = message(number)
            with open(f"{folder}/mail/{number:06d}.eml", "wb") as file:
                file.write(raw)
            manifest.write(json.dumps({
                "file": f"mail/{number:06d}.eml", "client_ip": client, "helo": "mail." + sender.split("@")[1],
                "received_at": f"2026-02-{1 + number // 48:02d}T{number // 2 % 24:02d}:{number % 2 * 30:02d}:00Z",
                "mail_from": sender, "rcpt_to": ["bob@home.example"]}) + "\n")
    return folder


def first_of_real(folder, corpora, count=3000):
    archive = os.path.join(corpora, "dev-openbmc.tar.xz")
    if not os.path.exists(archive):
        return None
    os.makedirs(folder)
    subprocess.run(["tar", "-xJf", archive, "-C", folder], check=True)
    manifest = folder + "/dev-openbmc/manifest.jsonl"
    with open(manifest) as file:
        lines = file.readlines()[:count]
    with open(manifest, "w") as file:
        file.writelines(lines)
    return folder + "/dev-openbmc"


def scores(binary, mail, folder, name):
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", TSAN_OPTIONS="report_bugs=0")
    out = f"{folder}/{name}.jsonl"
    done = subprocess.run(["setarch", "-R", binary, "replay", mail, "--scores", out, "--data", f"{folder}/{name}.data"],
                          capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{binary} replay {mail}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    with open(out, "rb") as file:
        return file.read()


def main():
    binaries = [sys.argv[1]] + [path for path in OTHERS if os.access(path, os.X_OK)]
    if len(binaries) < 2:
        print("there is only one build: run the stages unit and threads first")
        return 77
    with tempfile.TemporaryDirectory(prefix="bonafide-scores-") as folder:
        sets = [own_set(folder + "/own")]
        real = first_of_real(folder + "/real", os.environ.get("BONAFIDE_CORPORA", "../shared/corpora"))
        sets += [real] if real else []
        for number, mail in enumerate(sets):
            found = {binary: scores(binary, mail, folder, f"{number}-{at}") for at, binary in enumerate(binaries)}
            first = found[binaries[0]].splitlines()
            trusts = {json.loads(line)["trust"] for line in first}
            assert len(trusts) > len(first) // 100, f"only {len(trusts)} different scores: this proves nothing"
            for binary, content in found.items():
                for line, (a, b) in enumerate(zip(first, content.splitlines()), 1):
                    assert a == b, f"{binary}, line {line}:\n{b.decode()}\nbut {binaries[0]}:\n{a.decode()}"
                assert content == found[binaries[0]], f"{binary}: another number of lines"
            print(f"{len(first)} messages, {len(trusts)} different scores: the same bytes from {', '.join(binaries)}")
    return 0


sys.exit(main())
