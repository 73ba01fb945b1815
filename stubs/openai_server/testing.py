"""The stand-in as a pytest fixture: one process for all tests, forgetting everything before each."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from pydantic import BaseModel

from apps.operations.processes import PROJECT_ROOT, prepare_child

KEY = "sk-stand-in-tests"
_ANSWER_TIMEOUT_S = 10
_STOP_TIMEOUT_S = 10
_LOOK_EVERY_S = 0.02


class RealtimeEvent(BaseModel):
    """An event that a call's data channel carried; seen from the stand-in it went ``in`` or ``out``.

    Attributes:
        at_s: seconds since the call began.
    """

    direction: Literal["in", "out"]
    at_s: float
    event: dict[str, Any] | str


class RealtimeCall(BaseModel):
    """A call, as the stand-in tells it (``records.CallRecord``)."""

    id: str
    session_id: str
    model: str
    behaviour: str
    began_at: float
    state: str
    ended: str
    ended_at: float | None
    session: dict[str, Any]
    turns: list[dict[str, str]]
    events: list[RealtimeEvent]
    audio_packets_in: int
    audio_packets_out: int
    audio_packets_dropped: int

    def told(self, kind: str, direction: Literal["in", "out"] = "out") -> list[dict[str, Any]]:
        """The events of one type that were sent, or with ``in`` received, in order."""
        events = (one.event for one in self.events if one.direction == direction)
        return [one for one in events if isinstance(one, dict) and one.get("type") == kind]


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
        """Let it forget requests, counts, prompts and the script, and end all calls."""
        self._control("POST", "reset")

    def client_secrets(self) -> list[dict[str, Any]]:
        """The client secrets that were given out, without their values (``ClientSecret.told``)."""
        found: list[dict[str, Any]] = self._realtime()["secrets"]
        return found

    def calls(self) -> list[RealtimeCall]:
        """The realtime calls under way and past, oldest first."""
        return [RealtimeCall.model_validate(call) for call in self._realtime()["calls"]]

    def wait_for_call(
        self, is_so: Callable[[RealtimeCall], bool], timeout_s: float = _ANSWER_TIMEOUT_S
    ) -> RealtimeCall:
        """The first call of which something is so, as soon as it is."""
        ends = time.monotonic() + timeout_s
        while True:
            calls = self.calls()
            for call in calls:
                if is_so(call):
                    return call
            if time.monotonic() > ends:
                raise AssertionError(f"It is so of none of these calls: {calls}")
            time.sleep(_LOOK_EVERY_S)

    def set_script(
        self, *turns: str | dict[str, Any], characters_per_s: float | None = None
    ) -> None:
        """Set what is said in calls to come, and in recordings (``script.Script``)."""
        script: dict[str, Any] = {"turns": turns}
        if characters_per_s is not None:
            script["characters_per_s"] = characters_per_s
        self._control("POST", "realtime/script", json.dumps(script).encode())

    def expire_client_secrets(self) -> None:
        """Let the time of all client secrets be over."""
        self._control("POST", "realtime/expire")

    def drop_calls(self) -> None:
        """End all calls from the stand-in's side, as when the network does."""
        self._control("POST", "realtime/hangup")

    def _realtime(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._control("GET", "realtime"))
        return told

    def _control(self, method: str, what: str, body: bytes | None = None) -> bytes:
        host = urlsplit(self.base_url).netloc
        connection = http.client.HTTPConnection(host, timeout=_ANSWER_TIMEOUT_S)
        try:
            connection.request(method, f"/control/{what}", body)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"The stand-in answered {answer.status} to {what}: {told!r}")
        return told


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
