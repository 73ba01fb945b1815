"""Questions to which the Brain proposed nothing: asked again once they, or their signals, have changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.brain.schemas import ThinkTask
from apps.brain.services import question_hash
from apps.suggestions.models import NothingProposed
from apps.suggestions.pipeline.context import Context

Question = tuple[Context, ThinkTask]


def leave_out(questions: Sequence[Question]) -> list[Question]:
    """Return the questions without those that were asked in vain since their signals last changed.

    Not decided in SQL with the rest of what awaits: what may be asked depends on who will read the answer,
    and a person who joins another team changes the question without touching a signal.
    """
    marks = NothingProposed.objects.filter(record_id__in=[task.record.id for _, task in questions])
    known = {(row.record_kind, row.record_id, row.goal): row for row in marks}
    return [question for question in questions if not _is_known(question, known)]


def remember(tasks: Sequence[ThinkTask], now: datetime) -> None:
    """Note that nothing was proposed for these tasks."""
    NothingProposed.objects.bulk_create(
        [
            NothingProposed(
                record_kind=task.record.kind,
                record_id=task.record.id,
                goal=task.goal,
                question=question_hash(task),
                asked_at=now,
            )
            for task in tasks
        ],
        update_conflicts=True,
        unique_fields=["record_kind", "record_id", "goal"],
        update_fields=["question", "asked_at"],
    )


def _is_known(question: Question, known: dict[tuple[str, int, str], NothingProposed]) -> bool:
    context, task = question
    mark = known.get((task.record.kind, task.record.id, task.goal))
    return (
        mark is not None
        and mark.asked_at >= context.awaiting.changed_at
        and mark.question == question_hash(task)
    )
