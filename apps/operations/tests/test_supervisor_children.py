"""The supervisor's children as real processes: restarts, ends, and no orphans."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.operations.processes import PROJECT_ROOT
from apps.operations.supervisor.children import Children, Service
from apps.operations.supervisor.exceptions import ChildDiedError, StopRequested
from apps.operations.tests.embedded_cases import is_alive, kill, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A parent that stops when asked, and a child of its own that does not.
STUBBORN_FAMILY = (
    "(trap '' TERM INT; echo $$ > inner.pid; while :; do sleep 0.1; done) & "
    "echo $! > stubborn.pid; trap 'exit 0' TERM; while :; do sleep 0.1; done"
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def children(tmp_path: Path, said: list[str]) -> Iterator[Children]:
    running = Children(os.environ, tmp_path, said.append, restart_delays_s=(0.0, 0.0))
    yield running
    running.stop()


def family(tmp_path: Path) -> Service:
    return Service("family", ["sh", "-c", f"cd {tmp_path}; {STUBBORN_FAMILY}"])


def pid_in(path: Path) -> int:
    assert wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def watch_until_there_is(path: Path, children: Children) -> None:
    """Let the children be watched until a file appears."""

    def look() -> bool:
        children.check()
        return path.exists()

    assert wait_until(look)


def test_stopping_leaves_no_process_not_even_a_childs_stubborn_child(
    children: Children, tmp_path: Path
) -> None:
    children.start(family(tmp_path))
    stubborn = pid_in(tmp_path / "stubborn.pid")
    children.stop()
    assert wait_until(lambda: not is_alive(stubborn), timeout_s=2)


def test_service_that_dies_is_started_again(
    children: Children, tmp_path: Path, said: list[str]
) -> None:
    script = f"cd {tmp_path}; test -e first || {{ touch first; exit 3; }}; touch second; sleep 60"
    children.start(Service("worker", ["sh", "-c", script]))
    watch_until_there_is(tmp_path / "second", children)
    assert said == ["worker ended with code 3; starting it again in 0 s."]


def test_service_that_keeps_dying_stops_everything_and_shows_its_last_lines(
    children: Children, tmp_path: Path, said: list[str]
) -> None:
    children.start(Service("worker", ["sh", "-c", "echo no broker; kill -KILL $$"]))
    with pytest.raises(ChildDiedError) as caught:
        watch_until_there_is(tmp_path / "never", children)
    lines = "\n  worker | no broker" * 3
    assert str(caught.value) == f"worker was killed by signal 9. Its last lines:{lines}"
    assert said == ["worker was killed by signal 9; starting it again in 0 s."] * 2


def test_service_that_must_not_die_is_not_started_again(
    children: Children, tmp_path: Path, said: list[str]
) -> None:
    children.start(Service("web", ["sh", "-c", "echo no port >&2; exit 1"], is_restarted=False))
    with pytest.raises(ChildDiedError) as caught:
        watch_until_there_is(tmp_path / "never", children)
    assert str(caught.value) == "web ended with code 1. Its last lines:\n  web | no port"
    assert said == []


def test_request_to_stop_ends_a_running_command(children: Children) -> None:
    def ask_to_stop() -> None:
        raise StopRequested

    with pytest.raises(StopRequested):
        children.run("migrations", ["sleep", "600"], ask_to_stop)


@pytest.mark.parametrize("victim", ["supervisor", "supervisor and leash"])
def test_killed_supervisor_leaves_no_process(tmp_path: Path, victim: str) -> None:
    script = (
        "import os, sys, pathlib, time\n"
        "from apps.operations.supervisor.children import Children, Service\n"
        "from apps.operations.processes import Leash\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "children = Children(os.environ, folder, print, _leash=Leash(grace_s=0.5))\n"
        "children.start(Service('family', ['sh', '-c', sys.argv[2]]))\n"
        "print(children._running['family'].process.pid, children._leash._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = f"cd {tmp_path}; {STUBBORN_FAMILY}"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), command],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        leader, leash = map(int, supervisor.stdout.readline().split())
        stubborn = pid_in(tmp_path / "stubborn.pid")
        if victim == "supervisor and leash":
            kill(leash)
        supervisor.kill()
    assert wait_until(lambda: not is_alive(leader), timeout_s=5)
    if victim == "supervisor":
        assert wait_until(lambda: not is_alive(stubborn), timeout_s=5)
    else:
        os.kill(stubborn, signal.SIGKILL)  # beyond the kernel's reach, as documented
