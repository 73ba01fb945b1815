"""Waits between tries, what an event is called, and signatures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.audit.enums import Event
from apps.suggestions.enums import State
from apps.suggestions.webhooks.enums import EventKind
from apps.suggestions.webhooks.rules import (
    KINDS,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    PAUSED_AFTER,
    is_given_up,
    next_attempt_at,
    state_after,
)
from apps.suggestions.webhooks.signing import headers_of, new_secret, sign

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


def wait(attempts: int, *, chance_0_1: float = 0.5, asked_for: int | None = None) -> int | None:
    """The wait in whole seconds."""
    asked = None if asked_for is None else timedelta(seconds=asked_for)
    at = next_attempt_at(NOW, attempts, chance_0_1=chance_0_1, asked_for=asked)
    return None if at is None else int((at - NOW).total_seconds())


def test_waits_grow_over_about_a_day() -> None:
    waits = [wait(attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]
    assert waits == [30, 75, 187, 468, 1171, 2929, 7324, 18310, 45776, None]


def test_waits_are_spread_by_a_fifth() -> None:
    assert [wait(1, chance_0_1=0.0), wait(1, chance_0_1=1.0)] == [24, 36]


def test_who_asks_for_a_longer_rest_gets_it_up_to_a_day() -> None:
    assert [wait(1, asked_for=5), wait(1, asked_for=600)] == [30, 600]
    assert wait(1, asked_for=10**9) == LONGEST_WAIT.total_seconds()


def test_an_endpoint_is_given_up_after_three_days() -> None:
    assert [
        is_given_up(None, NOW),
        is_given_up(NOW - PAUSED_AFTER + timedelta(seconds=1), NOW),
        is_given_up(NOW - PAUSED_AFTER, NOW),
    ] == [False, False, True]


def test_every_kind_comes_from_the_log_once() -> None:
    assert sorted(kind for _, kind in KINDS) == sorted(EventKind)
    assert [kind for event, kind in KINDS if event == Event.EXECUTION_SUCCEEDED] == [
        EventKind.EXECUTION_SUCCEEDED, EventKind.SUGGESTION_APPLIED,
    ]  # fmt: skip


def test_a_suggestions_event_says_where_it_stands() -> None:
    states = {state_after(kind) for kind in EventKind if kind.startswith("suggestion.")}
    assert states == {state.value for state in State}
    assert state_after(EventKind.EXECUTION_UNDONE) == "undone"


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks specification's own test suite."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_s=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_there_are_two_signatures() -> None:
    old, new = new_secret(), new_secret()
    sent = {"message_id": "evt_1", "timestamp_s": 7, "body": b"{}"}
    headers = headers_of(**sent, signed_with=[new, old])  # type: ignore[arg-type]
    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "7",
        "webhook-signature": f"{sign(new, **sent)} {sign(old, **sent)}",  # type: ignore[arg-type]
    }


def test_a_secret_is_as_the_libraries_want_it() -> None:
    secret = new_secret()
    assert (secret[:6], len(secret)) == ("whsec_", 50)
    assert secret != new_secret()
