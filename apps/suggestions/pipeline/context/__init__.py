"""Stage 1: gather what is known about each record, as numbered facts, in a few queries per batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.accounts import account_contexts
from apps.suggestions.pipeline.context.activities import activity_contexts
from apps.suggestions.pipeline.context.contacts import contact_contexts
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.context.deals import deal_contexts
from apps.suggestions.pipeline.context.duplicates import duplicate_contexts
from apps.suggestions.pipeline.context.findings import add_findings
from apps.suggestions.pipeline.context.leads import lead_contexts
from apps.suggestions.pipeline.context.past import add_decisions, add_scores
from apps.suggestions.pipeline.context.tasks import task_contexts
from apps.suggestions.pipeline.readers import Readers
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment

Gatherer = Callable[[Group], Iterable[Context]]

# What is known depends on the kind of record; what is made of it, on the goal (``apps.brain.rules``).
GATHERERS: Mapping[RecordKind, Gatherer] = {
    RecordKind.LEAD: lead_contexts,
    RecordKind.OPPORTUNITY: deal_contexts,
    RecordKind.ACCOUNT: account_contexts,
    RecordKind.CONTACT: contact_contexts,
    RecordKind.ACTIVITY: activity_contexts,
    RecordKind.TASK: task_contexts,
}
# A goal that asks for more than its record.
GOAL_GATHERERS: Mapping[Goal, Gatherer] = {Goal.MERGE_DUPLICATES: duplicate_contexts}


def gather(
    batch: Sequence[Awaiting],
    moment: ScanMoment,
    currency: str,
    overseers: Sequence[int] = (),
) -> list[Context]:
    """Return the contexts of a batch; a record that is gone has none. Queries per batch are constant.

    A context holds only what everybody may see who will read the suggestion (``readers``). Where no owner may
    see all of it, it is for one of the ``overseers``.
    """
    by_gatherer: dict[tuple[RecordKind, Gatherer], list[Awaiting]] = defaultdict(list)
    for awaiting in batch:
        kind = awaiting.record.kind
        by_gatherer[kind, GOAL_GATHERERS.get(awaiting.goal, GATHERERS[kind])].append(awaiting)
    signals = Signal.objects.in_bulk([pk for awaiting in batch for pk in awaiting.signal_ids])
    readers = Readers.read(overseers)
    contexts: dict[Awaiting, Context] = {}
    for (kind, gatherer), awaiting_of_kind in by_gatherer.items():
        ids = [pk for awaiting in awaiting_of_kind for pk in awaiting.signal_ids]
        found = {pk: signals[pk] for pk in ids if pk in signals}
        group = Group(awaiting_of_kind, found, moment, readers)
        gathered = list(gatherer(group))
        for context in gathered:
            context.currency = context.currency or currency
            add_findings(context, group.signals_of(context.awaiting))
            context.add_value()
            given = context.awaiting.given
            if given is not None and given.instead_of_id == context.assignee_id:
                # Who was given it sees the record and what those see for whom it was meant.
                context.assignee_id = given.to_id
            if readers.is_here(context.assignee_id):
                context.doer_id = context.assignee_id
            contexts[context.awaiting] = context
        add_scores(kind, gathered)
        add_decisions(kind, gathered, readers)
    return [contexts[awaiting] for awaiting in batch if awaiting in contexts]


__all__ = ["GATHERERS", "Context", "gather"]
