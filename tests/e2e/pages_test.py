#!/usr/bin/env python3
"""What is made from definitions: man page, completion, component pages, OpenAPI document."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def verbs(*path):
    """The names of the verbs below one, from its help."""
    text = lib.bonafide(*path, "--help", expect=0).out
    below = text.split("Subcommands:")[1].split("Examples:")[0] if "Subcommands:" in text else ""
    return re.findall(r"^  ([a-z]+)\b", below, re.M)


def completed(line):
    """What a real bash offers at the end of the line."""
    script = f"""
source <({lib.BINARY} completion bash)
COMP_LINE={json.dumps(line)}
COMP_WORDS=($COMP_LINE)
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p bonafide | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-u", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    lib.check(done.returncode == 0 and not done.stderr, line, done.stderr)
    return set(done.stdout.split())


@lib.test
def every_verb_and_option_stands_in_the_man_page(folder):
    page = lib.bonafide("man", expect=0).out
    shown = page.replace("\\-", "-").replace("\\e", "\\")
    tops = verbs()
    lib.check({"run", "tail", "top", "status", "man", "completion"} <= set(tops), tops)
    for top in tops:
        for verb in [[top, below] for below in verbs(top)] or [[top]]:
            lib.check(f'.SS "bonafide {" ".join(verb)}' in shown, verb, "has no section")
            section = shown.split(f'.SS "bonafide {" ".join(verb)}')[1].split(".SS ")[0]
            for option in re.findall(r"^  (?:-\w,)?(--[a-z-]+)", lib.bonafide(*verb, "--help", expect=0).out, re.M):
                lib.check("\\fB" + option + "\\fR" in section, verb, option, "is not described")
    if shutil.which("man"):
        with open(folder + "/bonafide.1", "w", encoding="utf-8") as file:
            file.write(page)
        done = subprocess.run(["man", "--warnings", "-l", folder + "/bonafide.1"], capture_output=True, text=True, check=False,
                              env=dict(os.environ, MANPAGER="cat", LC_ALL="C.UTF-8", MANWIDTH="80"))
        lib.check(done.returncode == 0 and not done.stderr, done.stderr)
        lib.check("bonafide tail" in done.stdout and "EXIT STATUS" in done.stdout, done.stdout[:2000])


@lib.test
def bash_completes_verbs_options_and_values(folder):
    lib.check(set(verbs()) <= completed("bonafide "), completed("bonafide "))
    lib.check(completed("bonafide sta") == {"status", "stats"}, completed("bonafide sta"))
    lib.check(completed("bonafide avro ") == set(verbs("avro")), completed("bonafide avro "))
    lib.check(completed("bonafide config l") == {"lint"}, "config l")
    lib.check({"--follow", "-f", "--verdict", "--json", "--data"} <= completed("bonafide tail mail.scored -"), "options of tail")
    lib.check(completed("bonafide tail --fo") == {"--follow"}, "tail --fo")
    lib.check({"mail.scored", "mail.parked"} <= completed("bonafide tail "), completed("bonafide tail "))
    lib.check(completed("bonafide export --format ") == {"jsonl", "avro"}, "format")
    lib.check(completed("bonafide avro recode a b --codec s") == {"snappy"}, "codec")
    lib.check(completed("bonafide completion ") == {"bash", "zsh", "fish"}, "shells")
    os.makedirs(folder + "/some-data")
    lib.check(completed(f"bonafide status --data {folder}/so") == {folder + "/some-data"}, "folders")
    for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
        script = lib.bonafide("completion", shell, expect=0).out
        lib.check("mail.scored" in script and "recode" in script, shell)
        if shutil.which(shell):
            with open(f"{folder}/script.{shell}", "w", encoding="utf-8") as file:
                file.write(script)
            done = subprocess.run([*check, f"{folder}/script.{shell}"], capture_output=True, text=True, check=False)
            lib.check(done.returncode == 0 and not done.stderr, shell, done.stderr)
    lib.bonafide("completion", "tcsh", expect=64)


@lib.test
def component_pages_are_what_the_fields_say(folder):
    """When this fails: bonafide config docs docs/components"""
    lib.bonafide("config", "docs", folder + "/pages", expect=0)
    made, kept = folder + "/pages", os.path.join(ROOT, "docs", "components")
    lib.check(sorted(os.listdir(made)) == sorted(os.listdir(kept)), "pages:", set(os.listdir(made)) ^ set(os.listdir(kept)))
    for name in os.listdir(made):
        with open(f"{made}/{name}", encoding="utf-8") as new, open(f"{kept}/{name}", encoding="utf-8") as old:
            lib.check(new.read() == old.read(), name, "is stale: run `bonafide config docs docs/components`")
    keys = re.findall(r"^\| `(\w+)` \|", open(f"{kept}/archive.md", encoding="utf-8").read(), re.M)
    lib.check(keys == ["codec", "file_size", "file_age"], keys)


@lib.test
def the_service_describes_its_calls(folder):
    service = lib.Service(folder + "/data").start()
    status, body, headers = service.get("/v1/openapi.json")
    document = json.loads(body)
    lib.check(status == 200 and headers["Content-Type"] == "application/json" and document["openapi"].startswith("3.1"), headers)
    for path, methods in document["paths"].items():
        for method in methods:
            asked = re.sub(r"\{\w+\}", "1", path)
            if path in ("/v1/events",):
                continue
            answer, text, _ = service.request("HEAD" if method == "get" else method.upper(), asked)
            lib.check(answer != 405 and b"do you mean" not in text and b"there is no /" not in text, method, path, answer, text)
    service.stop()


lib.main()
