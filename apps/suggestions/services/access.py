"""Who may see a suggestion and decide on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import BigIntegerField

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.execution import services as execution
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.reading import unseen_fields
from apps.execution.schemas import RecordRef, Seen, ValueMoved
from apps.execution.tools import registry as tools
from apps.suggestions.enums import AWAITING_PERSON, State, Verdict
from apps.suggestions.exceptions import (
    ChangedSinceSeenError,
    DecisionPermissionError,
    SuggestionNotFoundError,
)
from apps.suggestions.models import Suggestion
from apps.suggestions.services.refusing import record_reach
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.services import ask_behind_gate
from apps.tenants.statements import Asked
from apps.users.models import User
from apps.users.statements import ROW_PLACE, AnyReader, RowsStatement

# Stands for a reason that may tell of what its reader may not see any more.
CONCEALED_REASON = "This was written from a record that you may not see any more."


VIEW_PERMISSION = "suggestions.view_suggestion"


def may_view(user: User) -> bool:
    """Whether the person's role includes to see suggestions at all."""
    return user.has_perm(VIEW_PERMISSION)


def id_in(text: str) -> int | None:
    """The id that a page sends as text; None where it is none, being longer than the highest, too."""
    is_one = text.isdecimal() and len(text) <= len(str(BigIntegerField.MAX_BIGINT))
    return int(text) if is_one else None


def get_for(user: User, suggestion_id: int) -> Suggestion:
    """Return a suggestion that this person may see, with every record that it names.

    Raises:
        SuggestionNotFoundError: there is none, or they may not.
    """
    return _seen_in(_asking_one(user, suggestion_id).read(), user)


def _asking_one(user: User, suggestion_id: int) -> Asked[list[Suggestion]]:
    # An address takes any number; the database has none that is larger.
    known = suggestion_id if suggestion_id <= BigIntegerField.MAX_BIGINT else None
    return _statement_of_one(AnyReader.like(user)).asked(user, known)


def _seen_in(found: list[Suggestion], user: User) -> Suggestion:
    for suggestion in without_hidden(user, found):
        return suggestion
    raise SuggestionNotFoundError()


@lru_cache(maxsize=8)
def _statement_of_one(kind: AnyReader) -> RowsStatement:
    """One suggestion as people of a kind see it."""
    one = Suggestion.objects.visible_to(kind).filter(pk=ROW_PLACE).order_by()
    people = ("assignee", "reviewed_by", "edited_by")
    return RowsStatement.of(one.with_fall_back().with_folded(), people=people)


def first_undecided(user: User, ids: Iterable[int]) -> Suggestion | None:
    """The first of these suggestions that this person may see and that waits for a person, or none."""
    for suggestion_id in ids:
        try:
            suggestion = get_for(user, suggestion_id)
        except SuggestionNotFoundError:
            continue
        if State(suggestion.state) in AWAITING_PERSON:
            return suggestion
    return None


def visible_by_id(user: User, ids: Collection[int]) -> dict[int, Suggestion]:
    """Return those of the suggestions that this person may see, with every record that they name.

    A constant number of queries, however many there are.
    """
    found = (
        Suggestion.objects.visible_to(user)
        .select_related("assignee", "edited_by")
        .filter(pk__in=ids)
    )
    return {suggestion.pk: suggestion for suggestion in without_hidden(user, found)}


def without_hidden(user: User, suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Leave out those that name a record which the person does not see, by a query for each kind.

    The texts of those that only rest on one are concealed.
    """
    read = [
        (suggestion, _named_besides(suggestion), _cited_besides(suggestion))
        for suggestion in suggestions
    ]
    hidden = execution.hidden_records(
        user, {ref for _, named, cited in read for ref in named | cited}
    )
    for suggestion, _, cited in read:
        _conceal(suggestion, is_concealed=bool(cited & hidden))
    return [suggestion for suggestion, named, _ in read if not named & hidden]


def conceal(user: User, suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Return them all; texts that were written from a record which the person does not see are not shown.

    It has been given to others since. A query for each kind of record.
    """
    read = list(suggestions)
    unasked = [(row, _cited_besides(row)) for row in read if row.is_concealed is None]
    hidden = execution.hidden_records(user, {ref for _, cited in unasked for ref in cited})
    for suggestion, cited in unasked:
        suggestion.is_concealed = bool(cited & hidden)
    for suggestion in read:
        # Once more where it was read again, after a decision.
        _conceal(suggestion, is_concealed=bool(suggestion.is_concealed))
    return read


def title_for(user: User, suggestion: Suggestion) -> str:
    """The title as this person may read it, whatever was read again since it was shown."""
    return conceal(user, [suggestion])[0].title


def _conceal(suggestion: Suggestion, *, is_concealed: bool) -> None:
    suggestion.is_concealed = is_concealed
    if is_concealed:
        suggestion.title = str(suggestion.get_goal_display())
        suggestion.reason = CONCEALED_REASON


def sees_records_of(user: User, suggestion: Suggestion) -> bool:
    """Whether the person may see what a suggestion names besides its own record, as it stands now."""
    return execution.sees_records(user, _named_besides(suggestion))


def _cited_besides(suggestion: Suggestion) -> set[RecordRef]:
    """The records of the facts that its texts were written from."""
    cited = {RecordRef.parse(row["record"]) for row in suggestion.facts if row["record"]}
    return cited - {record_of(suggestion)}


def _named_besides(suggestion: Suggestion) -> set[RecordRef]:
    named = {*seen_of(suggestion).by_record(), *_mentions_of(suggestion)}
    return named - {record_of(suggestion)}


def seen_of(suggestion: Suggestion) -> Seen:
    """The values that the suggestion was shown with."""
    return Seen(before=suggestion.before_values, guards=suggestion.guard_values)


def find_moved_of(suggestion: Suggestion) -> list[ValueMoved]:
    """What has changed since the suggestion was shown with its values, and what it never was shown with.

    Raises:
        UnknownToolError, RecordGoneError, RecordMergedError: it can no longer be made.
    """
    tool, seen = tools.get(suggestion.tool), seen_of(suggestion)
    try:
        arguments = tool.parse(suggestion.arguments)
    except InvalidArgumentsError:
        # They are given anew before anything comes of it, and all that they replace is read anew with them.
        return execution.find_moved(seen)
    return execution.find_moved(seen, unseen_fields(tool, arguments, seen))


def record_of(suggestion: Suggestion) -> RecordRef:
    """The record that the suggestion is about."""
    return RecordRef(RecordKind(suggestion.record_kind), suggestion.record_id)


def _mentions_of(suggestion: Suggestion) -> tuple[RecordRef, ...]:
    """The records in the change's arguments; none when the change can no longer be read."""
    try:
        tool = tools.get(suggestion.tool)
        return tool.mentions(tool.parse(suggestion.arguments))
    except (UnknownToolError, InvalidArgumentsError):
        return ()


def may_decide(user: User) -> bool:
    """Whether the person may decide on suggestions at all; who may not see them may not."""
    return may_view(user) and user.has_perm("suggestions.decide_suggestion")


def decidable(
    user: User,
    suggestion_id: int,
    verdict: Verdict,
    origin: Origin,
    seen_at: datetime | None = None,
) -> Suggestion:
    """Return what this person may decide on; a refusal is on record with what they wanted.

    ``seen_at`` is the ``refreshed_at`` of the packet that they looked at.

    Raises:
        ChangedSinceSeenError: the packet was refreshed after they had looked at it.
        ModuleOffError: suggestions are switched off for the company.
        SuggestionNotFoundError, DecisionPermissionError: see there.
    """
    suggestion, _ = decidable_with(user, suggestion_id, verdict, origin)
    if seen_at is not None and seen_at != suggestion.refreshed_at:
        raise ChangedSinceSeenError()
    return suggestion


def decidable_with(
    user: User, suggestion_id: int, verdict: Verdict, origin: Origin, *also: Asked[Any]
) -> tuple[Suggestion, list[Any]]:
    """The same in whichever edition, with what became of ``also``, which is asked together with it.

    Raises:
        ModuleOffError, SuggestionNotFoundError, DecisionPermissionError: see ``decidable``.
    """
    try:
        one = _asking_one(user, suggestion_id)
        found, *answers = ask_behind_gate(Module.SUGGESTIONS, one, *also)
        suggestion = _seen_in(found, user)
        if not may_decide(user):
            raise DecisionPermissionError()
    except (ModuleOffError, SuggestionNotFoundError, DecisionPermissionError) as error:
        record_reach(Actor.for_person(user, origin), verdict, [suggestion_id], error)
        raise
    return suggestion, answers
