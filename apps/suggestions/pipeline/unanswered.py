"""Questions to which the Brain proposed nothing that holds.

They are asked again once they, their signals, or the model or prompt change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.brain.schemas import ThinkTask
from apps.brain.services import question_hash
from apps.suggestions.models import NothingProposed
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context import Context
from apps.suggestions.pipeline.quarantine import codes_of

Question = tuple[Context, ThinkTask]


def leave_out(questions: Sequence[Question], who: str) -> list[Question]:
    """Return the questions without those that were asked in vain since their signals last changed.

    ``who`` answers at present (``brain.services.who_answers``): another model is asked again.

    Not decided in SQL with the rest of what awaits: what may be asked depends on who will read the answer,
    and a person who joins another team changes the question without touching a signal.
    """
    marks = NothingProposed.objects.filter(record_id__in=[task.record.id for _, task in questions])
    known = {(row.record_kind, row.record_id, row.goal): row for row in marks}
    return [question for question in questions if not _is_known(question, who, known)]


def remember(
    tasks: Sequence[ThinkTask],
    others: Sequence[Awaiting],
    who: str,
    now: datetime,
    *,
    hostile: Sequence[ThinkTask] = (),
) -> list[ThinkTask]:
    """Note that nothing that holds was proposed for these tasks, and that nothing came of the others.

    Nothing comes of what cannot be told to its readers, or of a record that has just gone. It is tried again,
    but behind what has not been tried yet. Of the ``hostile`` tasks, whose texts read like
    instructions to an AI, those are returned of which that was not known yet.
    """
    codes = {(task.record, task.goal): codes_of(task.withheld) for task in hostile}
    news = _not_known(hostile)
    questions = {(task.record, task.goal): question_hash(task, who) for task in tasks}
    for awaiting in others:
        questions.setdefault((awaiting.record, awaiting.goal), "")
    NothingProposed.objects.bulk_create(
        [
            NothingProposed(
                record_kind=record.kind,
                record_id=record.id,
                goal=goal,
                question=question,
                hostile_codes=codes.get((record, goal), []),
                asked_at=now,
            )
            for (record, goal), question in questions.items()
        ],
        update_conflicts=True,
        unique_fields=["record_kind", "record_id", "goal"],
        update_fields=["question", "hostile_codes", "asked_at"],
    )
    return news


def _not_known(hostile: Sequence[ThinkTask]) -> list[ThinkTask]:
    if not hostile:
        return []
    marks = NothingProposed.objects.filter(record_id__in=[task.record.id for task in hostile])
    known = {(row.record_kind, row.record_id, row.goal): row.hostile_codes for row in marks}
    return [
        task
        for task in hostile
        if known.get((task.record.kind, task.record.id, task.goal)) != codes_of(task.withheld)
    ]


def _is_known(
    question: Question, who: str, known: dict[tuple[str, int, str], NothingProposed]
) -> bool:
    context, task = question
    mark = known.get((task.record.kind, task.record.id, task.goal))
    return (
        mark is not None
        and mark.asked_at >= context.awaiting.changed_at
        and mark.question == question_hash(task, who)
    )
