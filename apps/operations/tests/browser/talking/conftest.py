"""A site whose voice provider is the stand-in over HTTP and WebRTC; people whose microphone is a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import BrowserType, Page
from pytest_django.plugin import DjangoDbBlocker

from apps.conftest import make_cast
from apps.operations.tests.browser.conftest import Site, sign_in
from apps.operations.tests.serving import (
    Forks,
    environment_on_test_database,
    forking,
    free_port,
    web_on,
)
from apps.tenants.models import Tenant
from stubs.openai_server.calling import write_speech
from stubs.openai_server.testing import RunningStandIn

FAKE_DEVICE = "--use-fake-device-for-media-stream"
# And nobody is asked whether a page may use it.
FAKE_DEVICES = (FAKE_DEVICE, "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def talking_forks(django_db_setup: None, stand_in_process: RunningStandIn) -> Iterator[Forks]:
    """What starts a web process whose voice provider is the stand-in."""
    environment = environment_on_test_database() | {
        "REALTIME_BASE_URL": stand_in_process.base_url,
        "REALTIME_API_KEY": stand_in_process.key,
        "REALTIME_MODEL": "stand-in",
        "REALTIME_TOKENS_PER_MINUTE": "60",
        "TRANSCRIPTION_MODEL": "stand-in",
    }
    with forking(environment) as made:
        yield made


@pytest.fixture
def talking_site(
    committed_tenant: Tenant,
    talking_forks: Forks,
    django_db_blocker: DjangoDbBlocker,
    stand_in_process: RunningStandIn,
) -> Iterator[Site]:
    """A tenant that is served, and whose voice provider is the stand-in."""
    stand_in_process.reset()
    cast = make_cast()
    connection.close()
    port = free_port()
    with talking_forks.running([web_on(port)], port=port):
        yield Site(committed_tenant, cast, f"http://race.localhost:{port}")


@contextmanager
def phone(
    browser_type: BrowserType, launch_args: dict[str, Any], site: Site, speech: Path
) -> Iterator[Page]:
    """The rep's page, in a browser whose microphone says what is in a file."""
    file = f"--use-file-for-fake-audio-capture={speech}%noloop"
    arguments = [*launch_args["args"], *FAKE_DEVICES, file]
    browser = browser_type.launch(**(launch_args | {"args": arguments}))
    page = browser.new_context().new_page()
    sign_in(page, site, "rep")
    yield page
    browser.close()


@pytest.fixture
def caller(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    talking_site: Site,
    tmp_path: Path,
) -> Iterator[Page]:
    """Somebody who says something every few seconds: however long connecting takes, some of it after that."""
    speech = write_speech(tmp_path / "speech.wav", *[2_500, 1_200] * 8, 2_500)
    with phone(browser_type, browser_type_launch_args, talking_site, speech) as page:
        yield page


@pytest.fixture
def quiet_caller(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    talking_site: Site,
    tmp_path: Path,
) -> Iterator[Page]:
    """Somebody who says nothing unless they hold a button, or type."""
    silence = write_speech(tmp_path / "silence.wav", 60_000)
    with phone(browser_type, browser_type_launch_args, talking_site, silence) as page:
        yield page
