"""The stand-in as a pytest fixture: one process for all tests, forgetting everything before each."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from apps.operations.processes import PROJECT_ROOT, prepare_child

KEY = "sk-stand-in-tests"
_ANSWER_TIMEOUT_S = 10
_STOP_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class RunningStandIn:
    """A stand-in that takes requests.

    Attributes:
        base_url: as OPENAI_BASE_URL has it.
    """

    base_url: str

    @property
    def key(self) -> str:
        """A key that it takes."""
        return KEY

    def requests(self) -> list[dict[str, Any]]:
        """What has arrived, oldest first (``ledger.Arrival``)."""
        found: list[dict[str, Any]] = json.loads(self._control("GET", "requests"))
        return found

    def counts(self) -> dict[str, Any]:
        """How much has arrived (``ledger.Ledger.counts``)."""
        found: dict[str, Any] = json.loads(self._control("GET", "counts"))
        return found

    def reset(self) -> None:
        """Let it forget requests, counts and prompts."""
        self._control("POST", "reset")

    def _control(self, method: str, what: str) -> bytes:
        host = urlsplit(self.base_url).netloc
        connection = http.client.HTTPConnection(host, timeout=_ANSWER_TIMEOUT_S)
        try:
            connection.request(method, f"/control/{what}")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"The stand-in answered {answer.status} to {what}.")
        return body


@pytest.fixture(scope="session")
def stand_in_process() -> Iterator[RunningStandIn]:
    """The process that all tests share."""
    with subprocess.Popen(
        [sys.executable, "-m", "stubs.openai_server", "--port", "0"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=prepare_child(signal.SIGTERM),
    ) as process:
        base_url = process.stdout.readline().strip() if process.stdout else ""
        if not base_url:
            raise RuntimeError("The stand-in did not start; what it said stands above.")
        try:
            yield RunningStandIn(base_url)
        finally:
            process.terminate()
            process.wait(_STOP_TIMEOUT_S)


@pytest.fixture
def stand_in(stand_in_process: RunningStandIn, settings: LazySettings) -> RunningStandIn:
    """The stand-in, as if it had just been started; tenants may name its address."""
    settings.BRAIN_PRIVATE_HOSTS = ["127.0.0.1"]
    stand_in_process.reset()
    return stand_in_process
