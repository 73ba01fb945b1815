"""What is refused before it is answered, and what is kept of it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from apps.operations.processes import PROJECT_ROOT
from stubs.openai_server.ledger import KEPT_REQUESTS, Arrival, Ledger
from stubs.openai_server.testing import RunningStandIn
from stubs.openai_server.tests.questions import (
    INSTRUCTIONS,
    ask,
    body_of,
    client_of,
    question,
    schema_of,
)


def post(
    stand_in: RunningStandIn, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Send bytes without the client's help."""
    connection = http.client.HTTPConnection(urlsplit(stand_in.base_url).netloc, timeout=10)
    try:
        connection.request("POST", "/v1/responses", body, headers)
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    return answer.status, told


def refused(stand_in: RunningStandIn, **changes: Any) -> dict[str, Any]:
    """The error that a changed request is answered with."""
    body = body_of("stand-in", question(), schema_of("create_followup")) | changes
    status, told = post(
        stand_in, json.dumps(body).encode(), {"Authorization": f"Bearer {stand_in.key}"}
    )
    assert status == 400
    error: dict[str, Any] = told["error"]
    assert error["type"] == "invalid_request_error"
    return {name: error[name] for name in ("code", "param", "message")}


@pytest.mark.parametrize("key", ["sk-proj-1234", "stand-in", "sk-stand-i"])
def test_other_keys_are_refused(stand_in: RunningStandIn, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(stand_in, api_key=key)
    assert raised.value.code == "invalid_api_key"
    assert key not in str(raised.value)
    with pytest.raises(openai.AuthenticationError), client_of(stand_in, api_key=key) as client:
        client.models.list()
    assert [one["is_key_good"] for one in stand_in.requests()] == [False]
    assert stand_in.counts()["outcomes"] == {"bad-key": 1}


def test_request_without_a_key_is_refused(stand_in: RunningStandIn) -> None:
    assert post(stand_in, b"{}", {})[0] == 401


def test_what_arrived_is_kept_without_the_key(stand_in: RunningStandIn) -> None:
    ask(stand_in, api_key="sk-stand-in-very-secret")
    (kept,) = stand_in.requests()
    assert {name: kept[name] for name in ("path", "is_key_good", "outcome", "obeyed")} == {
        "path": "/v1/responses",
        "is_key_good": True,
        "outcome": "good",
        "obeyed": [],
    }
    assert kept["body"]["instructions"] == INSTRUCTIONS
    assert json.loads(kept["body"]["input"][1]["content"]) == question()
    assert kept["headers"]["user-agent"].startswith("OpenAI/Python")
    assert "very-secret" not in json.dumps(kept)


def test_only_the_last_requests_are_kept_and_all_are_counted() -> None:
    ledger = Ledger()
    for number in range(KEPT_REQUESTS + 5):
        ledger.arrive(Arrival("/v1/responses", {}, True, number))
    assert [one["body"] for one in ledger.requests()] == list(range(5, KEPT_REQUESTS + 5))
    assert ledger.counts()["requests"] == KEPT_REQUESTS + 5


def test_parameter_that_the_api_does_not_know_is_refused(stand_in: RunningStandIn) -> None:
    assert refused(stand_in, max_tokens=100) == {
        "code": "unknown_parameter",
        "param": "max_tokens",
        "message": "Unknown parameter: 'max_tokens'.",
    }


def test_missing_parameter_is_named(stand_in: RunningStandIn) -> None:
    status, told = post(stand_in, b'{"model": "x"}', {"Authorization": f"Bearer {stand_in.key}"})
    assert (status, told["error"]["param"]) == (400, "input")
    assert told["error"]["code"] == "missing_required_parameter"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 5}, "max_output_tokens"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "image"}]}]}, "input[0].content[0].type"),
        ({"text": {"format": {"type": "xml"}}}, "text.format"),
        ({"background": True}, "background"),
    ],
)
def test_value_out_of_range_is_refused(
    stand_in: RunningStandIn, changes: dict[str, Any], param: str
) -> None:
    told = refused(stand_in, **changes)
    assert (told["code"], told["param"]) == ("invalid_value", param)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'"text"', b"[]"])
def test_what_is_no_request_is_refused(stand_in: RunningStandIn, body: bytes) -> None:
    assert post(stand_in, body, {"Authorization": f"Bearer {stand_in.key}"})[0] == 400
    assert stand_in.counts()["outcomes"] == {"bad-request": 1}


@pytest.mark.parametrize("text", ["Hello!", "{}", '{"goal": "revive_lead"}'])
def test_message_that_is_no_question_is_refused(stand_in: RunningStandIn, text: str) -> None:
    told = refused(stand_in, input=[{"role": "user", "content": text}])
    assert told["param"] == "input"


def test_other_host_names_are_refused(stand_in: RunningStandIn) -> None:
    connection = http.client.HTTPConnection(urlsplit(stand_in.base_url).netloc, timeout=10)
    try:
        connection.request("GET", "/control/requests", headers={"Host": "attacker.example"})
        assert connection.getresponse().status == 400
    finally:
        connection.close()


def test_command_serves_the_port_that_it_is_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "stubs.openai_server", "--port", str(port)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        try:
            assert base_url == f"http://127.0.0.1:{port}/v1"
            assert ask(RunningStandIn(base_url)).status == "completed"
        finally:
            process.terminate()
            process.wait(10)
