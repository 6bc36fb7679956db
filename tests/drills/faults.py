"""Faults put between the service and the kernel by strace, and what strace says of them."""
import os
import re
import shutil
import subprocess
import time

from drill import lib


class Faults:
    """strace with one injection, and what it did."""

    def __init__(self, folder, calls, fault):
        self.trace = folder + "/strace.out"
        if os.path.exists(self.trace):
            os.remove(self.trace)
        # A signal cannot be put in where the kernel's own filter stops a call.
        fast = [] if fault.startswith("signal") else ["--seccomp-bpf"]
        self.under = ["strace", "-D", "-f", *fast, "-qq", "-ttt", "-y", "-s", "0", "-o", self.trace,
                      "-e", "trace=" + calls, "-e", f"inject={calls}:{fault}"]

    def lines(self):
        with open(self.trace, errors="replace") as file:
            return file.read().splitlines()

    def fired(self):
        """(seconds since 1970, file) of each fault."""
        begun, faults = {}, []
        for line in self.lines():
            thread, at, rest = line.split(None, 2)
            named = re.search(r"\(\d+<([^>]*)>", rest)
            if named:
                begun[thread] = named.group(1)
            if rest.endswith(("(INJECTED)", "(DELAYED)")):
                faults.append((float(at), begun.get(thread, "")))
        return faults

    def parts(self):
        """The parts of the data folder that were hit, one for each fault there."""
        return [part for _, file in self.fired() if (part := data_file(file))]


def data_file(path):
    """Which part of the data folder a file is of; empty: of something else."""
    found = re.search(r"/data-\d+/(?:([a-z]+)/)?([^/]*)$", path)
    return (found.group(1) or found.group(2)) if found else ""


def after_a_fault(service, load):
    """Without the fault: it starts, takes mail, and all that was acked is there."""
    service.start()
    load.during(lambda: load.grow(5))
    load.finish()
    service.stop()
    load.check_stored()


def under_load(service, load, faults, seconds):
    """Starts it with the fault to come, and loads it until it ends or the time is over. Whether it had got up."""
    service.launch(under=faults.under)
    if not service.up(60):
        return False
    load.during(lambda: end_within(service, seconds))
    return True


def end_within(service, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not service.ended():
        time.sleep(0.01)


def missing():
    if not shutil.which("strace"):
        return "strace is missing: apt install strace"
    tried = subprocess.run(["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                            "-e", "inject=fdatasync:error=EIO:when=1", "true"], check=False, capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here, or is too old: " + tried.stderr.decode()[:200].strip()
