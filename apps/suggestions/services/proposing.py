"""What a person proposes themselves: to merge two records, with the survivor of their choice."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.brain.enums import Goal
from apps.brain.rules.duplicates import NAMED
from apps.brain.services import think_by_rules
from apps.crm.exceptions import RecordNotFoundError
from apps.crm.services import permission_name, refuse_merged, visible_records
from apps.duplicates.enums import PairState
from apps.duplicates.exceptions import PairNotFoundError
from apps.duplicates.matching.explaining import compare
from apps.duplicates.models import Pair
from apps.duplicates.models.pairs import key_of
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.judging import current_document
from apps.duplicates.services.records import read_rows_of, subject_of
from apps.execution.exceptions import InvalidArgumentsError
from apps.execution.schemas import RecordRef
from apps.execution.services import check_permission
from apps.execution.tools import registry as tools
from apps.execution.tools.merge_arguments import naming
from apps.suggestions.enums import UNDECIDED, HeldBack
from apps.suggestions.exceptions import (
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
from apps.suggestions.services.moves import record, supersede, telling_another_open
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, require_module
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
    return _propose(keep, other, pair.probability, user, now, Origin.PERSON)


def propose_merge_of(
    *, keep: RecordRef, other: RecordRef, user: User, now: datetime, origin: Origin
) -> Suggestion:
    """Make a suggestion to merge two records that the person names, found alike or not.

    It is for the person's own queue, stands in the place of what waits to be merged with either record, and
    still has to be approved.

    Raises:
        ModuleOffError: suggestions are switched off for the company.
        RecordNotFoundError: the person may not see both records, or one is not there.
        crm RecordMergedError: one was merged into another record.
        DecisionPermissionError, PermissionRefusedError: it is not for this person.
        NotProposableError: a person has said that they are not the same, or such two are never merged.
        AnotherOpenError: somebody proposed one at the same moment.
    """
    require_module(Module.SUGGESTIONS)
    if not may_decide(user):
        raise DecisionPermissionError()
    for ref in (keep, other):
        _require_seen(ref, user)
    pair = Pair.objects.filter(key=key_of(keep, other)).first()
    if pair is not None and pair.state == PairState.NOT_DUPLICATE:
        raise NotProposableError()
    check_permission(tools.get(MERGE), keep.kind, user)
    is_found = pair is not None and pair.state == PairState.OPEN
    likelihood = pair.probability if pair is not None and is_found else _likelihood(keep, other)
    return _propose(keep, other, likelihood, user, now, origin)


def _require_seen(ref: RecordRef, user: User) -> None:
    """See that the record is there for the person.

    Raises:
        RecordNotFoundError, RecordMergedError: it is not.
    """
    model = RECORD_MODELS[ref.kind]
    if not user.has_perm(permission_name("view", model)):
        raise RecordNotFoundError()
    if not visible_records(user, model).filter(pk=ref.id).exists():
        refuse_merged(user, model, ref.id)
        raise RecordNotFoundError()


def _likelihood(one: RecordRef, other: RecordRef) -> float:
    """How probably two records that nobody has found alike are the same."""
    subject, rows = subject_of(one.kind), read_rows_of((one, other))
    if subject != subject_of(other.kind) or len(rows) < 2:
        return 0.0
    return compare(current_document(subject), rows[one], rows[other]).probability


def _propose(
    keep: RecordRef,
    other: RecordRef,
    probability: float,
    user: User,
    now: datetime,
    origin: Origin,
) -> Suggestion:
    is_named = origin != Origin.PERSON
    accepted = _accepted(keep, other, probability, user, now, is_named=is_named)
    suggestion = packet_of(accepted, AcceptanceTable.read(now), now)
    suggestion.origin, suggestion.assignee = origin, user
    suggestion.held_back, suggestion.queued_at = HeldBack.NO, now
    actor = Actor.for_person(user, origin)
    with telling_another_open(), transaction.atomic():
        _supersede(keep, other, user, actor)
        suggestion.save()
        record(actor, Event.SUGGESTION_CREATED, suggestion, goal=suggestion.goal, tool=MERGE)
    return suggestion


def _accepted(
    survivor: RecordRef,
    duplicate: RecordRef,
    probability: float,
    user: User,
    now: datetime,
    *,
    is_named: bool,
) -> Accepted:
    """What the rules propose for the two, held against the records.

    ``is_named``: that the person names them is a reason by itself, whether or not they were found alike.
    """
    try:
        tools.get(MERGE).parse(naming(survivor, duplicate))
    except InvalidArgumentsError as error:
        raise NotProposableError() from error
    moment = moment_at(current_tenant(), now)
    awaiting = Awaiting.of_person(survivor, Goal.MERGE_DUPLICATES, now)
    both = Both(awaiting, survivor, duplicate, round(probability, 2))
    for context in contexts_of([both], moment, Readers.read(read_overseers())):
        if is_named:
            context.add(NAMED, "Named as the same by", user.display_name)
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
    waiting = Suggestion.objects.filter(of_either, goal=Goal.MERGE_DUPLICATES, state__in=UNDECIDED)
    found = list(waiting.select_for_update(of=("self",)).order_by("pk"))
    supersede(found, f"{user} proposed another merge.", actor)
