"""The supervisor's command line, before it starts anything."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps.operations.processes import PROJECT_ROOT
from apps.operations.supervisor.demo import describe
from apps.operations.tests.embedded_cases import environment


def run_supervisor(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apps.operations.supervisor", "demo"],
        cwd=PROJECT_ROOT,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_busy_port_is_reported_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run_supervisor(tmp_path / "home", PORT=str(port))
    assert (result.returncode, result.stdout, result.stderr) == (
        1,
        "",
        f"error: Port {port} cannot be used (Address already in use). Stop the program that has "
        f"it, or choose another: make demo PORT={port + 1}\n",
    )
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "8000.5"])
def test_port_that_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    result = run_supervisor(tmp_path / "home", PORT=port)
    assert (result.returncode, result.stderr) == (
        1,
        f"error: PORT={port!r} is not a port number (1 to 65535).\n",
    )


def test_person_is_told_the_address_and_the_logins() -> None:
    report = {
        "logins": [
            {"host": "acme.localhost", "user": "rita", "password": "demo", "role": "rep"},
            {"host": "globex.localhost", "user": "mona", "password": "demo", "role": "manager"},
        ]
    }
    assert describe(report, 9000, Path("/home/x/.aisha/logs")) == "\n".join(
        [
            "",
            "AiSHA runs at http://acme.localhost:9000",
            "",
            "  host              user  password  role",
            "  acme.localhost    rita  demo      rep",
            "  globex.localhost  mona  demo      manager",
            "",
            "Logs lie in /home/x/.aisha/logs. Ctrl-C stops everything.",
        ]
    )
