#!/usr/bin/env python3
"""A stock Prometheus scrapes the running service: the target is up, promtool finds nothing to say about the metrics, and
queries answer what was sent.

  prometheus_scrapes.py BINARY

Needs Debian's package prometheus (with promtool). Exit 77 without."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lib  # noqa: E402

COUNT = 12
CONFIGURATION = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: bonafide
    static_configs:
      - targets: ['{target}']
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Prometheus:
    def __init__(self, folder, target):
        self.url = f"http://127.0.0.1:{free_port()}"
        with open(folder + "/prometheus.yml", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(target=target))
        self.log = open(folder + "/prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
             "--web.listen-address=" + self.url.removeprefix("http://")], stdout=self.log, stderr=self.log)

    def ask(self, path, **query):
        try:
            with urllib.request.urlopen(self.url + path + "?" + urllib.parse.urlencode(query), timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, query):
        """Of the one series that answers; None while there is none."""
        data = self.ask("/api/v1/query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def check_metrics(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    lib.check(done.returncode == 0 and not done.stdout and not done.stderr, "promtool:", done.stdout.decode(), done.stderr.decode())


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("no Prometheus found: apt-get install prometheus")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="bonafide-prometheus-") as folder:
        service = lib.Service(folder + "/data").start()
        prometheus = Prometheus(folder, service.host.netloc)
        try:
            for number in range(COUNT):
                service.post(lib.message(number), wait="2s", mail_from="ann@acme.example", rcpt_to="bob@home.example")
            service.idle()
            status, text, headers = service.get("/metrics")
            lib.check(status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers)
            check_metrics(text)
            targets = lib.eventually(lambda: (lambda data: data and data["activeTargets"])(prometheus.ask("/api/v1/targets")), 30,
                                     "a target")
            lib.eventually(lambda: prometheus.value("up{job='bonafide'}") == 1, 30, "a target that is up")
            lib.check(len(targets) == 1, targets)
            lib.eventually(lambda: prometheus.value("sum(bonafide_verdicts_total)") == COUNT, 20, "the verdicts")
            quantile = "histogram_quantile(0.99, sum by (le) (bonafide_end_to_end_lag_seconds_bucket))"
            lib.check(0 < lib.eventually(lambda: prometheus.value(quantile), 20, "a quantile") < 5, "p99")
            lib.eventually(lambda: prometheus.value("time() - max(bonafide_heartbeat_timestamp_seconds{step='archive'})"), 30,
                           "a heartbeat through the whole pipeline")
            service.stop()
            lib.eventually(lambda: prometheus.value("up{job='bonafide'}") == 0, 20, "a target that is down")
        finally:
            prometheus.stop()
            if service.process.poll() is None:
                service.kill()
    print("Prometheus: scraped, checked, queried")


main()
