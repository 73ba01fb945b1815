"""`make demo`: prepare the demo stage by stage, then serve it."""

import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from apps.operations.embedded.client import Servers, use_servers
from apps.operations.embedded.home import Home, open_home
from apps.operations.supervisor.children import POLL_INTERVAL_S, Children, Service
from apps.operations.supervisor.exceptions import (
    ChildDiedError,
    PortInUseError,
    StageFailedError,
    StopRequested,
    SupervisorError,
)
from apps.operations.supervisor.stand_in import StandIn, find_stand_in

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 8000
_READY_TIMEOUT_S = 60.0
# As many requests are answered at a time; the others wait for a connection.
_WEB_CONNECTIONS = 20
_WORKER_PROCESSES = 2


class Demo:
    """One run of the demo; a context manager that leaves nothing running.

    Attributes:
        seconds: how long each stage took, in order.
    """

    def __init__(self, home: Home, stand_in: StandIn | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._home = home
        self._stand_in = stand_in
        self._stop_asked = False
        self._servers = Servers({})
        self._children: Children | None = None
        self._locks: list[TextIO] = []

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._children is not None:
            self._children.stop()
        self._servers.release()
        for lock in self._locks:
            lock.close()

    def prepare(self) -> dict[str, Any]:
        """Start the servers, migrate, and set up the demo; return what setup_demo reports.

        Raises:
            EmbeddedServerError: a server cannot be started.
            StageFailedError: a command failed; the text says which and why.
            StopRequested: somebody asked us to stop meanwhile.
        """
        open_home(self._home)
        logs = self._home.path / "logs"
        logs.mkdir(exist_ok=True)
        with self._stage("servers"):
            self._servers = use_servers(self._home, os.environ)
        environment = {
            **os.environ,
            **self._servers.environment,
            "AISHA_HOME": str(self._home.path),
            "PYTHONUNBUFFERED": "1",
            **(self._stand_in.environment if self._stand_in else {}),
        }
        self._children = Children(environment, logs, say)
        if self._stand_in:
            # Before the demo's data: the first scan asks it, too.
            with self._stage("stand-in"):
                self._children.start(self._stand_in.service)
                self._await("stand-in", self._stand_in.port, self._stand_in.is_ready)
            whom = "callers" if self._stand_in.speaks_only else "whoever asks"
            say(f"{self._stand_in.model} answers {whom} at {self._stand_in.base_url}")
        with self._preparation_lock():
            with self._stage("migrations"):
                self._manage("migrations", "migrate_schemas", "--verbosity", "1")
            with self._stage("demo"):
                reply = self._manage("demo", "setup_demo", "--json", is_report=True)
        report: dict[str, Any] = json.loads(reply)
        # Its own stages say more than their sum.
        del self.seconds["demo"]
        self.seconds |= report["seconds"]
        return report

    def serve(self, port: int) -> None:
        """Start web, worker and beat, and wait until the web process answers."""
        self._claim_serving(port)
        children = self._require_children()
        with self._stage("web"):
            for service in services(port):
                children.start(service)
            self._await("web", port, lambda: is_healthy(port))

    def predict(self) -> None:
        """Let the predictions of the night be made now, while the person looks around."""
        with self._stage("predictions"):
            self._manage("predictions", "predict_demo")

    def watch(self) -> None:
        """Keep everything running until somebody asks us to stop.

        Raises:
            StopRequested: the usual end.
            SupervisorError: something died that must not.
        """
        while True:
            self._keep_waiting()
            self._require_children().check()
            if self._servers.are_lost():
                raise ChildDiedError(
                    f"The embedded servers have ended; see {self._home.keeper_log} and "
                    "the logs beside their data."
                )
            time.sleep(POLL_INTERVAL_S)

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stop_asked = True

    def _keep_waiting(self) -> None:
        if self._stop_asked:
            raise StopRequested

    def _await(self, name: str, port: int, is_ready: Callable[[], bool]) -> None:
        """Wait until a service answers."""
        children = self._require_children()
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not is_ready():
            self._keep_waiting()
            children.check()
            if time.monotonic() > deadline:
                raise ChildDiedError(
                    f"{name} does not answer on port {port}. Its last lines:\n"
                    f"{children.log_tail(name)}"
                )
            time.sleep(POLL_INTERVAL_S)

    def _require_children(self) -> Children:
        if self._children is None:
            raise SupervisorError("The demo is not prepared.")
        return self._children

    @contextlib.contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Tell the person what is going on, and how long it took."""
        self._keep_waiting()
        say(f"{name} ...")
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)
        say(f"{name}: {self.seconds[name]:.1f} s")

    def _manage(self, stage: str, *arguments: str, is_report: bool = False) -> str:
        """Run a management command.

        Its output goes to the stage's log. With `is_report`, the person sees its progress
        on standard error, and its standard output is returned.
        """
        children = self._require_children()
        command = [sys.executable, "manage.py", *arguments]
        output = children.log_directory / f"{stage}.json"
        with output.open("wb") as file:
            process = children.run(
                stage,
                command,
                self._keep_waiting,
                stdout=file.fileno() if is_report else None,
                is_shown=is_report,
                # Among lines of progress, only what went wrong.
                variables={"LOG_LEVEL": os.environ.get("LOG_LEVEL") or "WARNING"},
            )
        reply = output.read_text()
        output.unlink()
        if process.returncode != 0:
            raise StageFailedError(
                f"manage.py {' '.join(arguments)} failed with code {process.returncode}.\n"
                f"{children.log_tail(stage)}".rstrip()
            )
        return reply

    @contextlib.contextmanager
    def _preparation_lock(self) -> Iterator[None]:
        """Only one process at a time migrates and sets up the data of this AISHA_HOME."""
        with (self._home.state / "prepare.lock").open("a") as lock:
            while not _try_lock(lock):
                self._keep_waiting()
                time.sleep(POLL_INTERVAL_S)
            yield

    def _claim_serving(self, port: int) -> None:
        """Note that we serve this AISHA_HOME, and where."""
        lock = _serve_lock(self._home).open("a")
        self._locks.append(lock)
        if not _try_lock(lock):
            refuse_second_serving(self._home)
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, http://acme.localhost:{port}\n")
        lock.flush()


def refuse_second_serving(home: Home) -> None:
    """Raise SupervisorError if `home` is being served: twice would be two beats, for one.

    Looks only, and makes nothing.
    """
    path = _serve_lock(home)
    if not path.exists():
        return
    with path.open("a+") as lock:
        if not _try_lock(lock):
            lock.seek(0)
            raise SupervisorError(
                f"AiSHA is being served from {home.path} already: {lock.read().strip()}. "
                "Stop it first, or choose another AISHA_HOME."
            )


def services(port: int) -> list[Service]:
    """What is served: only web is not restarted, because nobody would notice why it fails."""
    celery = [sys.executable, "-m", "celery", "-A", "aisha"]
    return [
        Service(
            "web",
            [
                *(sys.executable, "-m", "uvicorn", "aisha.asgi:application"),
                *("--host", ADDRESS, "--port", str(port), "--lifespan", "on"),
                *("--no-access-log", "--timeout-graceful-shutdown", "5"),
            ],
            is_restarted=False,
            variables={"DATABASE_POOL_SIZE": str(_WEB_CONNECTIONS)},
        ),
        Service(
            "worker",
            [
                *celery,
                *("worker", "--concurrency", str(_WORKER_PROCESSES), "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle"),
            ],
        ),
        # An empty pidfile: the supervisor knows whether it runs, a stale file does not.
        Service("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile", ""]),
        Service("changes", [sys.executable, "manage.py", "watch_changes"]),
    ]


def read_port() -> int:
    """The port to serve on: PORT, or 8000."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SupervisorError(f"PORT={text!r} is not a port number (1 to 65535).")
    return int(text)


def check_port(port: int) -> None:
    """Raise PortInUseError when another program listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except PermissionError:
            raise SupervisorError(
                f"This account may not listen on port {port}; choose another: make demo PORT=8001"
            ) from None
        except OSError as error:
            raise PortInUseError(
                f"Port {port} cannot be used ({error.strerror}). Stop the program that has "
                f"it, or choose another: make demo PORT={port + 1}"
            ) from None


def is_healthy(port: int) -> bool:
    """Whether the web process answers."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def describe(report: dict[str, Any], port: int, logs: Path) -> str:
    """The address and the logins, for the person."""
    lines = ["", f"AiSHA runs at http://acme.localhost:{port}", ""]
    logins = report.get("logins", [])
    if logins:
        names = list(logins[0])
        rows = [names, *([str(login.get(name, "")) for name in names] for login in logins)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
        lines += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        lines.append("")
    lines.append(f"Logs lie in {logs}. Ctrl-C stops everything.")
    return "\n".join(line.rstrip() for line in lines)


def say(text: str) -> None:
    """Tell the person, on standard error; a closed terminal must not stop the stopping."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def run_demo(home: Home, *, once: bool) -> int:
    """Prepare and, unless `once`, serve the demo; return the exit code."""
    port = read_port()
    stand_in = find_stand_in(os.environ)
    if once and stand_in is not None and stand_in.speaks_only:
        # Nobody is there to call.
        stand_in = None
    if not once:
        refuse_second_serving(home)
        check_port(port)
    with Demo(home, stand_in) as demo:
        report = demo.prepare()
        if once:
            print(json.dumps({"tenants": report["tenants"], "seconds": demo.seconds}))
            return 0
        demo.serve(port)
        say(describe(report, port, home.path / "logs"))
        try:
            demo.predict()
            demo.watch()
        finally:
            say("\nStopping ...")
    return 0


def _serve_lock(home: Home) -> Path:
    return home.state / "serve.lock"


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
