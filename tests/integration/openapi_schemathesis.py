#!/usr/bin/env python3
"""The HTTP API against its own OpenAPI document: schemathesis asks every call for what the document allows and for what it does
not, and must find no server error, no status, media type or answer that the document does not name. The two calls that go
on without an end are asked by hand.

  openapi_schemathesis.py BINARY [EXAMPLES]

schemathesis comes from PyPI into build/schemathesis-venv, once. Exit 77 where it cannot be had."""
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "schemathesis==4.32.5"
VENV = os.path.join(HERE, "..", "..", "build", "schemathesis-venv")
EXAMPLES = sys.argv[2] if len(sys.argv) > 2 else "25"

sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lib  # noqa: E402

# A stream that is followed does not end: it is asked without. Every other call names what there is.
HOOKS = """
import itertools, os, schemathesis

schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
turn = itertools.count()
known = {"/v1/messages/": ("id", os.environ["KNOWN_ID"]), "/v1/streams/": ("stream", "mail.scored"),
         "/subjects/": ("subject", "mail.scored-value"), "/schemas/ids/": ("id", "1")}

@schemathesis.hook
def map_query(context, query):
    if query:
        query.pop("follow", None)
    return query

@schemathesis.hook
def map_path_parameters(context, parameters):
    for path, (name, value) in known.items():
        if parameters and context.operation.path.startswith(path) and name in parameters and next(turn) % 2:
            parameters[name] = value
    return parameters
"""


def program():
    """schemathesis' own, or an exit that says why there is none."""
    found = os.path.join(VENV, "bin", "schemathesis")
    marker = os.path.join(VENV, "package")
    if os.path.exists(found) and os.path.exists(marker) and open(marker, encoding="utf-8").read() == PACKAGE:
        return found
    for command in ([sys.executable, "-m", "venv", "--clear", VENV],
                    [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"{PACKAGE} cannot be had: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
            sys.exit(77)
    with open(marker, "w", encoding="utf-8") as file:
        file.write(PACKAGE)
    return found


def ask_without_an_end(service, document):
    """GET /v1/events and a tail that is followed: the head of the answer is enough."""
    chance = random.Random(7)
    odd = ["", "1", "true", "0", "-1", "x" * 5000, "\x00", "ünï", "2026-01-01T00:00:00Z", "9" * 30, "trusted", "a,b,,", "l0-00", "%"]
    for path in ("/v1/events", "/v1/streams/mail.scored/tail"):
        template = path.replace("mail.scored", "{stream}")
        names = [one["name"] for one in document["paths"][template]["get"]["parameters"] if one["in"] == "query"]
        for _ in range(150):
            query = [(name, chance.choice(odd)) for name in chance.sample(names, chance.randrange(0, 4))]
            connection = http.client.HTTPConnection(service.host.hostname, service.host.port, timeout=10)
            connection.request("GET", path + "?" + urllib.parse.urlencode(query),
                               headers={"Last-Event-ID": urllib.parse.quote(chance.choice(odd))} if chance.random() < 0.3 else {})
            answer = connection.getresponse()
            lib.check(answer.status < 500 and answer.status != 429, path, query, answer.status)
            answer.close()
            connection.close()


def main():
    schemathesis = program()
    with tempfile.TemporaryDirectory(prefix="bonafide-openapi-") as folder:
        with open(folder + "/bonafide.yaml", "w", encoding="utf-8") as file:
            file.write("version: 1\ndoor:\n  keep_raw: 7d\napi:\n  max_views: 1000\n")
        with open(folder + "/hooks.py", "w", encoding="utf-8") as file:
            file.write(HOOKS)
        service = lib.Service(folder + "/data", "--config", folder + "/bonafide.yaml").start()
        try:
            ids = [service.post(lib.message(number), mail_from="ann@acme.example", rcpt_to="bob@home.example")[1]["id"]
                   for number in range(20)]
            service.idle()
            url = f"http://{service.host.netloc}"
            document = json.loads(service.get("/v1/openapi.json")[1])
            done = subprocess.run(
                [schemathesis, "run", url + "/v1/openapi.json", "--phases", "examples,coverage,fuzzing", "--workers", "1",
                 "--exclude-path", "/v1/events", "--max-examples", EXAMPLES, "--seed", "1", "--request-timeout", "20",
                 "--continue-on-failure", "--suppress-health-check", "all", "--checks",
                 "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
                 "unsupported_method,allow_header_conformance", "--no-color"],
                cwd=folder, env=dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=folder, KNOWN_ID=ids[3]), capture_output=True, text=True,
                timeout=1500, check=False)
            print(done.stdout[-12000:], done.stderr[-2000:])
            lib.check(done.returncode == 0, "schemathesis found something")
            ask_without_an_end(service, document)
            # What was asked may have made registry entries and messages; the books balance all the same.
            service.idle()
            service.stop()
            lib.bonafide("verify", "--data", folder + "/data", expect=0)
        finally:
            if service.process.poll() is None:
                service.kill()
    print(f"schemathesis: nothing found in {sum(len(path) for path in document['paths'].values())} operations")


main()
