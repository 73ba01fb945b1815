"""The numbers beside the views: each person's own, though the statement is written once for a kind."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict

from apps.conftest import Cast
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.queue import COUNTED_VIEWS, Queue, in_view
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.users.models import User
from apps.users.statements import AnyReader, CountStatement
from apps.users.tests.factories import UserFactory


def fill(cast: Cast) -> None:
    """Another number of suggestions for each person, in the views that are counted."""
    SuggestionFactory.create_batch(1, assignee=cast.rep)
    SuggestionFactory.create_batch(2, assignee=cast.teammate)
    SuggestionFactory.create_batch(4, assignee=cast.outsider)
    SuggestionFactory.create_batch(1, assignee=None)
    SuggestionFactory.create_batch(3, assignee=cast.teammate, held_back=HeldBack.DAILY_CAP)
    SuggestionFactory.create_batch(2, assignee=cast.rep, held_back=HeldBack.DAILY_CAP)
    put_in(SuggestionFactory(assignee=cast.outsider), State.SNOOZED, cast.outsider)


def counts_of(user: User, query: str = "") -> dict[str, int]:
    """What the page counts for a person."""
    queue = Queue.read(User.objects.get(pk=user.pk), QueryDict(query))
    return {**queue.counts, "listed": queue.page.paginator.count}


def test_people_of_one_kind_get_their_own_numbers(cast: Cast) -> None:
    fill(cast)
    others = {"unassigned": 1, "due": 0}
    assert counts_of(cast.rep) == others | {
        "mine": 1, "team": 4, "snoozed": 0, "held_back": 2, "held_for_me": 2, "listed": 1,
    }  # fmt: skip
    assert counts_of(cast.teammate) == others | {
        "mine": 2, "team": 4, "snoozed": 0, "held_back": 3, "held_for_me": 3, "listed": 2,
    }  # fmt: skip
    assert counts_of(cast.outsider) == others | {
        "mine": 4, "team": 5, "snoozed": 1, "held_back": 0, "held_for_me": 0, "listed": 4,
    }  # fmt: skip
    assert counts_of(cast.manager) == others | {
        "mine": 0, "team": 8, "snoozed": 1, "held_back": 5, "held_for_me": 0, "listed": 8,
    }  # fmt: skip


def test_someone_without_a_team_counts_their_own_and_unassigned(cast: Cast) -> None:
    fill(cast)
    loner = UserFactory(username="loner", team=None)
    SuggestionFactory(assignee=loner)
    counts = counts_of(loner)
    assert (counts["mine"], counts["team"], counts["listed"]) == (1, 2, 1)


def test_another_tenants_numbers_are_its_own(cast: Cast, globex: Tenant, globex_cast: Cast) -> None:
    fill(cast)
    with globex:
        SuggestionFactory.create_batch(3, assignee=globex_cast.rep)
        there = counts_of(globex_cast.rep)
    assert (there["mine"], counts_of(cast.rep)["mine"]) == (3, 1)


@pytest.mark.parametrize(("query", "listed"), [("", 4), ("view=mine", 1), ("view=team&q=none", 0)])
def test_the_list_is_counted_as_it_is_filtered(cast: Cast, query: str, listed: int) -> None:
    fill(cast)
    counts = counts_of(cast.rep, query or "view=team")
    assert (counts["listed"], counts["team"]) == (listed, 4)


@pytest.mark.parametrize("who", ["rep", "outsider", "manager", "admin"])
def test_a_statement_for_a_kind_counts_what_its_querysets_hold(cast: Cast, who: str) -> None:
    fill(cast)
    user = User.objects.get(pk=getattr(cast, who).pk)
    kind = AnyReader(sees_all=user.sees_all, has_team=user.team_id is not None)
    statement = CountStatement.of({view: in_view(kind, view) for view in COUNTED_VIEWS})
    expected = {view: in_view(user, view).count() for view in COUNTED_VIEWS}
    assert statement.count_for(user) == expected


def test_what_is_asked_travels_as_a_parameter(cast: Cast) -> None:
    fill(cast)
    # "') OR 1=1 --", and a number that stands for the reader's own id elsewhere.
    assert counts_of(cast.manager, "view=team&q=%27%29%20OR%201%3D1%20--")["listed"] == 0
    assert counts_of(cast.manager, "view=team&q=-1")["listed"] == 0


def test_a_statement_is_planned_once_however_often_it_is_asked(cast: Cast) -> None:
    fill(cast)
    for person in (cast.rep, cast.teammate, cast.outsider):
        counts_of(person)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT custom_plans FROM pg_prepared_statements WHERE name LIKE 'aisha%%'", []
        )
        assert cursor.fetchall() == [(0,)]
