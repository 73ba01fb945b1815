"""Rows that are written by statements written once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.brain.enums import Goal
from apps.tenants.models import Tenant
from apps.tenants.statements import ask_together
from apps.tenants.writing import insert, insertion, insertion_with, update, updating
from apps.triggers.models import Silence
from apps.users.models import User
from apps.users.tests.factories import UserFactory


def silence(**values: object) -> Silence:
    return Silence(goal=Goal.REVIVE_LEAD, until=timezone.now() + timedelta(days=1), **values)


def test_a_row_is_inserted_as_the_orm_does(acme: Tenant) -> None:
    person = UserFactory()
    ours, theirs = insert(silence(created_by=person)), silence(created_by=person)
    theirs.until = ours.until
    theirs.save()
    stored = [Silence.objects.filter(pk=row.pk).values().get() for row in (ours, theirs)]
    assert ours.created_at == stored[0]["created_at"]
    assert not ours._state.adding
    for row in stored:
        del row["id"], row["created_at"]
    assert stored[0] == stored[1]
    # What is given stands in the place of the database's default.
    made = insert(silence(created_at=ours.until))
    assert Silence.objects.get(pk=made.pk).created_at == made.created_at == ours.until


def test_a_row_and_the_one_that_it_names_are_inserted_by_one_statement(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    person, row = User(username="new"), silence()
    insertion_with(silence(), "created_by", User(username="other")).read()
    with django_assert_num_queries(1):
        insertion_with(row, "created_by", person).read()
    assert not row._state.adding
    assert not person._state.adding
    stored = Silence.objects.get(pk=row.pk)
    assert (stored.created_by, stored.created_at) == (person, row.created_at)
    assert row.created_by == person
    with pytest.raises(TypeError, match="would not be known"):
        insertion_with(row, "created_by", silence())


def test_a_column_whose_place_depends_on_its_value_is_refused() -> None:
    with pytest.raises(TypeError, match="not written as they stand"):
        insert(Tenant(name="Initech", schema_name="initech"))


def test_rows_are_updated_where_they_are_as_they_were_read(acme: Tenant) -> None:
    person, row = UserFactory(), insert(silence())
    other = insert(silence())
    goals = [Goal.REVIVE_LEAD, Goal.AS_ASKED]
    values = {"created_by": person, "goal": Goal.AS_ASKED, "record_id": None}
    assert update(Silence, {"pk": row.pk, "goal": goals}, values) == 1
    assert update(Silence, {"pk": row.pk, "goal": goals[:1]}, values) == 0
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.goal, row.created_by, other.goal) == (Goal.AS_ASKED, person, Goal.REVIVE_LEAD)


def test_what_is_sent_together_is_one_message_and_each_sees_what_was_before_it(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    row, goal = insert(silence()), {"goal": Goal.REVIVE_LEAD}
    update(Silence, {"pk": row.pk}, goal)
    with django_assert_num_queries(1):
        made, count = ask_together(
            insertion(silence()), updating(Silence, goal, {"record_id": None})
        )
    assert (count, Silence.objects.count()) == (2, 2)
    assert Silence.objects.get(pk=made.pk).created_at == made.created_at
    assert ask_together() == []
