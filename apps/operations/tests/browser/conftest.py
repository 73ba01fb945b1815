"""A real site for the browser tests: uvicorn and a worker on the test database, a committed tenant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from pytest_django.plugin import DjangoDbBlocker

from aisha.celery import app
from apps.conftest import Cast, make_cast
from apps.operations.tests.serving import (
    Forks,
    environment_on_test_database,
    forking,
    free_port,
    running,
    web_on,
)
from apps.tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Site:
    """A tenant that is being served, and its people."""

    tenant: Tenant
    cast: Cast
    url: str


@pytest.fixture(scope="session")
def forks(django_db_setup: None) -> Iterator[Forks]:
    """What starts the servers of a test: with everything loaded once, and nothing left of the test before."""
    with forking(environment_on_test_database()) as made:
        yield made


@pytest.fixture
def site(
    committed_tenant: Tenant, forks: Forks, django_db_blocker: DjangoDbBlocker
) -> Iterator[Site]:
    """Serve the committed tenant with a web process and a worker of its own."""
    cast = make_cast()
    connection.close()
    port = free_port()
    worker = ["celery", "-A", "aisha", "worker", "--pool", "solo", "--loglevel", "warning"]
    with started([web_on(port), worker], forks, port=port):
        yield Site(committed_tenant, cast, f"http://race.localhost:{port}")
    # What this worker did not come to would keep the next one, whose tenant is another.
    app.control.purge()


def started(
    commands: Sequence[Sequence[str]], forks: Forks, *, port: int
) -> AbstractContextManager[None]:
    """Servers on the test database; where a test has changed the environment, from the very beginning."""
    environment = environment_on_test_database()
    if is_alike(environment, forks.environment):
        return forks.running(commands, port=port)
    return running(commands, environment, port=port)


def is_alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two environments differ in nothing but the name of the test, which pytest keeps there."""
    own = "PYTEST_CURRENT_TEST"
    return {**one, own: ""} == {**other, own: ""}


@pytest.fixture
def announcer(site: Site, forks: Forks) -> Iterator[None]:
    """The process that tells open pages of changes."""
    command = ["apps.operations.tests.announcer"]
    port = int(site.url.rpartition(":")[2])
    with started([command], forks, port=port):
        yield


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

    That an answer was a 409 or a 422 is no complaint: the page shows it.
    """
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        is_shown = any(f"status of {status}" in message.text for status in (409, 422))
        if message.type == "error" and not is_shown:
            said.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield said
    assert said == []


@pytest.fixture
def rep_page(page: Page, site: Site, complaints: list[str]) -> Page:
    """A page on which the rep has signed in. A message that is still fading in has no contrast yet."""
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, site, "rep")
    return page


def sign_in(page: Page, site: Site, username: str) -> None:
    """Sign in by the form, as a person does."""
    page.goto(f"{site.url}/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.url}/")
