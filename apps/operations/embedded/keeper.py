"""The keeper: one background process per AISHA_HOME that runs the servers while used.

Users connect to its control socket, ask for servers in one line of JSON, get one line
back, and hold the connection open. The kernel closes it however they end, kill -9
included; when the last is gone the keeper stops the servers and ends. When the keeper
itself is killed, the kernel stops the servers (`processes.prepare_child`).

Request: ``{"need": ["postgres", "valkey"], "volatile": false}``.
Reply: ``{"environment": {"DATABASE_URL": "..."}}`` or ``{"error": "..."}``.
"""

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import stat
import sys
import time
from pathlib import Path
from typing import BinaryIO, TypedDict

from apps.operations.embedded.exceptions import EmbeddedServerError, KeeperNotReachableError
from apps.operations.embedded.home import Home, Place, find_place, make_socket_directory
from apps.operations.embedded.postgres import OWNER, RUN_TIME_LOGIN, Postgres, start_postgres
from apps.operations.embedded.valkey import Valkey, start_valkey
from apps.operations.processes import Leash

# The user who started us connects at once; without anybody there is nothing to keep.
_FIRST_USER_TIMEOUT_S = 30.0
_CHECK_INTERVAL_S = 1.0


class Request(TypedDict):
    """What a user asks for: the servers by name, and whether they may be volatile."""

    need: list[str]
    volatile: bool


class Keeper:
    """The servers, and the connections of those who use them."""

    def __init__(self, place: Place, sockets: Path) -> None:
        self._place = place
        self._sockets = sockets
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None
        # Elsewhere the kernel has no parent-death signal: see processes.py.
        self._leash = None if sys.platform == "linux" else Leash(signal.SIGINT)
        self._users: dict[socket.socket, bytes] = {}
        self._leaving: list[socket.socket] = []
        self._stopping = False
        self._selector = selectors.DefaultSelector()

    def serve(self, listener: socket.socket) -> None:
        """Answer users until the last has left, a server dies, or we are told to stop."""
        wake_read, wake_write = socket.socketpair()
        for end in (wake_read, wake_write, listener):
            end.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._selector.register(wake_read, selectors.EVENT_READ)
        self._selector.register(listener, selectors.EVENT_READ)
        first_user_deadline = time.monotonic() + _FIRST_USER_TIMEOUT_S
        had_users = False
        while not self._stopping:
            for key, _events in self._selector.select(_CHECK_INTERVAL_S):
                if key.fileobj is listener:
                    with contextlib.suppress(BlockingIOError):
                        self._greet(listener.accept()[0])
                elif key.fileobj is wake_read:
                    wake_read.recv(64)
                elif isinstance(key.fileobj, socket.socket):
                    self._listen(key.fileobj)
            had_users = had_users or bool(self._users)
            if not self._users and (had_users or time.monotonic() > first_user_deadline):
                break
            self._stopping = self._stopping or self._has_lost_a_server()
        signal.set_wakeup_fd(-1)

    def stop_servers(self) -> None:
        """Stop whatever runs.

        The connections stay open: who waits for us sees them close when this process ends.
        """
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        if self._leash is not None:
            self._leash.close()

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _greet(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._users[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ)

    def _listen(self, connection: socket.socket) -> None:
        """Read from a user: a request, or the end of the connection."""
        try:
            received = connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._let_go(connection)
            return
        self._users[connection] += received
        if self._users[connection].endswith(b"\n"):
            reply = self._answer(json.loads(self._users[connection]))
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(reply).encode() + b"\n")

    def _let_go(self, connection: socket.socket) -> None:
        """A user is leaving. The last one's connection stays open until all has stopped."""
        self._selector.unregister(connection)
        del self._users[connection]
        if self._users:
            connection.close()
        else:
            self._leaving.append(connection)

    def _answer(self, request: Request) -> dict[str, object]:
        """Start what is asked for and does not run yet; return the reply."""
        environment = {}
        try:
            if "postgres" in request["need"]:
                if self._postgres is None:
                    self._postgres = start_postgres(
                        self._place, self._sockets, volatile=request["volatile"]
                    )
                    self._leash_to(self._postgres)
                environment["DATABASE_URL"] = self._postgres.url(RUN_TIME_LOGIN)
                environment["DATABASE_OWNER_URL"] = self._postgres.url(OWNER)
            if "valkey" in request["need"]:
                if self._valkey is None:
                    self._valkey = start_valkey(self._place, self._sockets)
                    self._leash_to(self._valkey)
                environment["REDIS_URL"] = self._valkey.url
        except EmbeddedServerError as error:
            return {"error": str(error)}
        except OSError as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"environment": environment}

    def _leash_to(self, server: Postgres | Valkey) -> None:
        if self._leash is not None:
            self._leash.add(server.process.pid)

    def _has_lost_a_server(self) -> bool:
        for server in (self._valkey, self._postgres):
            if server is not None and server.process.poll() is not None:
                name = type(server).__name__
                print(f"{name} ended with code {server.process.returncode}.", flush=True)
                return True
        return False


def keep(home: Home, ready: BinaryIO) -> None:
    """Be the keeper of `home`. Writes one byte to `ready` once users can connect.

    Raises:
        KeeperNotReachableError: there is a keeper already.
        HomeNotUsableError: there is no place for the servers' files.
    """
    with home.keeper_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeeperNotReachableError(f"{home.path} has a keeper already.") from None
        remove_stale_sockets(home)
        place = find_place(home)
        sockets = make_socket_directory(place.account)
        try:
            _keep_at(home, place, sockets, ready)
        finally:
            home.keeper_note.unlink(missing_ok=True)
            shutil.rmtree(sockets, ignore_errors=True)


def _keep_at(home: Home, place: Place, sockets: Path, ready: BinaryIO) -> None:
    keeper = Keeper(place, sockets)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(sockets / "control"))
            (sockets / "control").chmod(0o600)
            listener.listen(64)
            note = json.dumps({"pid": os.getpid(), "sockets": str(sockets)})
            partial = home.keeper_note.with_suffix(".partial")
            partial.write_text(note + "\n")
            partial.replace(home.keeper_note)
            ready.write(b"!")
            ready.close()
            keeper.serve(listener)
            # Nobody may come any more: who finds the door closed waits for the lock.
            home.keeper_note.unlink(missing_ok=True)
    finally:
        keeper.stop_servers()


def remove_stale_sockets(home: Home) -> None:
    """Remove the socket directory of a keeper that was killed. Its lock must be ours."""
    if not home.keeper_note.exists():
        return
    sockets = Path(json.loads(home.keeper_note.read_text())["sockets"])
    with contextlib.suppress(FileNotFoundError):
        status = sockets.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            shutil.rmtree(sockets, ignore_errors=True)
    home.keeper_note.unlink(missing_ok=True)
