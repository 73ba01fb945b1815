"""Using the embedded servers: join the keeper of an AISHA_HOME, or start one."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from apps.operations.embedded.exceptions import EmbeddedServerError, KeeperNotReachableError
from apps.operations.embedded.home import Home, open_home
from apps.operations.processes import PROJECT_ROOT

_START_TIMEOUT_S = 120.0  # the first start copies programs and writes new data
_STOP_TIMEOUT_S = 60.0


def missing_servers(environment: Mapping[str, str]) -> list[str]:
    """Which servers have no address in `environment`, and so must be ours."""
    variables = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}
    return [name for name, variable in variables.items() if not environment.get(variable)]


@dataclass
class Servers:
    """The embedded servers in use by this process; a context manager that lets them go.

    Attributes:
        environment: the addresses to export; empty when every server was given.
        connection: our hold on the keeper; None when nothing of ours is in use.
    """

    environment: dict[str, str]
    connection: socket.socket | None = None

    def are_lost(self) -> bool:
        """Whether the keeper has gone, and the servers with it."""
        if self.connection is None:
            return False
        try:
            return self.connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def release(self) -> None:
        """Let go. The last user waits until the servers have stopped."""
        if self.connection is None:
            return
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_STOP_TIMEOUT_S)
            while self.connection.recv(64):
                pass
        except OSError:
            pass
        self.connection.close()
        self.connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def use_servers(home: Home, environment: Mapping[str, str], *, volatile: bool = False) -> Servers:
    """Return the servers that `environment` has no address for, started if need be.

    Args:
        volatile: start PostgreSQL without fsync, for tests; without effect when it runs.

    Raises:
        EmbeddedServerError: a server cannot be started or reached.
    """
    need = missing_servers(environment)
    if not need:
        return Servers({})
    open_home(home)
    with home.start_lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = _connect(home) or _start_keeper(home)
    request = {"need": need, "volatile": volatile}
    try:
        connection.settimeout(_START_TIMEOUT_S)
        connection.sendall(json.dumps(request).encode() + b"\n")
        reply = json.loads(_read_line(connection))
    except OSError as error:
        connection.close()
        raise KeeperNotReachableError(f"The embedded servers do not answer: {error}.") from error
    if "error" in reply:
        servers = Servers({}, connection)
        servers.release()
        raise EmbeddedServerError(reply["error"])
    connection.settimeout(None)
    return Servers(reply["environment"], connection)


def find_running(home: Home) -> tuple[int, Path] | None:
    """The pid and socket directory of the keeper of `home`, if it has one."""
    try:
        note = json.loads(home.keeper_note.read_text())
    except FileNotFoundError:
        return None
    return note["pid"], Path(note["sockets"])


def _connect(home: Home) -> socket.socket | None:
    """Connect to the keeper that runs; None when there is none, or it is ending."""
    running = find_running(home)
    if running is None:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(running[1] / "control"))
    except OSError:
        connection.close()
        return None
    return connection


def _start_keeper(home: Home) -> socket.socket:
    """Wait until the last keeper has ended, start a new one, and connect to it."""
    _wait_for_keeper_lock(home)
    read_fd, write_fd = os.pipe()
    with home.keeper_log.open("wb") as log, os.fdopen(read_fd, "rb") as ready:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "apps.operations.embedded",
                "keep",
                str(home.path),
                str(write_fd),
            ],
            cwd=PROJECT_ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[write_fd],
            # It outlives us while others use the servers, and no Ctrl-C reaches it.
            start_new_session=True,
        )
        os.close(write_fd)
        if ready.read(1) == b"!":
            connection = _connect(home)
            if connection is not None:
                return connection
    process.wait()
    said = home.keeper_log.read_text(errors="replace").strip()
    raise KeeperNotReachableError(said or "The keeper of the embedded servers did not start.")


def _wait_for_keeper_lock(home: Home) -> None:
    """Wait until no keeper lives: one that is stopping its servers holds the lock meanwhile."""
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    with home.keeper_lock.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise KeeperNotReachableError(
                        f"The embedded servers of {home.path} run, but cannot be reached."
                    ) from None
                time.sleep(0.05)
            else:
                return


def _read_line(connection: socket.socket) -> bytes:
    """One line, or an error when the keeper goes away before its end."""
    line = b""
    while not line.endswith(b"\n"):
        received = connection.recv(4096)
        if not received:
            raise ConnectionResetError("it ended")
        line += received
    return line
