"""A real site for the browser tests: uvicorn and a worker on the test database, a committed tenant."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from pytest_django.plugin import DjangoDbBlocker

from apps.conftest import Cast, make_cast
from apps.tenants.models import Tenant

START_TIMEOUT_S = 30
ROOT = Path(settings.BASE_DIR)


@dataclass(frozen=True, slots=True)
class Site:
    """A tenant that is being served, and its people."""

    tenant: Tenant
    cast: Cast
    url: str


@pytest.fixture
def site(committed_tenant: Tenant, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """Serve the committed tenant with a web process and a worker of its own."""
    cast = make_cast()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    connection.close()
    environment = _environment()
    web = ["uvicorn", "aisha.asgi:application", "--port", str(port), "--log-level", "warning"]
    worker = ["celery", "-A", "aisha", "worker", "--pool", "solo", "--loglevel", "warning"]
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment)
        for command in (web, worker)
    ]
    try:
        _wait_until_served(port, processes)
        yield Site(committed_tenant, cast, f"http://race.localhost:{port}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Run the system's Chromium; it must not look for anything outside."""
    return {
        "executable_path": os.environ["AISHA_CHROMIUM"],
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-sync",
        ],
    }


@pytest.fixture
def complaints(context: BrowserContext) -> Iterator[list[str]]:
    """Everything that pages complain about: script errors, refused content. A test ends with none.

    That an answer was a 409 is no complaint: the page shows it.
    """
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 409" not in message.text:
            said.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield said
    assert said == []


@pytest.fixture
def rep_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the rep has signed in."""
    sign_in(page, site, "rep")
    return page


def sign_in(page: Page, site: Site, username: str) -> None:
    """Sign in by the form, as a person does."""
    page.goto(f"{site.url}/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.url}/")


def _environment() -> dict[str, str]:
    name = connection.settings_dict["NAME"]
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    return {
        **os.environ,
        "AISHA_ENV": "test",
        "AISHA_DATABASE_ACCOUNT": "app",
        "DATABASE_URL": url,
        "LOG_LEVEL": "WARNING",
    }


def _wait_until_served(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask until the web process answers; a process that ended says so at once."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = [process.args for process in processes if process.poll() is not None]
        if ended:
            raise RuntimeError(f"a server ended at once: {ended}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the site did not come up")
