"""What a person proposes themselves: to merge two records of a pair, with the survivor of their choice."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.brain.enums import Goal
from apps.brain.services import think_by_rules
from apps.duplicates.enums import PairState
from apps.duplicates.exceptions import PairNotFoundError
from apps.duplicates.models import Pair
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.schemas import RecordRef
from apps.execution.services import check_permission
from apps.execution.tools import registry as tools
from apps.execution.tools.merge_arguments import naming
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.exceptions import (
    AnotherOpenError,
    DecisionPermissionError,
    NotProposableError,
)
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.duplicates import MERGE, Both, contexts_of
from apps.suggestions.pipeline.delivery import packet_of
from apps.suggestions.pipeline.quarantine import quarantined
from apps.suggestions.pipeline.readers import Readers, read_overseers
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import Accepted, Asked, validate
from apps.suggestions.services.access import may_decide
from apps.suggestions.services.moves import is_another_open, record
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, require_module
from apps.triggers.enums import Severity
from apps.triggers.services import moment_at
from apps.users.models import User


def propose_merge(*, pair_id: int, keep: RecordRef | None, user: User, now: datetime) -> Suggestion:
    """Make a suggestion to merge the two records of a pair, in the person's own queue.

    ``keep`` is the one that is to survive. It stands in the place of what waits to be merged with either of
    them, and still has to be approved.

    Raises:
        ModuleOffError: suggestions are switched off for the company.
        PairNotFoundError: the person may not see both records, or there is no such pair.
        DecisionPermissionError, PermissionRefusedError: it is not for this person.
        NotProposableError: the pair is settled, or this record cannot be kept.
        AnotherOpenError: somebody proposed one at the same moment.
    """
    require_module(Module.SUGGESTIONS)
    pair = Pair.objects.visible_to(user).filter(pk=pair_id).first()
    if pair is None:
        raise PairNotFoundError()
    if not may_decide(user):
        raise DecisionPermissionError()
    if pair.state != PairState.OPEN or keep is None or keep not in {pair.survivor, pair.duplicate}:
        raise NotProposableError()
    other = pair.duplicate if keep == pair.survivor else pair.survivor
    check_permission(tools.get(MERGE), keep.kind, user)
    accepted = _accepted(keep, other, pair.probability, user, now)
    suggestion = packet_of(accepted, AcceptanceTable.read(now), now)
    suggestion.origin, suggestion.assignee = Origin.PERSON, user
    suggestion.held_back, suggestion.queued_at = HeldBack.NO, now
    actor = Actor.for_person(user)
    try:
        with transaction.atomic():
            _supersede(keep, other, user, actor)
            suggestion.save()
            record(actor, Event.SUGGESTION_CREATED, suggestion, goal=suggestion.goal, tool=MERGE)
    except IntegrityError as error:
        if is_another_open(error):
            raise AnotherOpenError() from error
        raise
    return suggestion


def _accepted(
    survivor: RecordRef, duplicate: RecordRef, probability: float, user: User, now: datetime
) -> Accepted:
    """What the rules propose for the two, held against the records."""
    try:
        tools.get(MERGE).parse(naming(survivor, duplicate))
    except InvalidArgumentsError as error:
        raise NotProposableError() from error
    moment = moment_at(current_tenant(), now)
    awaiting = Awaiting(
        record=survivor,
        goal=Goal.MERGE_DUPLICATES,
        signal_ids=(),
        urgency=Severity.NORMAL,
        changed_at=now,
        suggestion_id=None,
        trigger="",
    )
    both = Both(awaiting, survivor, duplicate, round(probability, 2))
    for context in contexts_of([both], moment, Readers.read(read_overseers())):
        task = quarantined(task_of(context, moment))
        (answer,) = think_by_rules([task], actor=Actor.for_person(user))
        for accepted in validate([Asked(context, task, answer)])[0]:
            return accepted
    raise NotProposableError()


def _supersede(survivor: RecordRef, duplicate: RecordRef, user: User, actor: Actor) -> None:
    """Close what waits to be merged with either of the two."""
    of_either = Q(record_kind=survivor.kind, record_id=survivor.id) | Q(
        record_kind=duplicate.kind, record_id=duplicate.id
    )
    waiting = Suggestion.objects.filter(
        of_either, goal=Goal.MERGE_DUPLICATES, state__in=[State.PENDING, State.SNOOZED]
    )
    found = list(waiting.select_for_update(of=("self",)).order_by("pk"))
    Suggestion.objects.filter(pk__in=[row.pk for row in found]).update(
        state=State.SUPERSEDED, closed_because=f"{user} proposed another merge."[:200]
    )
    for row in found:
        record(actor, Event.SUGGESTION_SUPERSEDED, row)
