"""What the read tools of the assistant, forecasts, meetings and renewals find, and for whom."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.brain.enums import Language
from apps.brain.language_model.replies import FunctionCall
from apps.brain.reading.running import Read, run_call
from apps.brain.schemas import Question
from apps.conftest import Cast
from apps.crm.models import Contact
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
)
from apps.predictions.tests.factories import ForecastFactory
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.models import Signal
from apps.users.models import User
from apps.users.tests.factories import UserFactory

TODAY = timezone.localdate()
NOON = timezone.make_aware(datetime.combine(TODAY, time(12)))


def read(asker: User, tool: str, **arguments: Any) -> Read:
    asker.get_all_permissions()
    question = Question("", asker, Language.ENGLISH, TODAY)
    call = FunctionCall("", tool, json.dumps(arguments))
    actor = Actor.for_person(asker, Origin.TYPED)
    return run_call(call, question, first_number=1, actor=actor)


def told(found: Read) -> list[tuple[str, str]]:
    assert found.refusal == ""
    return [(fact.label, fact.text) for fact in found.facts]


def test_who_was_met_is_told_the_latest_first(cast: Cast) -> None:
    ana = ContactFactory(owner=cast.rep, first_name="Ana", last_name="Quirke")
    bo = LeadFactory(owner=cast.rep, first_name="Bo", last_name="Ek")
    hidden = ContactFactory(owner=cast.outsider)
    long_ago = ContactFactory(owner=cast.rep)
    for days, about in (
        (3, {"contact": ana}), (1, {"lead": bo}), (2, {"contact": ana}), (2, {}), (1, {"contact": hidden}),
        (9, {"contact": long_ago}),
    ):  # fmt: skip
        moment = NOON - timedelta(days=days)
        ActivityFactory(owner=cast.rep, activity_kind="meeting", occurred_at=moment, **about)
    ActivityFactory(owner=cast.rep, activity_kind="call", occurred_at=NOON, lead=LeadFactory())
    span = {"first": (TODAY - timedelta(days=4)).isoformat(), "last": TODAY.isoformat()}
    found = read(cast.rep, "people_met", **span)
    assert [text for _, text in told(found)] == ["2", "1", "Bo Ek", "Ana Quirke"]
    assert read(cast.teammate, "people_met", **span).facts[0].text == "none"
    both = read(cast.rep, "people_met", **span, kinds="meetings_and_calls")
    assert both.facts[0].text == "3"


def test_who_must_not_be_contacted_is_marked(cast: Cast) -> None:
    ana: Contact = ContactFactory(owner=cast.rep, do_not_contact=True)
    ActivityFactory(owner=cast.rep, activity_kind="meeting", occurred_at=NOON, contact=ana)
    found = read(cast.rep, "people_met", first=TODAY.isoformat(), last=TODAY.isoformat())
    assert [fact.value for fact in found.facts] == [1, "do_not_contact"]


def test_renewals_are_those_of_who_asks(cast: Cast) -> None:
    account = AccountFactory(owner=cast.rep)
    for owner, days, value in (
        (cast.rep, 10, 1200), (cast.rep, 5, 800), (cast.outsider, 3, 50), (cast.rep, 200, 9),
    ):  # fmt: skip
        ContractFactory(
            owner=owner, account=account, name=f"In {days}", value=value, currency="USD",
            renews_on=TODAY + timedelta(days=days),
        )  # fmt: skip
    found = told(read(cast.rep, "renewals_ahead"))
    assert found[0][1] == "2, worth 2,000\N{NO-BREAK SPACE}$"
    assert [text.split(" (")[0] for _, text in found[1:]] == ["In 5", "In 10"]
    assert read(cast.manager, "renewals_ahead").facts[0].value == 3


def test_renewals_are_worth_what_each_currency_comes_to(cast: Cast) -> None:
    for value, currency in ((800, "USD"), (None, "CHF"), (30, "EUR"), (1200, "USD")):
        renews_on = TODAY + timedelta(days=3)
        ContractFactory(owner=cast.rep, value=value, currency=currency, renews_on=renews_on)
    assert told(read(cast.rep, "renewals_ahead"))[0][1] == (
        "4, worth 30\N{NO-BREAK SPACE}€ + 2,000\N{NO-BREAK SPACE}$"
    )


def test_a_forecast_is_told_as_far_as_one_may_see_it(cast: Cast) -> None:
    dates = {"starts_on": TODAY.replace(day=1), "ends_on": TODAY + timedelta(days=31)}
    ForecastFactory(
        window="this_month", made_on=TODAY, p10=10, p50=50, p90=90, won_so_far=5, **dates
    )
    own = read(cast.rep, "forecast_numbers", window="this_month")
    assert told(own) == [("Forecast of this month", "none has been made")]
    ForecastFactory(
        window="this_month",
        made_on=TODAY,
        owner=cast.rep,
        p50=20,
        p10=1,
        p90=30,
        won_so_far=0,
        **dates,
    )
    (label, text), = told(read(cast.rep, "forecast_numbers", window="this_month"))  # fmt: skip
    assert label == "Forecast of this month, your own deals"
    assert text.startswith("20")
    ((label, text),) = told(read(cast.manager, "forecast_numbers", window="this_month"))
    assert label == "Forecast of this month, the company"
    assert text.startswith("50")


def test_what_waits_is_that_of_who_asks(cast: Cast) -> None:
    for owner, rank in ((cast.rep, 1.0), (cast.rep, 3.0), (cast.teammate, 9.0)):
        SuggestionFactory(
            assignee=owner, lead=LeadFactory(owner=owner), rank=rank, title=f"Rank {rank}"
        )
    facts = read(cast.rep, "waiting_suggestions").facts
    assert facts[0].text == "2"
    assert [fact.text.split(" — ")[0] for fact in facts[1:]] == ["Rank 3.0", "Rank 1.0"]


def test_what_was_discovered_is_counted_and_the_strongest_named(cast: Cast) -> None:
    for owner in (cast.rep, cast.rep, cast.outsider):
        lead = LeadFactory(owner=owner, estimated_value=100, currency="USD")
        Signal.objects.create(
            trigger="lead_hot", record_kind="lead", record_id=lead.pk, goal="act_on_interest", severity=3,
            facts={}, fired_at=NOON, refreshed_at=NOON,
        )  # fmt: skip
    facts = read(cast.rep, "discovered", discovery="hot_lead").facts
    assert (facts[0].label, facts[0].value) == ("Hot leads", 2)
    assert len([fact for fact in facts if fact.key == "strong"]) == 2
    assert read(cast.manager, "discovered").facts[0].value == 3


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("people_met", {"first": "2026-03-01", "last": "2026-03-02"}),
        ("renewals_ahead", {}),
        ("forecast_numbers", {"window": "quarter"}),
        ("waiting_suggestions", {}),
        ("discovered", {}),
    ],
)
def test_who_has_no_role_reads_nothing(cast: Cast, tool: str, arguments: dict[str, Any]) -> None:
    nobody = UserFactory()
    nobody.groups.clear()
    assert read(User.objects.get(pk=nobody.pk), tool, **arguments).refusal == "not_permitted"
    assert AuditEntry.objects.filter(event=Event.BRAIN_READ_REFUSED).count() == 1
