"""What triggers saw is told in words with units, whoever reads it."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from django.db import connection

from apps.tenants.models import Tenant
from apps.triggers.detection import matching_sql
from apps.triggers.fact_words import fact_in_words, is_told
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry
from apps.triggers.tests.asking import BERLIN, MONDAY_TO_FRIDAY, NOW

# Texts and ids: what they are is told by the record and its activities.
NOT_TOLD = re.compile(r"_id$|revision$|^(address|direction|email|phone|title|duplicate_kind)$")


def show_day(day: date) -> str:
    """A day, or the day of a moment there where it happened."""
    local = day.astimezone(BERLIN) if isinstance(day, datetime) else day
    return f"{local:%d.%m.}"


@pytest.mark.parametrize("key", sorted(trigger.key for trigger in registry.all()))
def test_every_fact_of_every_trigger_has_words(acme: Tenant, key: str) -> None:
    trigger = registry.get(key)
    moment = ScanMoment(now=NOW, zone=BERLIN, calendar=MONDAY_TO_FRIDAY, figures={})
    sql, params = matching_sql(trigger, moment, trigger.parse({}))
    text = connection.ops.compose_sql(sql, params)  # type: ignore[attr-defined]
    names = set(re.findall(r"'([a-z0-9_]+)'\)::text\) VALUE", text))
    assert "revision" in names
    assert {name for name in names if not is_told(name)} == {
        name for name in names if NOT_TOLD.search(name)
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("own_limit_days", 14, "usually at most 14 days in this stage"),
        ("own_limit_days", 1, "usually at most 1 day in this stage"),
        ("push_count", 3, "pushed 3 times"),
        ("recent_count", 0, "no contacts of late"),
        ("score_0_1", 0.42, "score 42%"),
        ("renews_on", "2026-03-12", "renews 12.03."),
        ("unanswered_at", "2026-03-01T23:30:00+00:00", "unanswered since 02.03."),
        ("of_former_days", 7, "of former days 7"),
    ],
)
def test_a_fact_in_words(name: str, value: str | float, words: str) -> None:
    assert fact_in_words(name, value, show_day) == words
