#!/usr/bin/env python3
"""The schema registry as Confluent's own Python client uses it: registers, fetches by id and version, is refused what is not
compatible, deletes, and finds everything again after kill -9. Values written by its serializer carry our ids.

  registry_confluent.py BINARY

The client comes from PyPI into build/registry-venv, once. Exit 77 where it cannot be had."""
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "confluent-kafka[avro,schemaregistry]==2.16.0"
VENV = os.path.join(HERE, "..", "..", "build", "registry-venv")


def in_venv():
    """Runs this script again with the client at hand, or says why it cannot."""
    python = os.path.join(VENV, "bin", "python")
    have = os.path.exists(python) and subprocess.run(
        [python, "-c", "import confluent_kafka.schema_registry.avro"], capture_output=True, check=False).returncode == 0
    if not have:
        for command in ([sys.executable, "-m", "venv", "--clear", VENV],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"{PACKAGE} cannot be had: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
                sys.exit(77)
    os.environ["REGISTRY_CONFLUENT_VENV"] = "1"
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


if "REGISTRY_CONFLUENT_VENV" not in os.environ:
    in_venv()

sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lib  # noqa: E402
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402

V1 = '{"type":"record","name":"Mail","fields":[{"name":"from","type":"string"},{"name":"size","type":"int"}]}'
V2 = V1[:-2] + ',{"name":"score","type":"double","default":0.5}]}'
UNLIKE = '{"type":"record","name":"Mail","fields":[{"name":"from","type":"int"},{"name":"must","type":"string"}]}'
TOPIC = "team a/letters"
SUBJECT = TOPIC + "-value"


def refused(status, code, call, *arguments, **named):
    """The words of the refusal with which `call` must be answered."""
    try:
        answer = call(*arguments, **named)
    except SchemaRegistryError as error:
        lib.check((error.http_status_code, error.error_code) == (status, code), f"{status} {code} expected:", error)
        return str(error)
    raise AssertionError(f"{status} {code} expected, got {answer}")


def client_of(service):
    return SchemaRegistryClient({"url": f"http://{service.host.netloc}"})


def avro(text):
    return Schema(text, "AVRO")


def registers_and_serializes(client):
    context = SerializationContext(TOPIC, MessageField.VALUE)
    first = AvroSerializer(client, V1)({"from": "ann@acme.example", "size": 7}, context)
    lib.check(first[0] == 0, "the magic byte")
    number = struct.unpack(">I", first[1:5])[0]
    lib.check(AvroDeserializer(client)(first, context) == {"from": "ann@acme.example", "size": 7}, "read back")
    lib.check(AvroDeserializer(client, V2)(first, context)["score"] == 0.5, "resolved")
    second = client.register_schema(SUBJECT, avro(V2))
    lib.check(second > number and client.register_schema(SUBJECT, avro(V1)) == number, "ids")
    lib.check(client.register_schema("other", avro(V2)) == second, "the same schema has the same id")
    lib.check(client.get_versions(SUBJECT) == [1, 2], client.get_versions(SUBJECT))
    return number, second


def fetches(client, first, second):
    lib.check('"size"' in client.get_schema(first).schema_str, "by id")
    lib.check(client.get_version(SUBJECT, 1).schema_id == first, "by version")
    latest = client.get_latest_version(SUBJECT)
    lib.check((latest.version, latest.schema_id) == (2, second), latest)
    lib.check(client.lookup_schema(SUBJECT, avro(V1)).version == 1, "by schema")
    lib.check(client.get_subjects_by_schema_id(second) == sorted(["other", SUBJECT]), "subjects of an id")
    lib.check({SUBJECT, "other", "mail.scored-value"} <= set(client.get_subjects()), client.get_subjects())
    refused(404, 40403, client.get_schema, 9999)
    refused(404, 40401, client.get_version, "none", 1)
    refused(404, 40402, client.get_version, SUBJECT, 9)


def is_refused(client):
    client.set_compatibility(SUBJECT, "FULL_TRANSITIVE")
    lib.check(client.get_compatibility(SUBJECT) == "FULL_TRANSITIVE", "level")
    lib.check(client.test_compatibility(SUBJECT, avro(V2)), "V2 fits")
    lib.check(not client.test_compatibility(SUBJECT, avro(UNLIKE)), "what does not fit")
    lib.check(not client.test_compatibility_all_versions(SUBJECT, avro(UNLIKE)), "what does not fit any")
    words = refused(409, 409, client.register_schema, SUBJECT, avro(UNLIKE))
    lib.check("int cannot be read as string" in words or "string cannot be read as int" in words, words)
    refused(422, 42201, client.register_schema, SUBJECT, avro('{"type":"recor"}'))
    refused(422, 42203, client.set_compatibility, SUBJECT, "SOMEHOW")
    client.update_mode("other", "READONLY")
    refused(422, 42205, client.register_schema, "other", avro(V1))
    client.delete_mode("other")
    # What our own events are written by stays.
    refused(409, 409, client.register_schema, "mail.scored-value", avro(V1))
    refused(422, 42205, client.delete_subject, "mail.scored-value")
    refused(422, 42205, client.set_compatibility, "mail.scored-value", "NONE")


def deletes(client, service, second):
    refused(404, 40407, client.delete_version, SUBJECT, 2, permanent=True)
    lib.check(client.delete_version(SUBJECT, 2) == 2, "softly")
    service.kill()
    service.start()
    client = client_of(service)
    lib.check(client.get_versions(SUBJECT) == [1], "a soft deletion that was answered survives kill -9")
    refused(404, 40406, client.delete_version, SUBJECT, 2)
    lib.check('"score"' in client.get_schema(second).schema_str, "data written by it stay readable")
    lib.check(client.delete_version(SUBJECT, 2, permanent=True) == 2, "for good")
    lib.check(client.delete_subject("other") == [1], "a subject")
    refused(404, 40404, client.delete_subject, "other")
    lib.check(client.delete_subject("other", permanent=True) == [1], "a subject for good")
    refused(404, 40401, client.delete_subject, "other")
    lib.check("other" not in client.get_subjects(deleted=True), "gone")


def main():
    with tempfile.TemporaryDirectory(prefix="bonafide-registry-") as folder:
        service = lib.Service(folder + "/data").start()
        try:
            client = client_of(service)
            first, second = registers_and_serializes(client)
            fetches(client, first, second)
            is_refused(client)
            deletes(client, service, second)
            service.stop()
        finally:
            if service.process.poll() is None:
                service.kill()
    print("Confluent's Python client: registered, fetched, refused, deleted")


main()
