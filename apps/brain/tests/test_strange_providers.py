"""A gateway that sends anything with a 200: the rules write, the batch goes on, the budget stays whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from apps.brain.language_model.prompts import MOST_TOKENS_OUT
from apps.brain.models import BrainCall, BudgetMonth, BudgetReservation, CapturedText
from apps.brain.tests.conftest import Switch
from apps.brain.tests.test_language_model import ask, calls


class _Gateway(BaseHTTPRequestHandler):
    """Answers every request with the same body."""

    body: ClassVar[bytes]
    content_type: ClassVar[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of a gateway whose body a test sets."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def answer_with(body: object, content_type: str = "application/json") -> None:
    _Gateway.body = body if isinstance(body, bytes) else json.dumps(body).encode()
    _Gateway.content_type = content_type


def said(text: object, **usage: object) -> dict[str, Any]:
    """A response with one text."""
    told = {"input_tokens": 10, "output_tokens": 5, **usage}
    part = {"type": "output_text", "text": text}
    return {
        "status": "completed",
        "usage": told,
        "output": [{"type": "message", "content": [part]}],
    }


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>Please sign in to the network.</html>", "text/html"),
        (b"", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"data: {}\n\n", "text/event-stream"),
        ([], "application/json"),
        ("sorry", "application/json"),
        (None, "application/json"),
        ({"output": "sorry"}, "application/json"),
        ({"output": ["sorry"]}, "application/json"),
        ({"output": [{"type": "message"}]}, "application/json"),
        ({"output": [{"type": "message", "content": "sorry"}]}, "application/json"),
        (said(None), "application/json"),
        (said("\ud800"), "application/json"),
    ],
)
def test_what_is_no_response_is_a_failure_of_the_provider(
    switch_on: Switch, gateway: str, body: object, content_type: str
) -> None:
    switch_on(base_url=gateway, captures_text=True)
    answer_with(body, content_type)
    (answer,) = ask()
    assert answer.proposal is not None
    assert calls() == [
        ("openai", "failed", "bad_body", ""),
        ("rules", "answered", "", "call_failed"),
    ]
    assert BudgetReservation.objects.filter(settled_at=None).count() == 0


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": None},
        {"input_tokens": "10"},
        {"output_tokens": 2.5},
        {"output_tokens": -5},
        {"input_tokens": 10**12},
        {"input_tokens": 10**30},
        {"input_tokens_details": {"cached_tokens": -3000}},
        {"input_tokens_details": "none"},
    ],
)
def test_usage_that_cannot_be_is_counted_as_the_most_that_it_can(
    switch_on: Switch, gateway: str, usage: dict[str, Any]
) -> None:
    switch_on(base_url=gateway)
    answer_with(said("no JSON", **usage))
    ask()
    call = BrainCall.objects.get(provider="openai")
    assert (call.outcome, call.error_code) == ("unusable", "not_json")
    assert (call.tokens_in > 1_000, call.tokens_cached, call.tokens_out) == (
        True, 0, MOST_TOKENS_OUT,
    )  # fmt: skip
    month = BudgetMonth.objects.get()
    assert (month.tokens_spent, month.tokens_reserved) == (call.tokens_in + call.tokens_out, 0)


def test_more_cached_tokens_than_were_sent(switch_on: Switch, gateway: str) -> None:
    switch_on(base_url=gateway)
    answer_with(said("no JSON", input_tokens_details={"cached_tokens": 900}))
    ask()
    call = BrainCall.objects.get(provider="openai")
    assert (call.tokens_in, call.tokens_cached) == (10, 10)


def test_a_text_that_the_database_cannot_hold_is_kept_as_far_as_it_can(
    switch_on: Switch, gateway: str
) -> None:
    switch_on(base_url=gateway, captures_text=True)
    answer_with(said("no\0JSON"))
    ask()
    assert CapturedText.objects.get().answer == "no\N{REPLACEMENT CHARACTER}JSON"
