"""What a replay reads of the past is what was there: random histories, moment for moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from apps.triggers.replay.past import Past
from apps.triggers.replay.tables import reading_of
from apps.triggers.rules import registry
from apps.triggers.tests.replay.choices import choices_of, moment_for
from apps.triggers.tests.replay.histories import BEGIN, Company, Move, histories

# Which records a trigger found, by moment and name of the parameters.
Answers = dict[tuple[datetime, str], frozenset[int]]

# A history takes seconds to make, so that shrinking one would take hours.
ONCE_EACH = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(ONCE_EACH, max_examples=4)
@given(history=histories(50))
def test_each_trigger_says_of_a_past_moment_what_it_said_then(
    company: Company, history: list[Move]
) -> None:
    company.found()
    company.live(history)
    for key in [trigger.key for trigger in registry.all()]:
        assert (key, say_again(company, key)) == (key, said_then(company, key))


@pytest.mark.soak
@settings(ONCE_EACH, max_examples=40)
@given(history=histories(150))
def test_each_trigger_says_of_a_past_moment_what_it_said_then_in_long_histories(
    company: Company, history: list[Move]
) -> None:
    company.found()
    company.live(history)
    for key in [trigger.key for trigger in registry.all()]:
        assert (key, say_again(company, key)) == (key, said_then(company, key))


def said_then(company: Company, key: str) -> Answers:
    """What the trigger said while the history was made, by moment and parameters."""
    return {
        (moment, name): ids
        for (moment, trigger, name), ids in company.answers.items()
        if trigger == key
    }


def say_again(company: Company, key: str) -> Answers:
    """What a replay lets the trigger say."""
    trigger = registry.get(key)
    choices = choices_of(trigger)
    reading = reading_of(trigger, moment_for(trigger, company.now), list(choices.values()))
    said = {}
    with Past(reading, since=BEGIN - timedelta(days=1), until=company.now) as past:
        for now in sorted({moment for moment, _, _ in company.answers}, reverse=True):
            past.go_back_to(now)
            with past.standing():
                moment = moment_for(trigger, now)
                for name, parameters in choices.items():
                    found = trigger.matching(moment, parameters).order_by()
                    said[now, name] = frozenset(found.values_list("pk", flat=True))
    return said
