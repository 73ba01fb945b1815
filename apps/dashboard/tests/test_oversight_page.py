"""The page about how people decide: for managers, of their own company, in a constant number of queries."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.dashboard.oversight.reading import chosen_days, read_oversight
from apps.dashboard.oversight.waiting import AgeBand, Waiting, read_age_bands, read_waiting
from apps.dashboard.tests.decisions import decided
from apps.suggestions.enums import HeldBack, State, Verdict
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
PATH = "/insights/oversight/"
EXPORTS = (f"{PATH}people.csv", f"{PATH}disagreements.csv")


def waits(person: User | None, days: float, **fields: object) -> Suggestion:
    queued_at = timezone.now() - timedelta(days=days)
    suggestion: Suggestion = SuggestionFactory(
        assignee=person, lead=LeadFactory(owner=person), queued_at=queued_at, **fields
    )
    return suggestion


def test_it_is_for_managers_and_administrators(cast: Cast, client_for: ClientFor) -> None:
    for path in (PATH, *EXPORTS):
        statuses = [
            client_for(person).get(path).status_code
            for person in (cast.rep, cast.manager, cast.admin)
        ]
        assert statuses == [403, 200, 200]
    assert b"is for managers and administrators" in client_for(cast.rep).get(PATH).content


def test_people_who_decided_most_stand_first_and_nobody_last(
    cast: Cast, client_for: ClientFor
) -> None:
    decided(cast.rep, Verdict.APPROVE, 0)
    decided(cast.teammate, Verdict.APPROVE, 0)
    decided(cast.teammate, Verdict.REJECT, 100)
    waits(cast.outsider, 3)
    waits(None, 1)
    oversight = client_for(cast.manager).get(PATH).context["oversight"]
    assert [(row.name, row.deciding.decided, row.waiting.count) for row in oversight.people] == [
        ("Tom Mate", 2, 0), ("Rita Rep", 1, 0), ("Olga Out", 0, 1), ("Nobody", 0, 1),
    ]  # fmt: skip
    assert (oversight.everyone.decided, oversight.waiting) == (3, 2)


def test_what_waits_is_told_by_queue_and_by_age(cast: Cast) -> None:
    now = timezone.now()
    for days in (0.5, 2, 2.5):
        waits(cast.rep, days)
    waits(cast.teammate, 20)
    waits(cast.rep, 9, held_back=HeldBack.DAILY_CAP)
    waits(cast.rep, 9, state=State.WITHDRAWN)
    found = read_waiting(now)
    assert [(row.person_id, row.count, round(row.median_days or 0, 2)) for row in found] == [
        (cast.rep.pk, 3, 2.0), (cast.teammate.pk, 1, 20.0),
    ]  # fmt: skip
    assert read_age_bands(now) == (
        AgeBand(0, 1, 1), AgeBand(1, 3, 2), AgeBand(3, 7, 0), AgeBand(7, 14, 0), AgeBand(14, None, 1),
    )  # fmt: skip
    assert [band.label for band in read_age_bands(now)][::2] == [
        "less than a day", "3 to 7 days", "14 days and more",
    ]  # fmt: skip


def test_the_period_is_chosen_in_the_address(cast: Cast, client_for: ClientFor) -> None:
    assert [chosen_days(text) for text in ("7", "365", "", "8", "x")] == [7, 365, 30, 30, 30]
    decided(cast.rep, Verdict.APPROVE, -40 * 86400)
    client = client_for(cast.manager)
    counts = [
        client.get(f"{PATH}?days={days}").context["oversight"].everyone.approved
        for days in (30, 90)
    ]
    assert counts == [0, 1]


def test_a_run_of_quick_approvals_is_marked(cast: Cast, client_for: ClientFor) -> None:
    for moment in range(5):
        decided(cast.rep, Verdict.APPROVE, moment)
    page = client_for(cast.manager).get(PATH).content.decode()
    assert 'title="5 approved in a hurry"' in page


def test_another_companys_decisions_stay_there(
    cast: Cast, globex: Tenant, client_for: ClientFor
) -> None:
    with globex:
        stranger = User.objects.create_user("stranger", first_name="Stranger")
        decided(stranger, Verdict.APPROVE, 0)
        waits(stranger, 2)
    oversight = client_for(cast.manager).get(PATH).context["oversight"]
    assert (oversight.people, oversight.everyone.decided, oversight.waiting) == ((), 0, 0)


def test_the_tables_as_files(cast: Cast, client_for: ClientFor) -> None:
    for n in range(5):
        decided(cast.rep, Verdict.APPROVE, 100 * n, waited_s=60)
        decided(cast.teammate, Verdict.REJECT, 100 * n)
    client = client_for(cast.manager)
    people, kinds = (
        list(csv.reader(io.StringIO(b"".join(client.get(path)).decode("utf-8-sig"))))
        for path in EXPORTS
    )
    assert people[1:] == [
        ["Rita Rep", "5", "0", "0", "0", "1.0", "0.0", "60", "", "5", "1", "0", "0.0", "0", "0", "0", "", ""],
        ["Tom Mate", "0", "0", "5", "0", "0.0", "1.0", "600", "", "5", "0", "0", "", "0", "0", "0", "", ""],
    ]  # fmt: skip
    assert kinds[1:] == [["Create follow-up", "10", "2", "Rita Rep", "1.0", "Tom Mate", "0.0"]]


def test_an_empty_period_says_so(cast: Cast, client_for: ClientFor) -> None:
    page = client_for(cast.manager).get(PATH).content.decode()
    assert "Nobody has decided anything" in page


def test_insights_and_the_admin_lead_there(cast: Cast, client_for: ClientFor) -> None:
    assert f'href="{PATH}"' in client_for(cast.manager).get("/insights/learning/").content.decode()
    assert f'href="{PATH}"' not in client_for(cast.rep).get("/insights/learning/").content.decode()
    assert f'href="{PATH}"' in client_for(cast.manager).get("/admin/").content.decode()


@pytest.mark.parametrize("path", [PATH, EXPORTS[0]])
def test_query_count_does_not_grow(cast: Cast, client_for: ClientFor, path: str) -> None:
    client, counts = client_for(cast.manager), []
    for person in (cast.rep, cast.teammate, cast.outsider):
        for n in range(5):
            decided(person, Verdict.APPROVE, n)
        waits(person, 2)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_reading_takes_five_queries(cast: Cast) -> None:
    decided(cast.rep, Verdict.APPROVE, 0)
    with CaptureQueriesContext(connection) as queries:
        read_oversight(30, timezone.now())
    assert len(queries) == 5


def test_a_queue_without_anything_has_no_age(cast: Cast) -> None:
    assert Waiting(None, 0, None, None).median_days is None
