"""What the AI's database role can and cannot do with suggestions, asked of the database itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.conftest import Cast
from apps.suggestions.enums import MOVES, State
from apps.suggestions.models import Suggestion
from apps.suggestions.safeguard import AI_MOVES
from apps.suggestions.services import edit, rebase
from apps.suggestions.tests.cases import NOW, put_in, suggested
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

REFUSED = "the AI may not do this"
DECIDED = [state for state in State if state not in AI_MOVES]


def as_ai(statement: str, *params: str) -> int:
    """Run one statement as the AI; return the number of rows."""
    with transaction.atomic(), taking_role(Role.AI), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


@pytest.mark.parametrize("state", DECIDED)
@pytest.mark.parametrize(
    "change", ["state = 'pending'", "state = state", "arguments = '{}'", "title = 'Another'"]
)
def test_what_was_decided_stands(cast: Cast, state: State, change: str) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    with pytest.raises(ProgrammingError, match=REFUSED):
        as_ai(f"UPDATE suggestions_suggestion SET {change}")
    again = Suggestion.objects.get()
    assert (again.state, again.arguments, again.title) == (
        state, suggestion.arguments, suggestion.title,
    )  # fmt: skip


@pytest.mark.parametrize("target", State)
@pytest.mark.parametrize("source", [State.PENDING, State.SNOOZED, State.FAILED])
def test_of_the_open_ones_only_the_pipelines_moves_are_its_own(
    cast: Cast, source: State, target: State
) -> None:
    put_in(suggested(cast.rep), source, cast.rep)
    # With all that the table's own rules demand, so that none of them is what refuses.
    Suggestion.objects.update(
        snoozed_until=NOW + timedelta(days=1), reviewed_by=cast.rep, reviewed_at=NOW
    )
    move = "UPDATE suggestions_suggestion SET state = %s"
    if target in AI_MOVES[source]:
        assert as_ai(move, target.value) == 1
        assert Suggestion.objects.get().state == target
    else:
        with pytest.raises(ProgrammingError, match=REFUSED):
            as_ai(move, target.value)
        assert Suggestion.objects.get().state == source


def test_the_ais_moves_are_moves() -> None:
    for source, targets in AI_MOVES.items():
        assert targets - {source} <= MOVES[source]


@pytest.mark.parametrize(
    "decided",
    [
        {"state": State.APPROVED},
        {"state": State.REJECTED},
        {"state": State.SNOOZED, "snoozed_until": NOW + timedelta(days=1)},
        {"state": State.WITHDRAWN},
        {"state": State.PENDING},
        {"state": State.PENDING, "reviewed_by": None},
    ],
)
def test_it_makes_none_that_somebody_seems_to_have_decided(
    cast: Cast, decided: dict[str, object]
) -> None:
    refuse_new(cast, {"reviewed_by": cast.rep, "reviewed_at": NOW, **decided})


def test_nor_one_that_somebody_seems_to_have_edited(cast: Cast) -> None:
    refuse_new(cast, {"edited_by": cast.rep, "edited_at": NOW, "proposed_arguments": {}})


def refuse_new(cast: Cast, values: dict[str, object]) -> None:
    suggestion = suggested(cast.rep)
    suggestion.pk = None
    suggestion.record_id += 1
    for name, value in values.items():
        setattr(suggestion, name, value)
    with pytest.raises(ProgrammingError, match=REFUSED), taking_role(Role.AI):
        suggestion.save(force_insert=True)
    assert Suggestion.objects.count() == 1


@pytest.mark.parametrize(
    "change", ["arguments = '{}'", "tool = 'update_lead'", "before_values = '{}'"]
)
def test_what_a_person_has_edited_is_theirs(cast: Cast, change: str) -> None:
    suggestion = suggested(cast.rep)
    wanted = {**suggestion.arguments, "title": "Call instead"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=wanted, now=NOW)
    Suggestion.objects.update(before_values={"lead:1": {"status": "new"}})
    with pytest.raises(ProgrammingError, match=REFUSED):
        as_ai(f"UPDATE suggestions_suggestion SET {change}")
    assert Suggestion.objects.get().arguments == wanted
    # It may still be withdrawn, and handed over.
    assert as_ai("UPDATE suggestions_suggestion SET state = 'withdrawn', record_label = 'X'") == 1


@pytest.mark.parametrize(
    "change", ["arguments = '{}'", "title = 'Another'", "reason = 'Another'", "evidence = '[]'"]
)
@pytest.mark.parametrize("edition", ["refreshed_at", "refreshed_at - interval '1 second'"])
def test_what_somebody_may_have_read_becomes_no_other_text(
    cast: Cast, change: str, edition: str
) -> None:
    suggested(cast.rep)
    with pytest.raises(ProgrammingError, match=REFUSED):
        as_ai(f"UPDATE suggestions_suggestion SET {change}, refreshed_at = {edition}")
    later = "refreshed_at = refreshed_at + interval '1 second'"
    assert as_ai(f"UPDATE suggestions_suggestion SET {change}, {later}") == 1
    # Nor is the later edition given out as the one before.
    with pytest.raises(ProgrammingError, match=REFUSED):
        as_ai("UPDATE suggestions_suggestion SET refreshed_at = refreshed_at - interval '1 second'")


def test_an_answer_that_comes_late_is_a_later_edition_too(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    read_at = suggestion.refreshed_at
    for step in (1, 2):
        again = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW - timedelta(minutes=1))
        assert again.refreshed_at == read_at + timedelta(microseconds=step)
