"""The measures of operations: how long a newcomer waits, and what a web process weighs."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from apps.operations.processes import PROJECT_ROOT, stop_process
from apps.operations.supervisor.demo import ADDRESS

_HOST = "acme.localhost"
_START_TIMEOUT_S = 600.0
_WARM_UP_REQUESTS = 200

# What a Django web process weighs that does nothing: the floor under ours.
_BARE_PROCESS = """
import django, uvicorn
from django.conf import settings
settings.configure(ROOT_URLCONF="django.conf.urls", ALLOWED_HOSTS=["*"])
from django.core.asgi import get_asgi_application
uvicorn.Config(get_asgi_application()).load()
print("ready", flush=True)
input()
"""


def measure_demo() -> Iterator[dict[str, object]]:
    """A first `make demo` with dependencies installed, until its first page; then its weight."""
    with _temporary_home() as home:
        started = time.perf_counter()
        _run_embedded(home, "run", "--", sys.executable, "manage.py", "migrate_schemas")
        bare_s = time.perf_counter() - started
    with _temporary_home() as home:
        port = _free_port()
        started = time.perf_counter()
        with _demo(home, port) as supervisor:
            _wait_for_page(supervisor, port)
            elapsed_s = time.perf_counter() - started
            yield {
                "name": "demo to first page, dependencies installed",
                "value": round(elapsed_s, 1),
                "unit": "s",
                "target": 60,
                "better": "lower",
                "baseline": round(bare_s, 1),
                "remark": "baseline: new servers and migrations, without tenants, data and web",
            }
            page_count = _look_around(_sign_in(home, port))
            yield {
                "name": "web process memory",
                "value": round(_resident_mb(_find_web_process(supervisor.pid)), 1),
                "unit": "MB",
                "target": 250,
                "better": "lower",
                "baseline": round(_bare_process_mb(), 1),
                "remark": f"after {page_count} pages of a manager; baseline: bare Django in uvicorn",
            }


@contextlib.contextmanager
def _temporary_home() -> Iterator[Path]:
    """An AISHA_HOME that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aisha-bench-") as folder:
        home = Path(folder) / "home"
        yield home
        _run_embedded(home, "clean")


@contextlib.contextmanager
def _demo(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The demo, served on `port`."""
    command = [sys.executable, "-m", "apps.operations.supervisor", "demo"]
    environment = _environment(home) | {"PORT": str(port)}
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment) as supervisor:
        yield supervisor
        stop_process(supervisor, [(signal.SIGTERM, 60.0), (signal.SIGKILL, 10.0)])


def _environment(home: Path) -> dict[str, str]:
    """Ours, without the servers that this bench itself runs on."""
    given = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "AISHA_DATABASE_ACCOUNT")
    inherited = {name: value for name, value in os.environ.items() if name not in given}
    return inherited | {"AISHA_HOME": str(home)}


def _run_embedded(home: Path, *arguments: str, **variables: str) -> bytes:
    """The standard output of a command of the embedded servers, which must succeed."""
    command = [sys.executable, "-m", "apps.operations.embedded", *arguments]
    environment = _environment(home) | variables
    result = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    return result.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_page(supervisor: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while supervisor.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _Visitor(port).fetch("/")[0] == http.HTTPStatus.OK:
                return
        time.sleep(0.1)
    raise TimeoutError(f"The demo shows no page; exit code {supervisor.poll()}.")


class _Visitor:
    """A minimal browser: keeps cookies, follows redirects, speaks to the demo's tenant."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def fetch(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """The status and the text of a page."""
        headers = {
            "Host": f"{_HOST}:{self._port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        body = None
        if form is not None:
            body = urlencode(form | {"csrfmiddlewaretoken": self._cookies["csrftoken"]})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(ADDRESS, self._port, timeout=60)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        location = response.headers["Location"]
        return (response.status, text) if location is None else self.fetch(location)


def _sign_in(home: Path, port: int) -> _Visitor:
    """A visitor who has signed in as a manager of the demo."""
    report = _run_embedded(
        home, "run", "--", sys.executable, "manage.py", "setup_demo", "--json", PORT=str(port)
    )
    logins = json.loads(report)["logins"]
    login = next(
        login for login in logins if login["role"] == "manager" and f"//{_HOST}:" in login["url"]
    )
    visitor = _Visitor(port)
    visitor.fetch("/sign-in/")
    form = {"username": login["username"], "password": login["password"]}
    status, page = visitor.fetch("/sign-in/", form)
    if status != http.HTTPStatus.OK or 'type="password"' in page:
        raise RuntimeError(f"The manager of the demo cannot sign in: {status}.")
    return visitor


def _look_around(visitor: _Visitor) -> int:
    """Open every page that the start page links to, again and again; how many were opened."""
    _, page = visitor.fetch("/")
    paths = sorted(set(re.findall(r'href="(/[^"#]*)"', page)))
    pages = [path for path in paths if not path.startswith(("/static/", "/sign-out/"))]
    for number in range(_WARM_UP_REQUESTS):
        status, _ = visitor.fetch(pages[number % len(pages)])
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"{pages[number % len(pages)]} answers {status}.")
    return _WARM_UP_REQUESTS


def _find_web_process(supervisor_pid: int) -> int:
    """The supervisor's child that is uvicorn."""
    processes = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    for line in processes.stdout.splitlines():
        pid, parent, command = line.split(None, 2)
        if int(parent) == supervisor_pid and "uvicorn" in command:
            return int(pid)
    raise LookupError("The demo has no web process.")


def _resident_mb(pid: int) -> float:
    """What a process holds in memory, in megabytes of 1,000,000 bytes."""
    result = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(result.stdout) * 1024 / 1e6


def _bare_process_mb() -> float:
    with subprocess.Popen(
        [sys.executable, "-c", _BARE_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise RuntimeError("A bare Django process does not start.")
        weight_mb = _resident_mb(process.pid)
        process.communicate(b"\n")
    return weight_mb
