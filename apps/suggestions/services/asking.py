"""What a person asked for, typed or spoken, as a suggestion like any other: proposed, never applied.

A model may have written what is asked for here. So it is held against everything that the pipeline holds a
proposal against, and against what the person may see and do. All SQL that reads records or writes the
suggestion runs as the role ``aisha_ai``; what a person's role includes is asked before that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import record_events
from apps.brain.enums import Goal, Provider
from apps.brain.hostile import reads_like_orders
from apps.brain.language_model.replies import LONGEST_REASON, LONGEST_TITLE
from apps.brain.language_model.strict import arguments_schema
from apps.brain.models import BrainCall
from apps.brain.schemas import Claim, Proposal
from apps.brain.services import Answer
from apps.crm.exceptions import RecordNotFoundError
from apps.crm.models import Record
from apps.execution.diff import label_of
from apps.execution.exceptions import InvalidArgumentsError, PermissionRefusedError, RecordGoneError
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.services import check_permission, check_sight
from apps.execution.services.access import read_records
from apps.execution.tools import Tool, ToolArguments
from apps.execution.tools import registry as tools
from apps.execution.tools.base import UpdateTool
from apps.suggestions import rules
from apps.suggestions.enums import UNDECIDED, HeldBack, Said, State
from apps.suggestions.exceptions import (
    AnotherOpenError,
    DecisionPermissionError,
    NotAskableError,
    ProposalRefusedError,
)
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.asked import (
    ASKED_CLAIM,
    HEARD_CLAIM,
    asked_context,
    words_of,
)
from apps.suggestions.pipeline.context.contexts import Context
from apps.suggestions.pipeline.delivery import packet_of
from apps.suggestions.pipeline.made_up import made_up_code
from apps.suggestions.pipeline.quarantine import found_entry, quarantined
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import Accepted, Asked, validate
from apps.suggestions.services.access import may_decide
from apps.suggestions.services.moves import entry_of, supersede, telling_another_open
from apps.suggestions.services.refusing import asking_refused
from apps.tenants.enums import Module, Role
from apps.tenants.exceptions import AishaError
from apps.tenants.locks import lock_for_transaction
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.services import current_tenant, is_module_on_here, require_module
from apps.triggers.moments import ScanMoment
from apps.triggers.services import moment_at
from apps.users.models import User

# What may be asked for. A merge is proposed from the page of its pair, and a lead is made of a message.
ASKABLE = (
    "create_followup", "create_task", "log_activity", "draft_email", "update_lead", "update_contact",
    "update_account", "update_opportunity", "update_task",
)  # fmt: skip
ASKED_FROM = frozenset({Origin.TYPED, Origin.VOICE, Origin.REALTIME, Origin.API})
# Beside the person's words so much of the record is shown as one reads at a glance.
_MOST_SHOWN = 8


def askable_tools(user: User) -> tuple[Tool[Any], ...]:
    """The tools with which something may be proposed for this person, for some kind of record at least.

    None where suggestions are switched off, or are not for them to decide.
    """
    if not is_module_on_here(Module.SUGGESTIONS) or not may_decide(user):
        return ()
    return tuple(
        tool
        for tool in map(tools.get, ASKABLE)
        if any(user.has_perms(tool.permissions(kind)) for kind in tool.subject_kinds)
    )


def schema_of(tool: Tool[Any]) -> dict[str, Any]:
    """The strict JSON schema of what ``propose_change`` takes as the tool's arguments."""
    return arguments_schema(tool.key)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, read and on one line; ``provider`` is who wrote the arguments and the reason."""

    tool: Tool[Any]
    arguments: Mapping[str, JsonValue]
    typed: ToolArguments
    reason: str
    words: str
    is_heard: bool
    provider: Provider
    brain_call: BrainCall | None

    @property
    def record(self) -> RecordRef:
        """The record that it is about."""
        subject: RecordRef = self.tool.subject(self.typed)
        return subject

    @property
    def title(self) -> str:
        """It in a few words: what would be made, or the fields that would change."""
        if isinstance(self.tool, UpdateTool):
            names = [label_of(self.record.kind, name) for name in self.tool.values(self.typed)]
            said = f"{self.tool.label}: {', '.join(names)}"
        elif named := getattr(self.typed, "title", ""):
            said = str(named)
        else:
            said = f"{self.tool.label}: {getattr(self.typed, 'subject', '')}"
        return said[:LONGEST_TITLE]


def propose_change(
    *,
    tool: str,
    arguments: Mapping[str, JsonValue],
    reason: str,
    words: str,
    user: User,
    origin: Origin,
    actor: Actor,
    now: datetime,
    brain_call: BrainCall | None = None,
    is_heard: bool = False,
    told_of: Collection[RecordRef] | None = None,
) -> Suggestion:
    """Make a suggestion of what a person asked for, in their own queue; it still has to be approved.

    ``words`` are the person's own, and become its evidence; with ``is_heard`` they are what a model took
    theirs for, are shown as that, and bear out no address and no number. ``told_of``: where a model has read
    or heard free words, the records that it was told of; it names no others, gives nothing to anybody else
    than the person, and of written words makes up no amount. Null in ``arguments`` stands for one that is not
    given; what is made for somebody is made for the person where nobody is named. The same change asked for
    again is the one that waits; with other values it stands in the place of what waited.

    Raises:
        ModuleOffError: suggestions are switched off for the company.
        DecisionPermissionError, PermissionRefusedError: it is not for this person.
        UnknownToolError, NotAskableError: there is no such tool, or it cannot be asked for.
        InvalidArgumentsError: the arguments do not fit the tool's schema.
        RecordNotFoundError: a record is not there, or not for this person.
        RecordMergedError, ReferenceRefusedError, ChangeNotPossibleError, RecordGoneError: the records do
            not allow it.
        ProposalRefusedError: it does not hold against the record and the person's words.
        AnotherOpenError: the same is being written at this moment.
        ValueError: the origin is none from which a person asks, or the actor is somebody else.
    """
    if origin not in ASKED_FROM or actor.person_id != user.pk:
        raise ValueError(f"{actor.name} cannot ask from {origin} for {user}.")
    actor = actor.with_origin(origin)
    said = words_of(words)
    try:
        wish = _wish_of(tool, _given(arguments), reason, said, is_heard, user, origin, brain_call)
        if told_of is not None and (
            code := made_up_code(
                wish.tool,
                wish.typed,
                said,
                user,
                told_of,
                has_figures=origin != Origin.REALTIME,
            )
        ):
            raise ProposalRefusedError(code)
        return _propose(wish, user, origin, actor, now)
    except AishaError as error:
        with transaction.atomic(), taking_role(Role.AI):
            record = _reached(tool, arguments, user)
            asking_refused(error, tool, record, said, actor, brain_call)
        raise


def _wish_of(
    key: str,
    arguments: dict[str, JsonValue],
    reason: str,
    words: str,
    is_heard: bool,
    user: User,
    origin: Origin,
    brain_call: BrainCall | None,
) -> _Wish:
    """What is asked for, as far as it may be asked for at all."""
    require_module(Module.SUGGESTIONS)
    if not may_decide(user):
        raise DecisionPermissionError()
    tool = tools.get(key)
    if key not in ASKABLE:
        raise NotAskableError(tool.label)
    arguments = _for_somebody(tool, arguments, user)
    if len(reason) > LONGEST_REASON:
        raise ProposalRefusedError("too_long")
    return _Wish(
        tool,
        arguments,
        tool.parse(arguments),
        reason,
        words,
        is_heard,
        _writer_of(origin, brain_call),
        brain_call,
    )


def _propose(wish: _Wish, user: User, origin: Origin, actor: Actor, now: datetime) -> Suggestion:
    check_permission(wish.tool, wish.record.kind, user)
    tenant = current_tenant()
    moment = moment_at(tenant, now)
    with telling_another_open(), transaction.atomic(), taking_role(Role.AI):
        accepted = _hold(wish, user, moment, tenant)
        return _store(accepted, wish, user, origin, actor, now)


def _given(arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in arguments.items() if value is not None}


def _for_somebody(
    tool: Tool[Any], arguments: dict[str, JsonValue], user: User
) -> dict[str, JsonValue]:
    """With the person as the owner of what is made, where nobody is named."""
    if not tool.is_creation or "owner_id" not in tool.arguments_type.model_fields:
        return arguments
    return {"owner_id": user.pk, **arguments}


def _writer_of(origin: Origin, brain_call: BrainCall | None) -> Provider:
    """Who wrote the arguments: in a realtime session it is always a model."""
    if brain_call is not None:
        return Provider(brain_call.provider)
    return Provider.OPENAI if origin == Origin.REALTIME else Provider.RULES


def _reached(key: str, arguments: Mapping[str, JsonValue], user: User) -> RecordRef | None:
    """The record that was meant, as far as that can be told."""
    if key not in ASKABLE:
        return None
    tool = tools.get(key)
    try:
        typed = tool.parse(_for_somebody(tool, _given(arguments), user))
    except InvalidArgumentsError:
        return None
    ref: RecordRef = tool.subject(typed)
    return ref


def _hold(wish: _Wish, user: User, moment: ScanMoment, tenant: Tenant) -> Accepted:
    """Hold what is asked for against the records, as the pipeline does."""
    rows = _read(wish, user)
    wish.tool.check(wish.typed, user)
    awaiting = Awaiting.of_person(wish.record, Goal.AS_ASKED, moment.now)
    context = asked_context(
        awaiting,
        rows[wish.record],
        named=[row for ref, row in rows.items() if ref != wish.record],
        words=wish.words,
        is_heard=wish.is_heard,
        user=user,
        moment=moment,
        currency=tenant.currency,
    )
    # Whom it may be given to is settled by now.
    doer_id = getattr(wish.typed, "owner_id", None) or user.pk
    task = replace(task_of(context, moment), tools=ASKABLE, doer_id=doer_id)
    call = wish.brain_call or BrainCall(provider=wish.provider)
    answer = Answer(_proposal_of(wish, context), call)
    accepted, dropped = validate([Asked(context, quarantined(task), answer)])
    for refusal in dropped:
        if refusal.code == "record_gone":
            raise RecordGoneError()
        raise ProposalRefusedError(refusal.code)
    return accepted[0]


def _read(wish: _Wish, user: User) -> dict[RecordRef, Record]:
    """The records that it names, the one that it is about first; others' are as if they were not there."""
    refs = dict.fromkeys([wish.record, *wish.tool.mentions(wish.typed)])
    try:
        check_sight(refs, user)
    except PermissionRefusedError as error:
        raise RecordNotFoundError() from error
    return read_records(refs, is_locked=False, viewer=user)


def _proposal_of(wish: _Wish, context: Context) -> Proposal:
    known = [fact.number for fact in context.facts if fact.key not in Said.values][:_MOST_SHOWN]
    said = HEARD_CLAIM if wish.is_heard else ASKED_CLAIM
    claims = [Claim(said, (1,))] if wish.words else []
    if known:
        claims.append(Claim("This is known of the record.", tuple(known)))
    return Proposal(
        tool=wish.tool.key,
        arguments=wish.arguments,
        title=wish.title,
        reason=wish.reason,
        claims=tuple(claims) if wish.words else (),
        provider=wish.provider,
    )


def _store(
    accepted: Accepted, wish: _Wish, user: User, origin: Origin, actor: Actor, now: datetime
) -> Suggestion:
    """Store it, unless it waits already; what waited with other values gives way."""
    lock_for_transaction(f"asked:{wish.record}:{wish.tool.key}:{user.pk}")
    open_ones = Suggestion.objects.filter(
        record_kind=wish.record.kind,
        record_id=wish.record.id,
        goal=Goal.AS_ASKED,
        tool=wish.tool.key,
        assignee_id=user.pk,
        state__in=State.barring_values(),
    )
    for waiting in open_ones.select_for_update(of=("self",)).order_by("pk"):
        if waiting.state == State.APPROVED:
            raise AnotherOpenError()
        if waiting.state == State.PENDING and _is_same(wish, waiting):
            if not wish.is_heard:
                _bear_out(waiting, wish.words, actor, now)
            return waiting
        supersede([waiting], f"{user} asked for it with other values.", actor)
    suggestion = packet_of(accepted, AcceptanceTable(()), now)
    suggestion.origin, suggestion.assignee, suggestion.brain_call = origin, user, wish.brain_call
    suggestion.held_back, suggestion.queued_at = HeldBack.NO, now
    # Nothing is measured here, and nothing has to be guessed: the person wants it.
    suggestion.rank = rules.rank(
        value_at_stake=suggestion.value_at_stake, urgency=suggestion.urgency, acceptance=1.0
    )
    suggestion.save()
    entries = [
        entry_of(Event.SUGGESTION_CREATED, suggestion, goal=suggestion.goal, tool=suggestion.tool)
    ]
    if suggestion.hostile_codes:
        entries.append(found_entry(accepted.task, suggestion.pk))
    record_events(actor, entries)
    return suggestion


def bear_out(suggestion_id: int, words: str, *, actor: Actor, now: datetime) -> None:
    """Put a person's own words in the place of what a model had taken them for, while it is undecided.

    Words that read like orders to an AI are not put there: what is shown stays as it is.
    """
    said = words_of(words)
    with transaction.atomic(), taking_role(Role.AI):
        rows = Suggestion.objects.filter(pk=suggestion_id, state__in=UNDECIDED)
        suggestion = rows.select_for_update(of=("self",)).first()
        if suggestion is not None:
            _bear_out(suggestion, said, actor, now)


def _bear_out(suggestion: Suggestion, words: str, actor: Actor, now: datetime) -> None:
    if not suggestion.is_heard or not words or reads_like_orders(words):
        return
    first, *others = suggestion.facts
    suggestion.facts = [first | {"label": str(Said.ASKED.label), "text": words}, *others]
    suggestion.evidence = [
        claim | {"text": ASKED_CLAIM} if claim["text"] == HEARD_CLAIM else claim
        for claim in suggestion.evidence
    ]
    suggestion.refreshed_at = rules.edition_after(suggestion.refreshed_at, now)
    suggestion.save(update_fields=["facts", "evidence", "refreshed_at"])
    entry = entry_of(
        Event.SUGGESTION_REFRESHED, suggestion, goal=suggestion.goal, tool=suggestion.tool
    )
    record_events(actor, [entry])


def _is_same(wish: _Wish, waiting: Suggestion) -> bool:
    """Whether it would write the same, or did so before the person edited it."""
    return any(
        set(known) == set(wish.arguments) and wish.tool.fit(known) == wish.tool.fit(wish.arguments)
        for known in (waiting.arguments, waiting.proposed_arguments)
        if known is not None
    )
