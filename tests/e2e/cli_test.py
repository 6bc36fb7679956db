#!/usr/bin/env python3
"""The command line as a user meets it, without a service."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


@lib.test
def every_verb_has_help_with_examples(_):
    top = lib.bonafide("--help", expect=0).out
    for verb in ("run", "demo", "score", "replay", "show", "export", "status", "verify", "parked", "config", "schema", "avro"):
        lib.check(verb in top, verb, "is not in the help")
        shown = lib.bonafide(verb, "--help", expect=0).out
        lib.check("Examples:" in shown or "Subcommands:" in shown or "SUBCOMMAND" in shown, verb, shown)


@lib.test
def a_wrong_word_is_a_usage_error(_):
    lib.bonafide("socre", expect=64)
    lib.bonafide("show", expect=64)


@lib.test
def score_reads_files_and_standard_input_and_creates_nothing(folder):
    with open(folder + "/one.eml", "wb") as file:
        file.write(lib.message(1))
    with open(folder + "/two.mbox", "wb") as file:
        for number in (2, 3):
            file.write(b"From ann@acme.example Mon Feb  2 10:00:00 2026\n" + lib.message(number).replace(b"\r\n", b"\n") + b"\n")
    os.makedirs(folder + "/maildir/cur")
    os.makedirs(folder + "/maildir/new")
    os.makedirs(folder + "/maildir/tmp")
    with open(folder + "/maildir/cur/4:2,S", "wb") as file:
        file.write(lib.message(4))
    here = os.getcwd()
    os.chdir(folder)
    try:
        lines = lib.bonafide("score", "--json", "one.eml", "two.mbox", "maildir", expect=0).out.splitlines()
        lib.check(not os.path.exists("data"), "score made a data folder")
    finally:
        os.chdir(here)
    lib.check(len(lines) == 4, lines)
    for line in lines:
        row = json.loads(line)
        lib.check(row["verdict"] in ("trusted", "suspicious", "untrusted") and 0 <= row["trust"] <= 100, row)
        lib.check("reasons" in row and "evidence" in row, row)
    piped = lib.bonafide("score", "--json", stdin=lib.message(1), expect=0).out
    lib.check(json.loads(piped)["trust"] == json.loads(lines[0])["trust"], piped)
    lib.bonafide("score", folder + "/nothing.eml", expect=66)


@lib.test
def a_folder_without_data_is_said_so(folder):
    missing = lib.bonafide("status", "--data", folder + "/none")
    lib.check(missing.returncode == 66 and "no data" in missing.err, missing.err)
    lib.check(not os.path.exists(folder + "/none"), "status made a folder")


@lib.test
def a_configuration_with_mistakes_is_explained(folder):
    path = folder + "/bonafide.yaml"
    with open(path, "w") as file:
        file.write("version: 1\napi:\n  lisen: 127.0.0.1:0\n")
    lint = lib.bonafide("config", "lint", path)
    lib.check(lint.returncode == 1 and "lisen" in lint.out + lint.err and "listen" in lint.out + lint.err, lint.out, lint.err)
    lib.check(":3:" in lint.out + lint.err, "the place is not named", lint.out, lint.err)
    with open(path, "w") as file:
        file.write("version: 1\n")
    lib.bonafide("config", "lint", path, expect=0)
    lib.check("listen" in lib.bonafide("config", "show", expect=0).out, "defaults are not shown")
    json.loads(lib.bonafide("config", "schema", "--json", expect=0).out)


@lib.test
def the_built_in_schemas_are_compatible(_):
    lib.bonafide("schema", "check", expect=0)
    listed = lib.bonafide("schema", "list", expect=0).out
    lib.check("mail.scored" in listed, listed)


lib.main()
