"""What a person says of a pair: that the two are not the same, or that this is to be looked at again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.exceptions import PairNotFoundError, PairPermissionError, PairStateError
from apps.duplicates.models import Pair
from apps.duplicates.services.clustering import cluster_around, neighbours_of
from apps.duplicates.services.judging import current_document
from apps.tenants.transactions import CURRENT_TRANSACTION
from apps.users.models import User

DECIDE_PERMISSION = "duplicates.change_pair"
VIEW_PERMISSION = "duplicates.view_pair"


def decide_not_duplicate(pair: Pair, user: User) -> Pair:
    """Remember that the two are not the same: whatever is found later, the pair stays settled.

    Clusters keep the two apart. Said again, it changes nothing.

    Raises:
        PairPermissionError: the person's role does not include it.
        PairNotFoundError: the person may not see both records.
        PairStateError: the two were merged.
    """
    with transaction.atomic():
        held = _lock(pair, user)
        if held.state == PairState.MERGED:
            raise PairStateError("These two were merged. Undo that first.")
        if held.state != PairState.NOT_DUPLICATE or held.follows_id is not None:
            _move(held, PairState.NOT_DUPLICATE, user)
            _record(Event.PAIR_NOT_DUPLICATE, held, user)
    return held


def reopen(pair: Pair, user: User) -> Pair:
    """Take a decision back: the pair is looked at again.

    Raises:
        PairPermissionError, PairNotFoundError: see ``decide_not_duplicate``.
        PairStateError: nobody has decided on it.
    """
    with transaction.atomic():
        held = _lock(pair, user)
        if held.state != PairState.NOT_DUPLICATE:
            raise PairStateError("Nobody has said of these two that they are not the same.")
        _move(held, PairState.OPEN, user)
        _record(Event.PAIR_REOPENED, held, user)
    return held


def _lock(pair: Pair, user: User) -> Pair:
    if not user.has_perm(DECIDE_PERMISSION):
        raise PairPermissionError()
    visible = Pair.objects.visible_to(user).filter(pk=pair.pk)
    held = Pair.objects.select_for_update(of=("self",)).filter(pk__in=visible.values("pk")).first()
    if held is None:
        raise PairNotFoundError()
    return held


def _move(pair: Pair, state: PairState, user: User) -> None:
    is_decided = state == PairState.NOT_DUPLICATE
    subject = Subject(pair.subject)
    concerned = {pair.survivor, pair.duplicate, *neighbours_of((pair.survivor, pair.duplicate))}
    Pair.objects.filter(pk=pair.pk).update(
        state=state,
        decided_by=user if is_decided else None,
        decided_at=timezone.now() if is_decided else None,
        # What was taken back follows itself alone: nothing is carried over to it any more.
        follows=None if is_decided else F("pk"),
        transaction_id=CURRENT_TRANSACTION,
    )
    cluster_around(subject, concerned, current_document(subject).threshold)
    pair.refresh_from_db()


def _record(event: Event, pair: Pair, user: User) -> None:
    record_event(
        Actor.for_person(user),
        Entry(
            event,
            record_kind=pair.survivor_kind,
            record_id=pair.survivor_id,
            details={
                "pair_id": pair.pk,
                "duplicate": str(pair.duplicate),
                "probability": round(pair.probability, 3),
            },
        ),
    )
