"""What hangs together with a field goes back with it: the date of a completion, the days in a stage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.conftest import Cast
from apps.crm.models import Opportunity, Stage, Task
from apps.crm.tests.factories import OpportunityFactory, TaskFactory
from apps.execution.exceptions import UndoConflictError
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, JsonValue
from apps.execution.services import apply_change, undo_change
from apps.execution.tests.factories import NOW, approved
from apps.users.models import User

LATER = NOW + timedelta(days=2)
DONE_AT = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
ENTERED_AT = datetime(2025, 12, 1, 8, 0, tzinfo=UTC)


def apply(tool: str, arguments: dict[str, JsonValue], by: User) -> Execution:
    change = approved(tool, arguments, by)
    with acting(change.actor):
        return apply_change(change, now=NOW)


def undo(execution: Execution, by: User) -> Execution:
    wish = ApprovedUndo(execution.pk, by, LATER, Actor.for_person(by), None)
    with acting(wish.actor):
        return undo_change(wish, now=LATER)


def deal_in(cast: Cast, stage: str) -> Opportunity:
    """An open deal that came to its stage long ago."""
    deal: Opportunity = OpportunityFactory(owner=cast.rep, stage=Stage.objects.get(key=stage))
    Opportunity.objects.filter(pk=deal.pk).update(stage_entered_at=ENTERED_AT)
    return deal


def moved(cast: Cast, deal: Opportunity, **others: JsonValue) -> Execution:
    stage = Stage.objects.get(key="proposal")
    arguments: dict[str, JsonValue] = {"opportunity_id": deal.pk, "stage_id": stage.pk, **others}
    return apply("update_opportunity", arguments, cast.rep)


def test_a_deal_that_is_back_in_its_stage_has_been_there_all_the_time(cast: Cast) -> None:
    deal = deal_in(cast, "engaging")
    execution = moved(cast, deal)
    deal.refresh_from_db()
    assert (deal.stage.key, deal.stage_entered_at > ENTERED_AT) == ("proposal", True)
    assert execution.note == {"stage_entered_at": ENTERED_AT.isoformat()}
    undo(execution, cast.manager)
    deal.refresh_from_db()
    assert (deal.stage.key, deal.stage_entered_at) == ("engaging", ENTERED_AT)


def test_a_stage_that_somebody_has_chosen_since_keeps_its_date(cast: Cast) -> None:
    deal = deal_in(cast, "engaging")
    execution = moved(cast, deal, next_step="Send the offer")
    Opportunity.objects.update(
        stage=Stage.objects.get(key="negotiation"), stage_entered_at=NOW + timedelta(days=1)
    )
    done = undo(execution, cast.rep)
    deal.refresh_from_db()
    assert (deal.stage.key, deal.stage_entered_at) == ("negotiation", NOW + timedelta(days=1))
    assert (deal.next_step, done.left_alone) == ("", ["stage_id"])


def test_a_change_that_left_the_stage_alone_says_nothing_of_its_date(cast: Cast) -> None:
    deal = deal_in(cast, "proposal")
    execution = moved(cast, deal, next_step="Send the offer")
    assert execution.note is None
    undo(execution, cast.rep)
    deal.refresh_from_db()
    assert (deal.next_step, deal.stage_entered_at) == ("", ENTERED_AT)


@pytest.mark.parametrize(
    ("before", "asked", "date_after", "date_undone"),
    [
        # Done by the change: dated, and without a date when it is open again.
        (("open", None), "done", True, None),
        # Cancelled by the change: without a date, and done again on the day on which it was done.
        (("done", DONE_AT), "cancelled", False, DONE_AT),
        (("cancelled", None), "done", True, None),
        (("open", None), "cancelled", False, None),
        # Done already: the date stays in both directions.
        (("done", DONE_AT), "done", True, DONE_AT),
    ],
)
def test_the_date_of_a_completion_follows_the_status_in_both_directions(
    cast: Cast,
    before: tuple[str, datetime | None],
    asked: str,
    date_after: bool,
    date_undone: datetime | None,
) -> None:
    status, completed_at = before
    task = TaskFactory(owner=cast.rep, status=status, completed_at=completed_at)
    execution = apply("update_task", {"task_id": task.pk, "status": asked}, cast.rep)
    task.refresh_from_db()
    assert (task.status, task.completed_at is not None) == (asked, date_after)
    undo(execution, cast.rep)
    task.refresh_from_db()
    assert (task.status, task.completed_at) == (status, date_undone)


def test_a_task_that_was_opened_since_gets_no_date_of_completion(cast: Cast) -> None:
    task = TaskFactory(
        owner=cast.rep, status="done", completed_at=DONE_AT, due_on=NOW.date(), priority=2
    )
    arguments: dict[str, JsonValue] = {"task_id": task.pk, "status": "cancelled", "priority": 4}
    execution = apply("update_task", arguments, cast.rep)
    Task.objects.update(status="open")
    done = undo(execution, cast.rep)
    task.refresh_from_db()
    assert (task.status, task.completed_at, task.priority) == ("open", None, 2)
    assert done.left_alone == ["status"]


def test_a_task_that_was_completed_anew_keeps_the_new_date(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep, status="done", completed_at=DONE_AT)
    execution = apply("update_task", {"task_id": task.pk, "status": "cancelled"}, cast.rep)
    Task.objects.update(status="open")
    with pytest.raises(UndoConflictError):
        undo(execution, cast.rep)
    Task.objects.update(status="done", completed_at=LATER)
    undo(execution, cast.rep)
    task.refresh_from_db()
    assert (task.status, task.completed_at) == ("done", LATER)


def test_another_day_does_not_date_a_completion_that_had_no_date(cast: Cast) -> None:
    task = TaskFactory(owner=cast.rep, status="done", completed_at=None, due_on=NOW.date())
    execution = apply("update_task", {"task_id": task.pk, "due_on": "2026-03-09"}, cast.rep)
    task.refresh_from_db()
    assert (task.completed_at, execution.note) == (None, None)
