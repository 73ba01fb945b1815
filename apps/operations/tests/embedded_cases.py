"""What the tests of the embedded servers share: a home of their own, and who runs in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apps.operations.embedded.home import Home
from apps.operations.processes import PROJECT_ROOT

EMBEDDED = [sys.executable, "-m", "apps.operations.embedded"]
# What the test run itself was started with, and a newcomer's shell does not have.
OURS = frozenset(
    {
        *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "AISHA_HOME"),
        *("AISHA_ENV", "AISHA_DATABASE_ACCOUNT", "DJANGO_SETTINGS_MODULE"),
    }
)

# Runs inside `embedded run`: evaluates an expression with connections at hand.
PROBE = """
import json, os, psycopg, socket, sys
def ask(sql, login="DATABASE_URL"):
    with psycopg.connect(os.environ[login], autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None
def ping():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["REDIS_URL"].removeprefix("unix://"))
        connection.sendall(b"PING\\r\\n")
        return connection.recv(16) == b"+PONG\\r\\n"
print(json.dumps(eval(sys.argv[1])), flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()  # until the test lets go
"""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Our environment without what makes this a test run."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**inherited, "AISHA_HOME": str(home), **variables}


def run_embedded(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the embedded servers to its end."""
    return subprocess.run(
        [*EMBEDDED, *arguments],
        cwd=PROJECT_ROOT,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(home: Path, expression: str, **variables: str) -> Any:
    """The value of an expression of PROBE, evaluated with the servers of `home`."""
    command = [sys.executable, "-c", PROBE, expression]
    result = run_embedded(home, "run", "--volatile", "--", *command, **variables)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


class Holder:
    """A command that uses the servers of a home until it is let go."""

    def __init__(self, home: Path, expression: str = "1", option: str = "--volatile") -> None:
        options = [option] if option else []
        self.process = subprocess.Popen(
            [*EMBEDDED, "run", *options, "--", sys.executable, "-c", PROBE, expression, "hold"],
            cwd=PROJECT_ROOT,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.answer = json.loads(line)

    def let_go(self) -> int:
        """Let the command end; the exit code of `embedded run`."""
        self.process.communicate(timeout=60)
        return self.process.returncode

    def end(self) -> tuple[int, str]:
        """Wait until it ends without being let go; its exit code and its last words."""
        code = self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        if self.process.stderr is None:
            return code, ""
        with self.process.stderr as stderr:
            return code, stderr.read()

    def kill(self) -> None:
        """kill -9 the `embedded run` process itself."""
        self.process.kill()
        self.let_go()


def keeper_pid(home: Path) -> int:
    """The process that keeps the servers of `home`."""
    return int(json.loads(Home(home).keeper_note.read_text())["pid"])


def place_of(home: Path) -> Path:
    """Where the servers' files of `home` lie."""
    note = Home(home).place_note
    return Path(json.loads(note.read_text())["directory"]) if note.exists() else home


def processes_of(home: Path) -> Iterator[str]:
    """The command lines of all processes that belong to the servers of `home`."""
    place = place_of(home)
    sockets = Home(home).keeper_note
    needles = [f"keep {home} ", f"-D {place}/postgres "]
    if sockets.exists():
        needles.append(json.loads(sockets.read_text())["sockets"])
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            folder = os.readlink(entry / "cwd")
        except OSError:
            continue
        if folder == f"{place}/postgres" or any(needle in command for needle in needles):
            yield command


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    """Whether `condition` becomes true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)
