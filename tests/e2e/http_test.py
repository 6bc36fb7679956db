#!/usr/bin/env python3
"""The HTTP door and the look-ups of a running service, as a client sees them."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402


@lib.test
def a_repeat_is_answered_with_the_first_id(folder):
    service = lib.Service(folder + "/data").start()
    status, first, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="bob@home.example")
    lib.check(status == 202 and first["duplicate"] is False, status, first)
    status, second, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="bob@home.example")
    lib.check(second == {**first, "duplicate": True}, status, second)
    service.kill()
    service.start()  # also after a crash
    _, third, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="BOB@home.example")
    lib.check(third["id"] == first["id"] and third["duplicate"], third)
    _, other, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="eve@home.example")
    lib.check(not other["duplicate"] and other["id"] != first["id"], other)
    service.idle()
    lib.check(len(lib.stored_ids(folder + "/data")) == 2, "rows")
    service.stop()


@lib.test
def waiting_gives_the_verdict(folder):
    service = lib.Service(folder + "/data").start()
    status, answer, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="bob@home.example", wait="2s")
    lib.check(status == 200 and answer["verdict"] in ("trusted", "suspicious", "untrusted"), status, answer)
    lib.check(0 <= answer["trust"] <= 100 and answer["reasons"], answer)
    service.idle()
    status, row, _ = service.get("/v1/messages/" + answer["id"])
    row = json.loads(row)
    lib.check(status == 200 and row["trust"] == answer["trust"], row)
    # a repeat that waits is answered with the first verdict
    status, again, _ = service.post(lib.message(1), mail_from="ann@acme.example", rcpt_to="bob@home.example", wait="2s")
    lib.check(status == 200 and again["id"] == answer["id"] and again["verdict"] == answer["verdict"], again)
    shown = lib.bonafide("show", answer["id"], "--json", "--data", folder + "/data", expect=0)
    lib.check(json.loads(shown.out)["id"] == answer["id"], shown.out)
    lib.bonafide("show", answer["id"], "--rescore", "--data", folder + "/data", expect=0)
    service.stop()
    lib.bonafide("show", answer["id"], "--rescore", "--data", folder + "/data", expect=0)


@lib.test
def score_beside_the_service_uses_its_history_and_stores_nothing(folder):
    service = lib.Service(folder + "/data").start()
    for number in range(12):
        service.post(lib.message(number), mail_from="ann@acme.example", rcpt_to="bob@home.example", wait="2s")
    service.idle()
    fresh = json.loads(lib.bonafide("score", "--json", stdin=lib.message(50), expect=0).out)
    known = json.loads(lib.bonafide("score", "--json", "--data", folder + "/data", stdin=lib.message(50), expect=0).out)
    lib.check(known["evidence"] != fresh["evidence"], "the history of the service was not used")
    lib.check(len(lib.stored_ids(folder + "/data")) == 12, "score stored something")
    service.stop()


@lib.test
def errors_say_what_to_do(folder):
    service = lib.Service(folder + "/data").start()
    for method, path, body, expected in [
            ("GET", "/v1/messages/" + "0" * 32, None, 404), ("GET", "/v1/messages/xyz", None, 400),
            ("GET", "/v1/nothing", None, 404), ("PUT", "/v1/messages", b"x", 405),
            ("POST", "/v1/messages?rcpt=a", lib.message(1), 400), ("POST", "/v1/messages?tenant=nobody", lib.message(1), 400)]:
        status, answer, headers = service.request(method, path, body)
        lib.check(status == expected, method, path, status, answer)
        problem = json.loads(answer)
        lib.check(headers["Content-Type"] == "application/problem+json" and problem["status"] == expected and problem["detail"], problem)
    service.stop()


@lib.test
def the_metrics_are_clean(folder):
    service = lib.Service(folder + "/data").start()
    service.post(lib.message(1), rcpt_to="bob@home.example", wait="2s")
    status, text, headers = service.get("/metrics")
    lib.check(status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    lib.check(done.returncode == 0, done.stdout, done.stderr)
    for name in ("bonafide_events_received_total", "bonafide_end_to_end_lag_seconds_count", "bonafide_verdicts_total",
                 "bonafide_heartbeat_timestamp_seconds"):
        lib.check(name.encode() in text, name, "is missing")
    service.stop()


@lib.test
def another_process_is_told_who_holds_the_folder(folder):
    service = lib.Service(folder + "/data").start()
    second = lib.bonafide("run", "--data", folder + "/data", "--listen", "127.0.0.1:0")
    lib.check(second.returncode != 0 and str(service.process.pid) in second.err, second.err)
    service.stop()


@lib.test
def only_loopback_without_a_token(folder):
    refused = lib.bonafide("run", "--data", folder + "/data", "--listen", "0.0.0.0:0", timeout=20)
    lib.check(refused.returncode == 78 and "token" in refused.err, refused.returncode, refused.err)


lib.main()
