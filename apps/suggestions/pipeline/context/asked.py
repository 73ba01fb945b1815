"""What a person asked for: the words first, and then what is known of the record, as far as they see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apps.brain.schemas import Fact
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution.schemas import RecordRef
from apps.execution.services import hidden_records
from apps.execution.signs import one_line
from apps.suggestions.enums import Said
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context import gather
from apps.suggestions.pipeline.context.contexts import Context
from apps.triggers.moments import ScanMoment
from apps.users.models import User

# The key of the fact that holds a person's words.
ASKED = Said.ASKED.value
# What the claim says that rests on either.
ASKED_CLAIM = "It was asked for in these words."
HEARD_CLAIM = "AiSHA took what was said for this; it is not what was written down of the call."
# Somebody who says more than this in one go has not asked for one change.
LONGEST_WORDS = 1_000


def words_of(text: str) -> str:
    """A person's words as they are kept: on one line, without signs that nobody sees, cut where too long."""
    line = one_line(text)
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"


def asked_context(
    awaiting: Awaiting,
    row: Record,
    *,
    named: Sequence[Record],
    words: str,
    is_heard: bool,
    user: User,
    moment: ScanMoment,
    currency: str,
) -> Context:
    """What is known of ``row``, and of the others that the change names, for the person who asked.

    ``is_heard``: the words are not theirs, but what a model took theirs for.
    What hangs on records that they may not see is left out. The queries are those of one batch, and one for
    each kind of record that facts lead to.
    """
    context = _readable(awaiting, row, user, moment, currency)
    context.assignee_id = context.doer_id = user.pk
    said = Said.HEARD if is_heard else Said.ASKED
    told = {fact.record for fact in context.facts}
    refs = [(RecordRef(record.kind, record.pk), record) for record in named]
    facts = [
        Fact(
            0,
            said.value,
            str(said.label),
            words,
            occurred_at=moment.now,
        ),
        *(
            Fact(0, "named", ref.kind.label, str(record), record=ref)
            for ref, record in refs
            if ref not in told
        ),
        *context.facts,
    ]
    context.facts = [replace(fact, number=number) for number, fact in enumerate(facts, start=1)]
    return context


def _readable(
    awaiting: Awaiting, row: Record, user: User, moment: ScanMoment, currency: str
) -> Context:
    bare = Context(awaiting, moment, str(row), user.pk)
    for context in gather([awaiting], moment, currency):
        refs = {fact.record for fact in context.facts if fact.record is not None}
        hidden = hidden_records(user, refs - {awaiting.record})
        if awaiting.record.kind == RecordKind.ACTIVITY and hidden:
            # It is called, and what is at stake is told, by the record that it hangs on.
            return bare
        context.facts = [fact for fact in context.facts if fact.record not in hidden]
        return context
    return bare
