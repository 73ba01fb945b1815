"""How the queues follow what was learned: ranks, quiet kinds, and the places kept for trials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast
from apps.suggestions import rules
from apps.suggestions.enums import HeldBack, RejectReason, Segment, State, Verdict
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.learning.enums import QuietBecause
from apps.suggestions.learning.learned import mark_quiet, rerank
from apps.suggestions.learning.quieting import NOTHING_QUIET, Quieting, QuietKind
from apps.suggestions.learning.tallies import read_tallies
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import find_awaiting
from apps.suggestions.pipeline.delivery import fill_queues
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.services import approve, edit
from apps.suggestions.tests.cases import NOW, decided, quiet_lead, scan
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.triggers.models import Silence
from apps.users.models import User

# 40 places: two for trials.
DAY = datetime(2026, 11, 26, tzinfo=UTC)


def quiet(person: User | None, trigger: str = "lead_inactive", segment: str = "small") -> QuietKind:
    person_id = person.pk if person else None
    return QuietKind(person_id, trigger, segment, QuietBecause.OWN, 0.1, 20, 0)


def held(person: User | None, count: int, *, first: int = 0, **values: object) -> list[Suggestion]:
    return [
        SuggestionFactory(
            **{
                "assignee": person,
                "trigger": "lead_inactive",
                "segment": "small",
                "held_back": HeldBack.DAILY_CAP,
                "queued_at": None,
                "title": f"{first + number:02}",
                "rank": 100 - first - number,
                **values,
            }
        )
        for number in range(count)
    ]


def fill(cap: int, day: datetime = DAY, quieting: Quieting = NOTHING_QUIET) -> list[Suggestion]:
    fill_queues(cap_per_day=cap, day_begins=day, now=day + timedelta(hours=8), quieting=quieting)
    return list(Suggestion.objects.in_queue().order_by("title"))


@pytest.mark.parametrize(
    "value", [None, Decimal(0), Decimal("-5"), Decimal("999.99"), Decimal("123456.78")]
)
@pytest.mark.parametrize("urgency", [1, 3])
def test_what_waits_is_ranked_as_it_is_measured_now(
    cast: Cast, value: Decimal | None, urgency: int
) -> None:
    suggestion = SuggestionFactory(
        assignee=cast.rep,
        trigger="lead_inactive",
        segment="unknown",
        value_at_stake=value,
        urgency=urgency,
        rank=rules.rank(value_at_stake=value, urgency=urgency, acceptance=0.5),
    )
    decided(cast.rep, 20, Verdict.APPROVE)
    with taking_role(Role.AI):
        table = AcceptanceTable.read(NOW)
        assert rerank(table) == 1
        assert rerank(table) == 0
    suggestion.refresh_from_db()
    measured = table.of("lead_inactive", "create_followup", "unknown", cast.rep.pk)
    assert suggestion.confidence == pytest.approx(measured.rate)
    assert suggestion.confidence_n == 20
    assert suggestion.rank == pytest.approx(
        rules.rank(value_at_stake=value, urgency=urgency, acceptance=measured.estimate)
    )


def test_a_confidence_is_that_of_its_reader(cast: Cast) -> None:
    mine, theirs, nobodys = (
        SuggestionFactory(assignee=person, trigger="lead_inactive", segment="unknown")
        for person in (cast.rep, cast.teammate, None)
    )
    decided(cast.rep, 20, Verdict.APPROVE)
    decided(cast.teammate, 20, Verdict.REJECT)
    table = AcceptanceTable.read(NOW)
    rerank(table)
    found = dict(Suggestion.objects.filter(state="pending").values_list("pk", "confidence"))
    for suggestion, person_id in ((mine, cast.rep.pk), (theirs, cast.teammate.pk), (nobodys, None)):
        expected = table.of("lead_inactive", "create_followup", "unknown", person_id).estimate
        assert found[suggestion.pk] == pytest.approx(expected)
    nearly = {pk: round(confidence or 0, 1) for pk, confidence in found.items()}
    assert nearly == {mine.pk: 0.7, nobodys.pk: 0.5, theirs.pk: 0.3}


@pytest.mark.parametrize("count", [1, 3])
def test_ranking_anew_takes_two_statements_however_much_waits(cast: Cast, count: int) -> None:
    for person in (cast.rep, cast.teammate):
        held(person, count)
    table = AcceptanceTable.read(NOW)
    with CaptureQueriesContext(connection) as queries:
        rerank(table)
    assert len(queries) == 2


def test_a_move_of_less_than_half_a_percent_is_not_written(cast: Cast) -> None:
    suggestion = SuggestionFactory(
        assignee=cast.rep,
        trigger="lead_inactive",
        segment="unknown",
        rank=rules.rank(value_at_stake=Decimal(1000), urgency=2, acceptance=0.504),
    )
    table = AcceptanceTable.read(NOW)
    assert rerank(table) == 0
    Suggestion.objects.filter(pk=suggestion.pk).update(
        rank=rules.rank(value_at_stake=Decimal(1000), urgency=2, acceptance=0.506)
    )
    assert rerank(table) == 1


def test_what_was_taken_back_today_comes_again_beside_the_days_number(cast: Cast) -> None:
    came = held(cast.rep, 2, held_back="", queued_at=DAY + timedelta(hours=7))
    held(cast.rep, 1, first=2)
    (quiet_one,) = held(cast.rep, 1, first=3, held_back=HeldBack.QUIET)
    before = held(cast.rep, 1, first=4)[0]
    for undone, at in ((came[0], DAY), (quiet_one, DAY), (before, DAY - timedelta(seconds=1))):
        about = {"record_kind": undone.record_kind, "record_id": undone.record_id}
        SuggestionFactory(
            **about, goal=undone.goal, assignee=cast.rep, state=State.UNDONE, reviewed_at=at
        )
    Suggestion.objects.filter(pk=came[0].pk).update(held_back=HeldBack.DAILY_CAP, queued_at=None)
    assert [one.title for one in fill(1)] == ["00", "01"]


def test_what_is_held_back_says_whether_it_is_quiet(cast: Cast) -> None:
    (mine,) = held(cast.rep, 1)
    (other_segment,) = held(cast.rep, 1, segment="large")
    (theirs,) = held(cast.teammate, 1)
    (nobodys,) = held(None, 1)
    shown = SuggestionFactory(assignee=cast.rep, trigger="lead_inactive", segment="small")
    quieting = Quieting((quiet(cast.rep), quiet(None)), frozenset())

    def reasons() -> list[str]:
        rows = Suggestion.objects.in_bulk()
        return [rows[one.pk].held_back for one in (mine, other_segment, theirs, nobodys, shown)]

    with taking_role(Role.AI):
        assert mark_quiet(quieting) == 2
        assert mark_quiet(quieting) == 0
    assert reasons() == ["quiet", "daily_cap", "daily_cap", "quiet", ""]
    assert mark_quiet(NOTHING_QUIET) == 2
    assert reasons() == ["daily_cap", "daily_cap", "daily_cap", "daily_cap", ""]


def test_of_a_quiet_kind_a_day_brings_its_trials_alone(cast: Cast) -> None:
    held(cast.rep, 10, held_back=HeldBack.QUIET)
    shown = fill(40)
    assert [row.title for row in shown] == ["00", "01"]
    assert {row.is_on_trial for row in shown} == {True}
    assert [row.title for row in fill(40)] == ["00", "01"]
    assert len(fill(40, DAY + timedelta(days=1))) == 4


def test_trials_take_no_place_that_ranks_would_not_leave(cast: Cast) -> None:
    held(cast.rep, 45, trigger="deal_stalled")
    held(cast.rep, 3, first=60, held_back=HeldBack.QUIET)
    proven = Quieting((), frozenset({(cast.rep.pk, "deal_stalled", "small")}))
    shown = fill(40, quieting=proven)
    assert [row.title for row in shown if row.is_on_trial] == ["60", "61"]
    assert [row.title for row in shown if not row.is_on_trial] == [f"{n:02}" for n in range(38)]


def test_without_anything_to_try_ranks_take_all_places(cast: Cast) -> None:
    held(cast.rep, 45)
    proven = Quieting((), frozenset({(cast.rep.pk, "lead_inactive", "small")}))
    shown = fill(40, quieting=proven)
    assert [row.title for row in shown] == [f"{n:02}" for n in range(40)]
    assert {row.is_on_trial for row in shown} == {False}


def test_what_is_new_to_its_reader_is_tried_where_its_rank_is_too_low(cast: Cast) -> None:
    held(cast.rep, 45, trigger="deal_stalled")
    held(cast.rep, 3, first=60)
    proven = Quieting((), frozenset({(cast.rep.pk, "deal_stalled", "small")}))
    shown = fill(40, quieting=proven)
    assert [row.title for row in shown if row.is_on_trial] == ["60", "61"]
    # What comes by its rank is no trial, however new it is.
    held(cast.teammate, 3)
    fill(40)
    assert not Suggestion.objects.filter(assignee=cast.teammate, is_on_trial=True).exists()


def test_trials_take_turns_among_kinds_from_day_to_day(cast: Cast) -> None:
    for number in range(8):
        held(
            cast.rep, 3, first=10 * number, trigger=f"trigger_{number}", held_back=HeldBack.QUIET
        )  # fmt: skip
    tried = []
    for day in range(4):
        before = set(Suggestion.objects.in_queue().values_list("pk", flat=True))
        shown = fill(40, DAY + timedelta(days=day))
        today = [row.trigger for row in shown if row.pk not in before]
        assert len(set(today)) == len(today) == 2
        tried += today
    assert len(set(tried)) > 2


def test_a_small_day_has_a_trial_now_and_then(cast: Cast) -> None:
    held(cast.rep, 10, held_back=HeldBack.QUIET)
    brought = []
    for day in range(20):
        before = Suggestion.objects.in_queue().count()
        fill(2, DAY + timedelta(days=day))
        brought.append(Suggestion.objects.in_queue().count() - before)
        Suggestion.objects.in_queue().update(state=State.WITHDRAWN)
    assert sum(max(0, count) for count in brought) == 2


def test_one_who_rejects_everything_gets_less_and_nobody_else_does(cast: Cast) -> None:
    Tenant.objects.filter(schema_name="acme").update(suggestions_per_day=40)
    decided(
        cast.rep, 40, Verdict.REJECT, segment=Segment.MIDDLE, reason=RejectReason.NOT_NEEDED
    )  # fmt: skip
    for person in (cast.rep, cast.teammate):
        for _ in range(5):
            quiet_lead(person, estimated_value="1200.00")
    scan()
    assert Suggestion.objects.in_queue().filter(assignee=cast.teammate).count() == 5
    mine = Suggestion.objects.filter(assignee=cast.rep, state=State.PENDING)
    assert mine.filter(held_back=HeldBack.QUIET).count() == 3
    assert mine.in_queue().count() == mine.filter(is_on_trial=True).count() == 2
    keep_true(NOW)
    assert mine.filter(held_back=HeldBack.QUIET).count() == 3


def test_what_is_quiet_takes_no_room_from_the_rest_of_its_goal(cast: Cast) -> None:
    for _ in range(12):
        quiet_lead(cast.rep, estimated_value="500.00")
    for _ in range(6):
        quiet_lead(cast.rep, estimated_value="5000.00")
    scan()
    Suggestion.objects.all().delete()
    Silence.objects.all().delete()
    kind = quiet(cast.rep)
    turn = find_awaiting(NOW, most=8, quieting=Quieting((kind,), frozenset()))
    by_value = [len(turn.awaiting), turn.signals_waiting]
    # Eight places for the six that are wanted, and a quarter of that for the quiet ones.
    assert by_value == [8, 10]
    assert [len(find_awaiting(NOW, most=8).awaiting)] == [8]


@pytest.mark.parametrize(
    ("held_back", "silences"), [(HeldBack.NO, 1), (HeldBack.DAILY_CAP, 1), (HeldBack.QUIET, 0)]
)
def test_what_was_kept_from_people_as_quiet_silences_nothing_when_it_expires(
    cast: Cast, held_back: HeldBack, silences: int
) -> None:
    suggestion = SuggestionFactory(assignee=cast.rep, held_back=held_back, expires_at=NOW)
    keep_true(NOW)
    suggestion.refresh_from_db()
    assert suggestion.state == State.EXPIRED
    assert Silence.objects.count() == silences


def test_an_approval_after_an_edit_is_an_example_of_both(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    suggestion = Suggestion.objects.get()
    edited = edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**suggestion.arguments, "title": "Call instead"},
        now=NOW,
    )
    approve(suggestion_id=edited.pk, user=cast.rep, now=NOW)
    (found,) = read_tallies(NOW)
    assert (found.count, found.approved, found.edited) == (1, 1, 1)
