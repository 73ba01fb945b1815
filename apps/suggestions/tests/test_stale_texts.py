"""What has changed since is told as the reader reads it: with currencies, days and hours of theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import Opportunity, Record
from apps.crm.tests.factories import ActivityFactory, LeadFactory, OpportunityFactory
from apps.execution.schemas import JsonValue
from apps.suggestions.detail import present
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


def suggestion_of(
    cast: Cast, record: Record, tool: str, arguments: dict[str, JsonValue], **seen: JsonValue
) -> Suggestion:
    key = f"{record.kind}:{record.pk}"
    suggestion: Suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep),
        assignee=cast.rep,
        tool=tool,
        record_kind=record.kind,
        record_id=record.pk,
        record_label="The record",
        arguments=arguments,
        before_values={key: {name: value for name, value in seen.items() if name in arguments}},
        guard_values={key: seen},
    )
    return suggestion


def changes(suggestion: Suggestion, viewer: User) -> list[tuple[str, str, str]]:
    stale = present(suggestion, viewer).stale
    assert stale is not None
    return [(change.label, change.seen_text, change.now_text) for change in stale.changes]


@pytest.fixture
def deal(cast: Cast) -> Opportunity:
    made: Opportunity = OpportunityFactory(owner=cast.rep, amount="12000.50", currency="EUR")
    return made


def test_an_amount_has_its_currency_then_and_now(
    cast: Cast, deal: Opportunity, client_for: ClientFor, api_for: ApiFor
) -> None:
    arguments: dict[str, JsonValue] = {
        "opportunity_id": deal.pk, "amount": "1.00", "currency": "EUR",
    }  # fmt: skip
    suggestion = suggestion_of(
        cast, deal, "update_opportunity", arguments, amount="10000.00", currency="EUR"
    )
    words = ("Amount", "10,000\u00a0€", "12,000.50\u00a0€")
    assert changes(suggestion, cast.rep) == [words]
    html = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert f"<bdi>{words[1]}</bdi>" in html
    assert f"<strong><bdi>{words[2]}</bdi></strong>" in html
    told = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/").json()
    assert [(row["seen"], row["now"]) for row in told["changes_since"]] == [words[1:]]


def test_a_currency_that_changed_stands_at_its_side(cast: Cast, deal: Opportunity) -> None:
    arguments: dict[str, JsonValue] = {
        "opportunity_id": deal.pk, "amount": "1.00", "currency": "EUR",
    }  # fmt: skip
    suggestion = suggestion_of(
        cast, deal, "update_opportunity", arguments, amount="10000.00", currency="USD"
    )
    assert changes(suggestion, cast.rep) == [
        ("Currency", "USD", "EUR"), ("Amount", "10,000\u00a0$", "12,000.50\u00a0€"),
    ]  # fmt: skip


def test_days_and_hours_are_the_readers(cast: Cast, client_for: ClientFor, api_for: ApiFor) -> None:
    mail = ActivityFactory(
        owner=cast.rep, occurred_at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC), subject="Roof"
    )
    suggestion = suggestion_of(
        cast,
        mail,
        "create_lead",
        {"activity_id": mail.pk, "email": "ana@isdom.com"},
        occurred_at="2026-03-02T09:00:00+00:00",
    )
    assert mail.kind == RecordKind.ACTIVITY
    for zone, seen, now in (
        ("Asia/Tokyo", "2 Mar 2026, 18:00", "3 Mar 2026, 08:30"),
        ("America/New_York", "2 Mar 2026, 04:00", "2 Mar 2026, 18:30"),
    ):
        cast.rep.time_zone = zone
        cast.rep.save()
        html = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
        assert f"<bdi>{seen}</bdi>" in html
        assert f"<strong><bdi>{now}</bdi></strong>" in html
        told = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/").json()
        assert [(row["seen"], row["now"]) for row in told["changes_since"]] == [(seen, now)]
