#!/usr/bin/env python3
"""The SMTP and LMTP doors as mail servers see them, by Python's own clients; and kill -9 under mixed HTTP, SMTP and LMTP load."""
import collections
import json
import os
import random
import smtplib
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

ANN, BOB, EVE = lib.ANN, lib.BOB, "eve@other.example"


def row(service, event):
    """What is stored of a message as it was received."""
    status, body, _ = service.get("/v1/messages/" + event)
    lib.check(status == 200, status, body)
    return json.loads(body)["event"]["received"]


@lib.test
def what_is_accepted_is_stored_under_the_id_of_the_reply(folder):
    service = lib.Service(folder + "/data").start()
    with service.client() as smtp:
        smtp.ehlo()
        for extension in ("pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "xforward"):
            lib.check(smtp.has_extn(extension), extension, "is not offered")
        by_smtp = [lib.id_of(lib.hand_over(smtp, lib.message(number))[0]) for number in range(20)]
    with service.client("lmtp") as lmtp:
        by_lmtp = [lib.id_of(lib.hand_over(lmtp, lib.message(number))[0]) for number in range(20, 30)]
    service.idle()
    lib.check(sorted(id for id, _ in lib.stored_ids(service.data)) == sorted(by_smtp + by_lmtp), "the rows")
    stored = row(service, by_smtp[3])
    lib.check(stored["envelope"]["mail_from"] == ANN and stored["envelope"]["rcpt_to"] == [BOB], stored["envelope"])
    lib.check(stored["door"] == "smtp" and row(service, by_lmtp[0])["door"] == "lmtp", stored)
    text = service.get("/metrics")[1].decode()
    for line in ('bonafide_door_accepted_total{hop="smtp"} 20', 'bonafide_door_accepted_total{hop="lmtp"} 10',
                 'bonafide_door_answer_seconds_count{hop="smtp"} 20'):
        lib.check(line in text, line)
    service.stop()
    lib.bonafide("verify", "--data", service.data, expect=0)


@lib.test
def a_repeat_is_answered_with_the_first_id_through_whatever_door(folder):
    service = lib.Service(folder + "/data").start()
    _, posted, _ = service.post(lib.message(1), mail_from=ANN, rcpt_to=BOB)
    with service.client() as smtp, service.client("lmtp") as lmtp:
        for client in (smtp, lmtp, smtp):
            reply = lib.hand_over(client, lib.message(1))[0]
            lib.check(lib.id_of(reply) == posted["id"] and b"repeat" in reply[1], reply, posted)
    service.kill()
    service.start()
    with service.client() as smtp:
        lib.check(lib.id_of(lib.hand_over(smtp, lib.message(1))[0]) == posted["id"], "after a crash")
    service.idle()
    lib.check(len(lib.stored_ids(service.data)) == 1, "rows")
    service.stop()


@lib.test
def lmtp_gives_each_recipient_the_event_of_its_tenant(folder):
    service = lib.Service(folder + "/data").config(
        "tenants:\n  domains:\n    home: [home.example]\n    other: [other.example]\n  networks:\n    home: [192.0.2.0/24]\n").start()
    with service.client("lmtp") as lmtp:
        bob, eve, dan = map(lib.id_of, lib.hand_over(lmtp, lib.message(1), [BOB, EVE, "dan@home.example"]))
        lib.check(bob == dan != eve, bob, eve, dan)
        # a recipient of nobody here is refused, unless a tenant's own server may be sending to the world
        for origin, expected in (("198.51.100.7", 550), ("192.0.2.7", 250)):
            lmtp.docmd("XFORWARD", "ADDR=" + origin)
            lmtp.docmd("MAIL", f"FROM:<{BOB}>")
            code, text = lmtp.docmd("RCPT", "TO:<x@world.example>")
            lib.check(code == expected, origin, code, text)
            lmtp.docmd("RSET")
    service.idle()
    lib.check(row(service, bob)["tenant"] == "home" and row(service, eve)["tenant"] == "other", "tenants")
    lib.check(row(service, bob)["envelope"]["rcpt_to"] == [BOB, "dan@home.example"], row(service, bob)["envelope"])
    service.stop()


@lib.test
def the_origin_is_what_a_relay_says(folder):
    service = lib.Service(folder + "/data").start()
    with service.client() as smtp:
        smtp.ehlo()
        smtp.docmd("XFORWARD", "NAME=mail.acme.example ADDR=IPV6:2001:DB8::7 HELO=mx.acme.example PROTO=ESMTP")
        told = lib.id_of(lib.hand_over(smtp, lib.message(1))[0])
        untold = lib.id_of(lib.hand_over(smtp, lib.message(2))[0])
    service.idle()
    envelope = row(service, told)["envelope"]
    lib.check(envelope["client_ip"] == "2001:db8::7" and envelope["helo"] == "mx.acme.example", envelope)
    lib.check(row(service, untold)["envelope"]["client_ip"] == "", "our own relay was taken for the sender's server")
    service.stop()
    service.config("smtp:\n  listen: [127.0.0.1:0]\n  relays: [192.0.2.1]\n").start()
    with service.client() as smtp:
        smtp.ehlo()
        lib.check(not smtp.has_extn("xforward"), "offered to a stranger")
        lib.check(smtp.docmd("XFORWARD", "ADDR=192.0.2.7")[0] == 550, "taken from a stranger")
        direct = lib.id_of(lib.hand_over(smtp, lib.message(3))[0])
    service.idle()
    envelope = row(service, direct)["envelope"]
    lib.check(envelope["client_ip"] == "127.0.0.1" and envelope["helo"] == "client.example", envelope)
    service.stop()


@lib.test
def copies_have_the_recipients_that_were_meant(folder):
    service = lib.Service(folder + "/data").config(
        "lmtp:\n  listen: [127.0.0.1:0]\n  copy_to: [bonafide@localhost]\n  copy_domain: bonafide.invalid\n").start()
    with service.client("lmtp") as lmtp:
        first, second = map(lib.id_of, lib.hand_over(lmtp, lib.message(1), [BOB + ".bonafide.invalid", "bonafide@localhost"]))
    service.idle()
    lib.check(first == second and row(service, first)["envelope"]["rcpt_to"] == [BOB], row(service, first)["envelope"])
    service.stop()


def talk(service, data, door="smtp"):
    """Sends bytes and returns all that is said until the door closes or is silent for a while."""
    with socket.create_connection(service.address(door), timeout=3) as peer:
        peer.sendall(data)
        said = b""
        try:
            while piece := peer.recv(65536):
                said += piece
        except socket.timeout:
            pass
        return said.decode()


@lib.test
def smuggled_messages_are_refused(folder):
    service = lib.Service(folder + "/data").start()
    start = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    for end in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r"):
        said = talk(service, start + b"Subject: x\r\n\r\nx" + end + b"MAIL FROM:<admin@d.example>\r\n\r\n.\r\nQUIT\r\n")
        lib.check("\r\n550 5.6.11 " in said and said.count("250 2.1.0") == 1 and said.endswith("221 2.0.0 bye\r\n"), end, said)
    said = talk(service, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + start)
    lib.check("250" not in said, said)
    lib.check(lib.stored_ids(service.data) == [], "something was stored")
    service.stop()


@lib.test
def the_limits_are_told(folder):
    service = lib.Service(folder + "/data").config("api:\n  max_message: 20kB\nsmtp:\n  listen: [127.0.0.1:0]\n  max_connections: 2\n").start()
    with service.client() as smtp:
        smtp.ehlo()
        lib.check(smtp.esmtp_features["size"] == "20000", smtp.esmtp_features)
        lib.check(smtp.docmd("MAIL", "FROM:<a@b.example> SIZE=20001")[0] == 552, "SIZE")
        smtp.docmd("MAIL", "FROM:<a@b.example>")
        codes = [smtp.docmd("RCPT", f"TO:<u{number}@home.example>")[0] for number in range(102)]
        lib.check(codes == [250] * 100 + [452] * 2, collections.Counter(codes))
        lib.check(smtp.data(b"x" * 20000)[0] == 552, "a large message")
        lib.check(smtp.noop()[0] == 250, "the session goes on")
        with service.client():
            try:
                service.client()
                raise AssertionError("a third connection was taken")
            except smtplib.SMTPConnectError as refused:
                lib.check(refused.smtp_code == 421, refused)
    service.stop()


@lib.test
def a_stop_says_so_to_open_sessions(folder):
    service = lib.Service(folder + "/data").start()
    smtp = service.client()
    smtp.ehlo()
    service.stop()
    lib.check(smtp.getreply()[0] == 421, "no 421")


@lib.test
def doors_can_be_shut_and_are_not_opened_to_everybody(folder):
    service = lib.Service(folder + "/data").config("smtp:\n  listen: []\nlmtp:\n  listen: [\"unix:" + folder + "/lmtp\"]\n").start()
    with open(service.data + "/run/addresses.json") as file:
        lib.check("smtp" not in json.load(file), "the SMTP door is open")
    client = smtplib.LMTP(folder + "/lmtp")
    lib.id_of(lib.hand_over(client, lib.message(1))[0])
    client.quit()
    service.stop()
    service.config("smtp:\n  listen: [0.0.0.0:0]\n")
    refused = lib.bonafide("run", "--data", service.data, "--listen", "127.0.0.1:0", timeout=20)
    lib.check(refused.returncode == 78 and "smtp.allow" in refused.err, refused.returncode, refused.err)


@lib.test
def nothing_acked_by_any_door_is_lost_or_doubled(folder):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    kills = int(os.environ.get("KILLS", "6"))
    print("seed", seed)
    chance = random.Random(seed)
    service = lib.Service(folder + "/data")
    load = lib.Load(service, seed)
    for _ in range(kills):
        service.start()

        def until_killed():
            time.sleep(chance.uniform(0.1, 1.5))
            service.kill()

        load.during(until_killed)
    service.start()
    load.during(lambda: time.sleep(0.5))
    load.finish()
    service.stop()
    lib.check(all(load.doors[door] > 20 for door in ("http", "smtp", "lmtp")), "too little load:", load.doors)
    print(f"{load.check_all()} messages acked over {kills} kills ({dict(load.doors)}), each stored once")


lib.main()
