"""That a suggestion was shown to somebody is on record: once for each person and edition, wherever it was."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.enums import Origin
from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.cards import token_of
from apps.suggestions.models import Suggestion
from apps.suggestions.shown import open_detail, record_shown
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once


def waiting(cast: Cast) -> Suggestion:
    return SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))


def shown() -> list[tuple[int | None, str, str]]:
    """Who was shown which edition, and where."""
    entries = AuditEntry.objects.filter(event="suggestion.shown").order_by("id")
    return [(entry.actor_id, entry.details["edition"], entry.origin) for entry in entries]


@pytest.mark.parametrize("path", ["/suggestions/{pk}/", "/suggestions/"])
def test_a_page_that_shows_it_is_on_record_once(cast: Cast, client_for: Any, path: str) -> None:
    suggestion = waiting(cast)
    client = client_for(cast.rep)
    for _ in range(3):
        assert client.get(path.format(pk=suggestion.pk)).status_code == 200
    assert shown() == [(cast.rep.pk, suggestion.refreshed_at.isoformat(), "person")]
    entry = AuditEntry.objects.get(event="suggestion.shown")
    assert (entry.suggestion_id, entry.record_kind, entry.record_id) == (
        suggestion.pk, "lead", suggestion.record_id,
    )  # fmt: skip


def test_each_person_and_each_edition_is_a_look_of_its_own(cast: Cast, client_for: Any) -> None:
    suggestion = waiting(cast)
    first = suggestion.refreshed_at
    path = f"/suggestions/{suggestion.pk}/"
    client_for(cast.rep).get(path)
    client_for(cast.manager).get(path)
    later = first + timedelta(hours=1)
    Suggestion.objects.filter(pk=suggestion.pk).update(refreshed_at=later)
    for _ in range(2):
        client_for(cast.rep).get(path)
    assert [(who, edition) for who, edition, _ in shown()] == [
        (cast.rep.pk, first.isoformat()), (cast.manager.pk, first.isoformat()),
        (cast.rep.pk, later.isoformat()),
    ]  # fmt: skip


def test_in_the_api_it_is_the_detail_not_the_list(cast: Cast, api_for: Any) -> None:
    suggestion = waiting(cast)
    client = api_for(cast.rep)
    client.get("/api/v1/suggestions/")
    assert shown() == []
    for _ in range(2):
        client.get(f"/api/v1/suggestions/{suggestion.pk}/")
    assert shown() == [(cast.rep.pk, suggestion.refreshed_at.isoformat(), "api")]


def test_in_the_admin(cast: Cast, client_for: Any) -> None:
    suggestion = waiting(cast)
    client = client_for(cast.manager)
    client.get("/admin/suggestions/suggestion/")
    assert shown() == []
    client.get(f"/admin/suggestions/suggestion/{suggestion.pk}/change/")
    assert shown() == [(cast.manager.pk, suggestion.refreshed_at.isoformat(), "person")]


def test_who_may_not_see_it_was_not_shown_it(cast: Cast, client_for: Any) -> None:
    suggestion = waiting(cast)
    assert client_for(cast.outsider).get(f"/suggestions/{suggestion.pk}/").status_code == 404
    assert shown() == []


def test_the_history_beside_it_does_not_name_readers(cast: Cast, client_for: Any) -> None:
    suggestion = waiting(cast)
    detail = open_detail(suggestion, cast.rep)
    assert open_detail(suggestion, cast.rep).history == detail.history == ()


def test_choosing_and_adding_up_show_each_once(cast: Cast, client_for: Any) -> None:
    rows = [waiting(cast) for _ in range(3)]
    client = client_for(cast.rep)
    assert client.get("/suggestions/bulk/").status_code == 200
    looks = sorted((cast.rep.pk, row.refreshed_at.isoformat(), "person") for row in rows)
    assert sorted(shown()) == looks
    newer = waiting(cast)
    tokens = [token_of(row) for row in (*rows, newer)]
    for _ in range(2):
        assert client.post("/suggestions/bulk/confirm/", {"items": tokens}).status_code == 200
    assert sorted(shown()) == sorted(
        [*looks, (cast.rep.pk, newer.refreshed_at.isoformat(), "person")]
    )
    last = AuditEntry.objects.filter(event="suggestion.shown").order_by("id").last()
    assert last is not None
    assert (last.suggestion_id, last.record_kind, last.record_id) == (
        newer.pk, "lead", newer.record_id,
    )  # fmt: skip


def test_what_is_left_out_of_the_sum_was_not_shown(cast: Cast, client_for: Any) -> None:
    fine, risky = waiting(cast), waiting(cast)
    Suggestion.objects.filter(pk=risky.pk).update(risk="high")
    tokens = [token_of(fine), token_of(risky)]
    client_for(cast.rep).post("/suggestions/bulk/confirm/", {"items": tokens})
    assert shown() == [(cast.rep.pk, fine.refreshed_at.isoformat(), "person")]


def test_many_are_put_on_record_by_as_many_statements_as_one(cast: Cast) -> None:
    counts = []
    for number in (1, 30):
        rows = [waiting(cast) for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            record_shown(rows, cast.rep)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert len(shown()) == 31


def test_two_windows_at_once_are_one_look(committed_tenant: Tenant) -> None:
    cast = make_cast()
    suggestion = waiting(cast)
    works = [partial(open_detail, suggestion, cast.rep, Origin.PERSON)] * 6
    results = at_once(committed_tenant, works)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert len(shown()) == 1
