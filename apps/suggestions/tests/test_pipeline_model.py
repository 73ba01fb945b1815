"""The whole pipeline with a language model over HTTP: what it writes, what does not hold, what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain.enums import Provider
from apps.brain.models import BrainCall, BrainSettings, BudgetReservation
from apps.conftest import Cast
from apps.crm.models import Activity, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import NOW, quiet_lead, scan
from apps.tenants.secrets import seal
from apps.triggers.models import Silence
from stubs.openai_server.testing import RunningStandIn

Switch = Callable[..., None]


@pytest.fixture
def switch_on(cast: Cast, stand_in: RunningStandIn) -> Switch:
    """Return a function that switches acme's language model on."""

    def switch(model: str = "stand-in", **fields: Any) -> None:
        values = {
            "provider": Provider.OPENAI,
            "base_url": stand_in.base_url,
            "model": model,
            "sealed_key": seal(stand_in.key),
            "most_retries": 0,
            "concurrency": 4,
            **fields,
        }
        BrainSettings.objects.update_or_create(pk=1, defaults=values)

    return switch


def written() -> Counter[str]:
    """How many suggestions each provider wrote."""
    return Counter(Suggestion.objects.values_list("provider", flat=True))


def test_a_scan_brings_suggestions_that_the_model_wrote(cast: Cast, switch_on: Switch) -> None:
    switch_on()
    leads = [quiet_lead(cast.rep) for _ in range(3)]
    scan()
    assert written() == {"openai": 3}
    for lead in leads:
        suggestion = Suggestion.objects.get(record_kind="lead", record_id=lead.pk)
        assert (suggestion.tool, suggestion.state) == ("create_followup", State.PENDING)
        assert (suggestion.arguments["about_id"], suggestion.arguments["owner_id"]) == (
            lead.pk, cast.rep.pk,
        )  # fmt: skip
        assert suggestion.evidence
        call = suggestion.brain_call
        assert call is not None
        assert (call.provider, call.tasks_count) == ("openai", 1)
    assert Task.objects.count() == 0


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("stand-in:foreign-tool", "tool_not_allowed"),
        ("stand-in:other-record", "other_record"),
        ("stand-in:unknown-person", "unknown_person"),
        ("stand-in:uncited", "no_evidence"),
        ("stand-in:link", "foreign_link"),
    ],
)
def test_what_does_not_hold_is_counted_and_the_rules_write(
    cast: Cast, switch_on: Switch, model: str, code: str
) -> None:
    switch_on(model)
    quiet_lead(cast.rep), quiet_lead(cast.rep)
    scan()
    assert written() == {"rules": 2}
    of_model = BrainCall.objects.filter(provider="openai")
    assert list(of_model.values_list("outcome", "dropped_code")) == [("answered", code)] * 2
    by_rules = BrainCall.objects.get(provider="rules")
    assert (by_rules.fell_back_because, by_rules.tasks_count) == ("did_not_hold", 2)
    assert {suggestion.brain_call for suggestion in Suggestion.objects.all()} == {by_rules}
    dropped = AuditEntry.objects.get(event=Event.PROPOSAL_DROPPED)
    assert dropped.details == {code: 2}


def test_one_bad_answer_among_good_ones(cast: Cast, switch_on: Switch) -> None:
    switch_on("stand-in:foreign-tool:1", concurrency=1)
    [quiet_lead(cast.rep) for _ in range(3)]
    scan()
    assert written() == {"openai": 2, "rules": 1}


def test_a_refreshed_suggestion_is_written_by_whoever_is_there_now(
    cast: Cast, switch_on: Switch
) -> None:
    switch_on()
    lead = quiet_lead(cast.rep)
    scan()
    switch_on("stand-in:status-500")
    Lead.objects.filter(pk=lead.pk).update(owner=cast.teammate)
    scan(timedelta(minutes=5))
    suggestion = Suggestion.objects.get()
    assert (suggestion.provider, suggestion.assignee) == ("rules", cast.teammate)
    assert suggestion.brain_call is not None
    assert suggestion.brain_call.fell_back_because == "call_failed"


def test_a_scan_without_news_asks_nobody(
    cast: Cast, switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on()
    quiet_lead(cast.rep)
    scan()
    scan(timedelta(minutes=5))
    assert len(stand_in.requests()) == 1
    assert BudgetReservation.objects.filter(settled_at=None).count() == 0


def test_what_does_not_hold_is_asked_and_paid_for_once(
    cast: Cast, switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on()
    contact = ContactFactory(owner=cast.rep, phone="0")
    mail = ActivityFactory(
        owner=cast.rep,
        contact=contact,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "1" * 51},
    )
    for minutes in (0, 5, 10):
        scan(timedelta(minutes=minutes))
    assert (len(stand_in.requests()), Suggestion.objects.count()) == (1, 0)
    # Another model may know better; it is asked once, too.
    switch_on("stand-in:obeys")
    for minutes in (11, 12):
        scan(timedelta(minutes=minutes))
    assert (len(stand_in.requests()), Suggestion.objects.count()) == (2, 0)
    Activity.objects.filter(pk=mail.pk).update(stated_details={"phone": "+1 555 0123"})
    scan(timedelta(minutes=15))
    assert (len(stand_in.requests()), Suggestion.objects.count()) == (3, 1)


def test_where_every_tool_is_silenced_no_model_is_asked(
    cast: Cast, switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on()
    quiet_lead(cast.rep)
    until = NOW + timedelta(minutes=7)
    Silence.objects.create(tool="create_followup", until=until)
    scan()
    scan(timedelta(minutes=5))
    assert stand_in.requests() == []
    assert BrainCall.objects.get().provider == "rules"
    scan(timedelta(minutes=10))
    assert written() == {"openai": 1}
