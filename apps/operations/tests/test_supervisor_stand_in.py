"""The stand-in for OpenAI that the demo starts on request."""

import http.client
import os
from pathlib import Path

import pytest

from apps.operations.supervisor.children import Children
from apps.operations.supervisor.exceptions import SupervisorError
from apps.operations.supervisor.stand_in import StandIn, find_stand_in
from apps.operations.tests.embedded_cases import wait_until
from stubs.openai_server.app import KEY_BEGINS
from stubs.openai_server.behaviours import GOOD, behaviour_of


@pytest.mark.parametrize("word", ["", "0", "no", "False", " off "])
def test_none_is_started_unless_asked_for(word: str) -> None:
    assert find_stand_in({"AISHA_STAND_IN": word, "OPENAI_BASE_URL": "http://x"}) is None
    assert find_stand_in({"AISHA_STAND_IN": word, "REALTIME_API_KEY": "sk-mine"}) is None


def test_voice_can_be_tried_where_no_key_is_set() -> None:
    stand_in = find_stand_in({})
    assert stand_in is not None
    assert stand_in.environment == {
        "REALTIME_BASE_URL": f"http://127.0.0.1:{stand_in.port}/v1",
        "REALTIME_API_KEY": "sk-stand-in-demo",
        "REALTIME_MODEL": "stand-in",
        "TRANSCRIPTION_MODEL": "stand-in",
    }
    assert find_stand_in({"AISHA_STAND_IN": "0"}) is None


@pytest.mark.parametrize("word", ["1", "yes", "True", " on "])
def test_demo_is_told_where_it_answers(word: str) -> None:
    stand_in = find_stand_in({"AISHA_STAND_IN": word, "OPENAI_API_KEY": "sk-proj-mine"})
    assert stand_in is not None
    assert stand_in.environment == {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{stand_in.port}/v1",
        "OPENAI_API_KEY": "sk-stand-in-demo",
        "OPENAI_MODEL": "stand-in",
        "REALTIME_BASE_URL": f"http://127.0.0.1:{stand_in.port}/v1",
        "REALTIME_API_KEY": "sk-stand-in-demo",
        "REALTIME_MODEL": "stand-in",
        "TRANSCRIPTION_MODEL": "stand-in",
    }


def test_it_takes_the_key_and_the_model_that_the_demo_gets() -> None:
    environment = StandIn(9100).environment
    assert environment["OPENAI_API_KEY"].startswith(KEY_BEGINS)
    assert behaviour_of(environment["OPENAI_MODEL"]) == GOOD


def test_model_of_the_person_is_kept() -> None:
    stand_in = find_stand_in({"AISHA_STAND_IN": "1", "OPENAI_MODEL": "stand-in:obeys"})
    assert stand_in is not None
    assert stand_in.environment["OPENAI_MODEL"] == "stand-in:obeys"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AISHA_STAND_IN": "maybe"}, "AISHA_STAND_IN='maybe' is neither yes nor no."),
        (
            {"AISHA_STAND_IN": "1", "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"},
            "Set AISHA_STAND_IN or OPENAI_BASE_URL, not both.",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SupervisorError) as raised:
        find_stand_in(environment)
    assert str(raised.value) == message


def test_service_answers_where_the_demo_asks_and_ends_with_it(tmp_path: Path) -> None:
    stand_in = find_stand_in({"AISHA_STAND_IN": "1"})
    assert stand_in is not None
    children = Children(os.environ, tmp_path, print)
    assert not stand_in.is_ready()
    try:
        children.start(stand_in.service)
        assert wait_until(stand_in.is_ready)
        connection = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=10)
        key = stand_in.environment["OPENAI_API_KEY"]
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        children.stop()
    assert not stand_in.is_ready()
