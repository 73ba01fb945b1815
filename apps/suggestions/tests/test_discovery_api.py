"""What was discovered, in the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.conftest import ApiClient, Cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.models import DiscoveryLook
from apps.suggestions.tests.discovered import fire
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import Discovery
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]
YESTERDAY = timezone.now().replace(microsecond=0) - timedelta(days=1)
ADDRESS = "/api/v1/discoveries/"


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_record_with_its_findings_and_the_summary(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, last_name="Winter", estimated_value=Decimal(1500))
    signal = fire("lead_inactive", lead, YESTERDAY)
    suggestion = SuggestionFactory(lead=lead, assignee=cast.rep, goal=signal.goal)
    answer = api_for(cast.rep).get(ADDRESS).json()
    worth = {"currency": "USD", "amount": "1500.00"}
    assert (answer["next"], answer["count"]) == (None, 1)
    assert answer["results"] == [
        {
            "record_kind": "lead",
            "record_id": lead.pk,
            "name": str(lead),
            "owner": cast.rep.pk,
            "worth": worth,
            "found_at": utc(YESTERDAY),
            "is_new": True,
            "findings": [
                {
                    "signal": signal.pk,
                    "trigger": "lead_inactive",
                    "discovery": "missing_followup",
                    "severity": 2,
                    "label": "Lead gone quiet",
                    "words": "",
                    "found_at": utc(YESTERDAY),
                    "is_new": True,
                    "suggestion": suggestion.pk,
                    "note": "",
                }
            ],
        }
    ]
    summary = answer["summary"]
    counts = {"records": 1, "new": 1, "found_this_week": 1, "found_the_week_before": 0}
    assert summary["all"] == {"discovery": None, **counts, "worth": [worth]}
    assert [row["discovery"] for row in summary["kinds"]] == Discovery.values
    assert summary["kinds"][1] == {"discovery": "missing_followup", **counts, "worth": [worth]}
    assert summary["has_trend"] is False


def test_it_is_filtered_and_paged(cast: Cast, api_for: ApiFor) -> None:
    leads = [LeadFactory(owner=cast.rep, estimated_value=n) for n in (3, 2, 1)]
    for lead in leads:
        fire("lead_inactive", lead, YESTERDAY)
    fire("lead_hot", leads[2], YESTERDAY)
    api = api_for(cast.rep)

    def ids(query: str) -> list[int]:
        return [row["record_id"] for row in api.get(f"{ADDRESS}?{query}").json()["results"]]

    assert ids("order=value") == [lead.pk for lead in leads]
    assert ids("discovery=hot_lead") == [leads[2].pk]
    assert ids("owner=nobody") == []
    assert ids("owner=me&only_new=true&order=strongest")[0] == leads[2].pk
    first = api.get(f"{ADDRESS}?order=value&page_size=2").json()
    assert (first["count"], len(first["results"])) == (3, 2)
    assert first["next"].endswith(f"{ADDRESS}?order=value&page=2&page_size=2")
    last = api.get(first["next"]).json()
    assert ([row["record_id"] for row in last["results"]], last["next"]) == ([leads[2].pk], None)
    DiscoveryLook.objects.create(person=cast.rep, seen_until=timezone.now())
    assert ids("only_new=true") == []


@pytest.mark.parametrize(
    "query",
    ["discovery=x", "owner=x", "team=x", "order=x", "page=0", "page_size=201", "only_new=x", "q=x"],
)
def test_what_is_asked_wrongly_is_refused(cast: Cast, api_for: ApiFor, query: str) -> None:
    answer = api_for(cast.rep).get(f"{ADDRESS}?{query}")
    assert answer.status_code == 400


def test_a_rep_is_not_told_of_another_teams_records(cast: Cast, api_for: ApiFor) -> None:
    fire("lead_hot", LeadFactory(owner=cast.outsider), YESTERDAY)
    assert api_for(cast.rep).get(ADDRESS).json()["count"] == 0
    assert api_for(cast.manager).get(ADDRESS).json()["count"] == 1
