"""The measure of live pages: a lead is entered, and its card stands in the open queue of a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.crm.enums import LeadStatus
from apps.crm.models import Lead
from apps.suggestions.bench.pipeline import clear, make_owners
from apps.triggers.bench.scanning import owner
from apps.triggers.bench.waking import PATIENCE_S, PROGRAMS, running
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import ensure_person_roles, give_role

_LONGEST_S = 3.0
_TRIES = 10
PORT = 8765
HOST = "bench.localhost"
WEB = ("-m", "uvicorn", "aisha.asgi:application", "--port", str(PORT), "--log-level", "error")


def measure_live() -> dict[str, object]:
    """The change log, a round of the triggers, the rules, the queue, the notice, the socket and the fetch."""
    clear()
    # The leads of other measures would fire, too.
    with owner() as cursor:
        cursor.execute("TRUNCATE crm_lead CASCADE")
    rep = make_owners(1)[0]
    ensure_person_roles()
    give_role(rep, PersonRole.REP)
    with ExitStack() as stack:
        stack.enter_context(running_web())
        script = Path(__file__).with_name("watching.py")
        browser = stack.enter_context(browser_at("/suggestions/", rep, script))
        if line_of(browser) != "ready":
            raise RuntimeError("The browser did not open the queue.")
        # The first one waits for the programs to start.
        times = [_enter(rep, number, browser) for number in range(_TRIES + 1)][1:]
    return {
        "app": "suggestions",
        "name": "change to card in an open browser",
        "value": round(median(times), 2),
        "unit": "s",
        "target": _LONGEST_S,
        "better": "lower",
        "remark": f"median of {_TRIES}; the longest {max(times):.2f} s",
    }


def _enter(rep: User, number: int, browser: subprocess.Popen[str]) -> float:
    began = time.time()
    Lead.objects.create(
        last_name=f"Silent {number}",
        status=LeadStatus.WORKING,
        owner=rep,
        created_at=timezone.now() - timedelta(days=30),
    )
    while True:
        count, _, at = line_of(browser).partition(" ")
        if int(count) == number + 1:
            return float(at) - began


def session_of(person: User) -> str:
    """The key of a session in which the person has signed in."""
    client = Client(HTTP_HOST=HOST)
    client.force_login(person)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


@contextmanager
def browser_at(path: str, person: User, script: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a script whose browser looks at a page as a person does, until the block ends."""
    key = session_of(person)
    finder = settings.BASE_DIR / ".ci" / "find_browser"
    chromium = (
        os.environ.get("AISHA_CHROMIUM")
        or subprocess.run([str(finder)], capture_output=True, text=True, check=True).stdout.strip()
    )
    address = f"http://{HOST}:{PORT}{path}"
    # As a file, without its folder among the modules: the browser's process knows nothing of Django.
    with subprocess.Popen(
        [sys.executable, "-P", str(script), chromium, address, key],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that it prints.

    Raises:
        RuntimeError: there is none.
    """
    line = process.stdout.readline().strip() if process.stdout else ""
    if not line:
        raise RuntimeError("The browser has ended.")
    return line


@contextmanager
def running_web() -> Iterator[None]:
    """Run the web process as the supervisor does, with a worker and the listener beside it."""
    with running([WEB], DATABASE_POOL_SIZE="20"), running(PROGRAMS):
        wait_for_web()
        yield


def wait_for_web() -> None:
    """Return when the web process answers.

    Raises:
        RuntimeError: it does not.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", PORT, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": "localhost"})
            if connection.getresponse().status == HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise RuntimeError("The web process did not get ready.")
