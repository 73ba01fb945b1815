"""Taking back what was applied."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.execution import services as execution
from apps.execution.exceptions import RecordMergedError
from apps.execution.schemas import ApprovedUndo
from apps.execution.written import left_in_words
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import UndoFailedError
from apps.suggestions.models import Suggestion
from apps.suggestions.services import merges
from apps.suggestions.services.access import decidable
from apps.suggestions.services.moves import (
    APPLIED,
    already_decided,
    decision_on,
    lift_silences,
    name_of,
    record,
    silence,
    telling_another_open,
)
from apps.suggestions.services.refusing import refusals_on_record
from apps.tenants.services import current_tenant
from apps.tenants.statements import with_new_plans
from apps.tenants.writing import insert
from apps.users.models import User

log = logging.getLogger(__name__)

# The message after an approval offers the way back for ten seconds; the rest is the road there and back.
AT_ONCE = timedelta(seconds=15)


def undo(
    *,
    suggestion_id: int,
    user: User,
    now: datetime,
    despite: Collection[str] = (),
    at_once: bool = False,
    seen_at: datetime | None = None,
    origin: Origin = Origin.PERSON,
) -> Suggestion:
    """Take back an applied suggestion, within the company's days.

    Fields that were edited since stay as they are; the inverse execution names them. A record that was made
    and worked on since is closed only when ``despite`` names all of that work (``UndoPlan.later_work``).

    What its trigger still finds is suggested again: who does not want it at all rejects that.

    ``at_once``: the person takes back what they approved just now (``AT_ONCE``), by a slip of the hand. That
    is no verdict, and the suggestion waits again as it stood, with what was edited in it.

    Raises:
        SuggestionNotFoundError, DecisionPermissionError, PermissionRefusedError, PolicyRefusedError: refused.
        ChangedSinceSeenError: the packet was refreshed after the person had looked at it.
        AlreadyDecidedError: it is not applied (any more).
        NotReversibleError, UndoWindowError, UndoConflictError, LaterWorkError, RecordGoneError,
            UnknownToolError, ReferenceRefusedError, ChangeNotPossibleError: it cannot be undone (like this);
            nothing was written.
        RecordMergedError: the survivor of the merge was itself merged since; ``extras`` name that merge.
        UndoFailedError: the write failed; the change stands and the undo can be tried again.
        AnotherOpenError: it cannot wait again, because another suggestion does for the same record and goal.
    """
    suggestion = decidable(user, suggestion_id, Verdict.UNDO, origin, seen_at)
    actor = Actor.for_person(user, origin)
    with refusals_on_record(suggestion, actor, Verdict.UNDO):
        try:
            is_slip = at_once and _was_just_approved(suggestion, user, now)
            _take_back(suggestion, user, actor, now, despite, is_slip=is_slip)
        except RecordMergedError as error:
            if (later := merges.later_merge_of(suggestion, user)) is not None:
                error.extras["merge"] = {"suggestion_id": later.pk}
            raise
    suggestion.refresh_from_db()
    return suggestion


def _was_just_approved(suggestion: Suggestion, user: User, now: datetime) -> bool:
    """Whether this person approved it a moment ago."""
    at = suggestion.reviewed_at
    return suggestion.reviewed_by_id == user.pk and at is not None and now - at <= AT_ONCE


def _take_back(
    suggestion: Suggestion,
    user: User,
    actor: Actor,
    now: datetime,
    despite: Collection[str],
    *,
    is_slip: bool,
) -> None:
    if suggestion.state != State.APPLIED or suggestion.execution_id is None:
        raise already_decided(suggestion.pk)
    wish = ApprovedUndo(
        execution_id=suggestion.execution_id,
        approved_by=user,
        approved_at=now,
        actor=actor,
        suggestion_id=suggestion.pk,
        despite=frozenset(despite),
    )
    try:
        with telling_another_open():
            with_new_plans(partial(_write_back, suggestion, wish, now, is_slip=is_slip))
    except DatabaseError as error:
        trouble = name_of(error)
        log.exception("a change could not be undone", extra={"trouble": trouble})
        _record_failure(suggestion, wish, trouble)
        raise UndoFailedError("the database refused it.") from error


def _write_back(
    suggestion: Suggestion, wish: ApprovedUndo, now: datetime, *, is_slip: bool
) -> None:
    """The transaction of an undo."""
    user = wish.approved_by
    with acting(wish.actor):
        row = Suggestion.objects.filter(pk=suggestion.pk)
        moved = row.filter(state=State.APPLIED).update(
            state=State.PENDING if is_slip else State.UNDONE
        )
        if not moved:
            raise already_decided(suggestion.pk)
        done = execution.undo_change(wish, now=now)
        if is_slip:
            row.update(applied_at=None, closed_because="")
            record(wish.actor, Event.SUGGESTION_REOPENED, suggestion)
        else:
            row.update(closed_because=_said_of(done.left_alone))
        # The last word about what was reopened is still to come.
        verdict = Verdict.REOPEN if is_slip else Verdict.UNDO
        insert(decision_on(suggestion, verdict, user, now))
        if not merges.is_merge(suggestion):
            lift_silences(suggestion, now, goal=suggestion.goal, reason=APPLIED)
            return
        merges.note_undone(suggestion)
        if not is_slip:
            silence(suggestion, user, now, "Undone", tenant=current_tenant())


def _record_failure(suggestion: Suggestion, wish: ApprovedUndo, trouble: str) -> None:
    """Keep the failed attempt, of a change that still stands.

    It does not, where the commit was lost only on its way back, or another undo came through beside this one.

    Raises:
        AlreadyDecidedError: it is undone.
    """
    reason = f"the database refused it ({trouble})."
    with acting(wish.actor):
        row = Suggestion.objects.select_for_update(of=("self",)).get(pk=suggestion.pk)
        if row.state != State.APPLIED:
            raise already_decided(suggestion.pk)
        execution.record_failure(wish, code=trouble, message=reason, now=wish.approved_at)


def _said_of(left_alone: list[str]) -> str:
    if not left_alone:
        return ""
    names = ", ".join(left_in_words(left_alone))
    return f"Left as it was edited since: {names}."[:200]
