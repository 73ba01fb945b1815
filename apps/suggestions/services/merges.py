"""What a decision on a merge says of the pair: the same, not the same, or to be looked at again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.duplicates.enums import PairState
from apps.duplicates.exceptions import PairPermissionError
from apps.duplicates.models import Pair
from apps.duplicates.models.pairs import key_of
from apps.duplicates.services import decisions
from apps.execution.schemas import RecordRef
from apps.suggestions.enums import RejectReason, State, Verdict
from apps.suggestions.exceptions import DecisionPermissionError, SuggestionNotFoundError
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import look_again
from apps.suggestions.pipeline.storing import insert_links
from apps.suggestions.services.access import get_for
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.tenants.services import current_tenant
from apps.triggers.services import moment_at
from apps.users.models import User


def is_merge(suggestion: Suggestion) -> bool:
    """Whether it would merge two records."""
    return suggestion.goal == Goal.MERGE_DUPLICATES


def is_settled(suggestion: Suggestion) -> bool:
    """Whether it would merge two records that are no longer a pair to be looked at.

    The trigger answers for the record, which may be in another pair by now.
    """
    pair = _pair_of(suggestion) if is_merge(suggestion) else None
    return pair is not None and pair.state != PairState.OPEN


def settle_pair(suggestion: Suggestion, user: User) -> bool:
    """Remember that the two are not the same; False where no pair of them is known.

    Raises:
        DecisionPermissionError: the person's role does not include it.
        PairStateError: they were merged.
    """
    pair = _pair_of(suggestion)
    if pair is None:
        return False
    try:
        decisions.decide_not_duplicate(pair, user)
    except PairPermissionError as error:
        raise DecisionPermissionError(error.message) from error
    return True


def take_settlement_back(suggestion: Suggestion, user: User, now: datetime) -> None:
    """Let the pair be looked at again, and the reopened suggestion rest on what fires for it now.

    Raises:
        DecisionPermissionError: the person's role does not include it.
    """
    pair = _pair_of(suggestion)
    if pair is None or pair.state != PairState.NOT_DUPLICATE:
        return
    try:
        decisions.reopen(pair, user)
    except PairPermissionError as error:
        raise DecisionPermissionError(error.message) from error
    record = RecordRef(RecordKind(suggestion.record_kind), suggestion.record_id)
    moment = moment_at(current_tenant(), now)
    with transaction.atomic(), taking_role(Role.AI):
        firing = look_again(record, Goal.MERGE_DUPLICATES, moment)
        insert_links((suggestion.pk, signal.pk) for signal in firing)


def was_not_duplicate(suggestion: Suggestion) -> bool:
    """Whether it was rejected last because the two are not the same."""
    last = suggestion.decisions.filter(verdict=Verdict.REJECT).order_by("-pk").first()
    return last is not None and last.reason == RejectReason.NOT_DUPLICATE


def later_merge_of(suggestion: Suggestion, user: User) -> Suggestion | None:
    """The applied merge of the record that this merge let survive, if the person may see it."""
    execution = suggestion.execution
    if execution is None or not is_merge(suggestion):
        return None
    later = Suggestion.objects.filter(
        goal=Goal.MERGE_DUPLICATES,
        state=State.APPLIED,
        arguments__duplicate_kind=execution.record_kind,
        arguments__duplicate_id=execution.record_id,
    )
    for pk in later.values_list("pk", flat=True):
        try:
            return get_for(user, pk)
        except SuggestionNotFoundError:
            continue
    return None


def note_merged(suggestion: Suggestion, user: User, now: datetime) -> None:
    """Say of the pair that it was merged, by whom and when."""
    _move(suggestion, PairState.MERGED, user, now)


def note_undone(suggestion: Suggestion) -> None:
    """Let the pair stand open again; how alike the two are is compared anew with the next change look."""
    _move(suggestion, PairState.OPEN, None, None)


def _move(suggestion: Suggestion, state: PairState, user: User | None, at: datetime | None) -> None:
    pair = _pair_of(suggestion)
    if pair is not None:
        changes = {"is_likely": False, "cluster": None} if state == PairState.MERGED else {}
        Pair.objects.filter(pk=pair.pk).update(
            state=state, decided_by=user, decided_at=at, **changes
        )


def _pair_of(suggestion: Suggestion) -> Pair | None:
    arguments = suggestion.arguments
    one = RecordRef(RecordKind(arguments["record_kind"]), arguments["survivor_id"])
    other = RecordRef(RecordKind(arguments["duplicate_kind"]), arguments["duplicate_id"])
    return Pair.objects.filter(key=key_of(one, other)).first()
