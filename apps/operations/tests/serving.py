"""Starting real servers for tests, and waiting until they answer."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20


def free_port() -> int:
    """A port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def environment_on_test_database() -> dict[str, str]:
    """The environment of a process that works on the test database as the run-time login."""
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "AISHA_ENV": "test",
        "AISHA_DATABASE_ACCOUNT": "app",
        "DATABASE_URL": urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl(),
        "LOG_LEVEL": "WARNING",
    }


def web_on(port: int) -> list[str]:
    """The web process that answers on a port, as ``running`` takes it."""
    return ["uvicorn", "aisha.asgi:application", "--port", str(port), "--log-level", "warning"]


@contextmanager
def running(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], *, port: int
) -> Iterator[None]:
    """Run ``python -m`` commands until the block ends; the first serves ``/readyz`` on ``port``."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=Path(settings.BASE_DIR), env=dict(environment)
        )
        for command in commands
    ]
    try:
        wait_until_ready(
            port, lambda: [process.args for process in processes if process.poll() is not None]
        )
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=STOP_TIMEOUT_S)


class Forks:
    """A process that starts servers with one environment out of itself (``forking.py``)."""

    def __init__(self, process: subprocess.Popen[str], environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._process = process

    @contextmanager
    def running(self, commands: Sequence[Sequence[str]], *, port: int) -> Iterator[None]:
        """As ``running``, in a moment."""
        children = [self._ask(start=[*command]) for command in commands]
        try:
            wait_until_ready(port, lambda: [child for child in children if self._ask(poll=child)])
            yield
        finally:
            self._ask(stop=children)

    def _ask(self, **wish: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def forking(environment: Mapping[str, str]) -> Iterator[Forks]:
    """Have ``forking.py`` at hand until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "apps.operations.tests.forking"],
        cwd=Path(settings.BASE_DIR),
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        # It ends when nobody can ask it any more.
        yield Forks(process, environment)


def ask(
    port: int, path: str, *, host: str, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """Get a page: status, headers with lower-case names, and text."""
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        caller.request("GET", path, headers={"Host": host, **(headers or {})})
        answer = caller.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode(errors="replace")
    finally:
        caller.close()


def wait_until_ready(port: int, find_ended: Callable[[], Sequence[object]]) -> None:
    """Ask until the first process is ready; one that has ended says so at once."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if ended := find_ended():
            raise RuntimeError(f"a server ended at once: {ended}")
        try:
            if ask(port, "/readyz", host="localhost")[0] == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not get ready")
