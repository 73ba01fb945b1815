"""`make demo` from end to end, as real processes: prepare, serve, die, start again, stop."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.operations.processes import PROJECT_ROOT
from apps.operations.tests.embedded_cases import (
    environment,
    is_alive,
    processes_of,
    run_embedded,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SUPERVISOR = [sys.executable, "-m", "apps.operations.supervisor", "demo"]
PREPARATION_TIMEOUT_S = 300


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The home of a demo that the tests of this module prepare once."""
    folder = Path(tempfile.mkdtemp(prefix="aisha-demo-test-"))
    path = folder / "home"
    yield path
    assert wait_until(lambda: not list(processes_of(path)), timeout_s=30)
    assert run_embedded(path, "clean").returncode == 0
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    """What `make demo-once` prints on standard output, which must be one JSON object."""
    result = subprocess.run(
        [*SUPERVISOR, "--once"],
        cwd=PROJECT_ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PREPARATION_TIMEOUT_S,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


class Served:
    """A supervisor that serves the demo."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            SUPERVISOR,
            cwd=PROJECT_ROOT,
            env=environment(home, PORT=str(port)),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if line.startswith("Logs lie in"):
                return
        pytest.fail("\n".join(self.said))

    def status_of(self, path: str, host: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": f"{host}:{self.port}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def end(self, signal_number: int) -> int:
        self.process.send_signal(signal_number)
        self.process.communicate(timeout=60)
        return self.process.returncode


def children_of(pid: int) -> set[int]:
    """All living descendants of a process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def test_demo_once_reports_both_tenants_and_the_seconds_of_each_stage(
    report: dict[str, Any],
) -> None:
    assert list(report) == ["tenants", "seconds"]
    assert sorted(report["tenants"]) == ["acme", "globex"]
    assert list(report["seconds"])[:3] == ["servers", "migrations", "operator"]
    assert {"acme: import", "acme: scan", "globex: import", "globex: scan"} < set(report["seconds"])
    assert all(seconds >= 0 for seconds in report["seconds"].values())


def test_demo_serves_its_tenants_and_sigint_stops_everything(
    report: dict[str, Any], home: Path, port: int
) -> None:
    served = Served(home, port)
    assert f"AiSHA runs at http://acme.localhost:{port}" in served.said
    assert served.status_of("/healthz", "localhost") == 200
    assert served.status_of("/", "acme.localhost") == 302  # to the sign-in page
    assert served.status_of("/", "unknown.localhost") == 404
    processes = children_of(served.process.pid)
    assert len(processes) >= 6  # keeper, leash, web, worker, the worker's two, beat
    assert served.end(signal.SIGINT) == 0
    assert wait_until(lambda: not any(is_alive(pid) for pid in processes), timeout_s=5)


def test_second_supervisor_of_a_home_is_refused(
    report: dict[str, Any], home: Path, port: int
) -> None:
    served = Served(home, port)
    second = subprocess.run(
        SUPERVISOR,
        cwd=PROJECT_ROOT,
        env=environment(home, PORT=str(port)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (second.returncode, second.stderr) == (
        1,
        f"error: AiSHA is being served from {home} already: process {served.process.pid}, "
        f"http://acme.localhost:{port}. Stop it first, or choose another AISHA_HOME.\n",
    )
    assert served.end(signal.SIGTERM) == 0


def test_killed_supervisor_leaves_no_process_and_the_next_start_works(
    report: dict[str, Any], home: Path, port: int
) -> None:
    served = Served(home, port)
    processes = children_of(served.process.pid)
    served.process.kill()
    served.process.communicate(timeout=60)
    assert wait_until(lambda: not any(is_alive(pid) for pid in processes), timeout_s=20)
    assert Served(home, port).end(signal.SIGINT) == 0
