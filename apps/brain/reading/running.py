"""Running one call of a read tool: as the role ``aisha_ai``, within bounds, on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled
from pydantic import ValidationError

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_events
from apps.brain.enums import Mode
from apps.brain.language_model.replies import FunctionCall
from apps.brain.reading.tools import ReadRefusedError, read_tool
from apps.brain.schemas import Fact, Question
from apps.execution.schemas import RecordRef
from apps.execution.services import hidden_records
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

# Somebody waits for the answer; a look-up that takes longer is not made.
READ_LASTS_MS = 5_000


@dataclass(frozen=True, slots=True)
class Read:
    """What a call found, or the code of why it was refused."""

    facts: tuple[Fact, ...]
    refusal: str = ""


def run_call(call: FunctionCall, question: Question, *, first_number: int, actor: Actor) -> Read:
    """Look up what is wanted; its facts are numbered from ``first_number`` on.

    A tool outside the list, arguments that do not fit, a record that is not there for the person who
    asks: refused, and on record.
    """
    try:
        facts = _look_up(call, question, actor)
    except ReadRefusedError as refused:
        return _refused(call, refused, actor)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return _refused(call, ReadRefusedError("too_slow"), actor)
    numbered = (replace(fact, number=number) for number, fact in enumerate(facts, first_number))
    return Read(tuple(numbered))


def readable(question: Question, facts: Sequence[Fact]) -> Sequence[Fact]:
    """The facts without those of records that are hidden from the person who asks."""
    records = {fact.record for fact in facts if fact.record is not None}
    hidden = hidden_records(question.asker, records)
    return [fact for fact in facts if fact.record not in hidden]


def _look_up(call: FunctionCall, question: Question, actor: Actor) -> Sequence[Fact]:
    tool = read_tool(call.name)
    try:
        arguments = tool.arguments.model_validate_json(call.arguments)
    except ValidationError:
        raise ReadRefusedError("invalid_arguments") from None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{READ_LASTS_MS}"])
        with taking_role(Role.AI):
            facts = readable(question, tool.read(question.asker, arguments, question.today))
            record_events(actor, [Entry(Event.BRAIN_READ, details=_details(tool.key, facts))])
    return facts


def _details(tool: str, facts: Sequence[Fact]) -> dict[str, Detail]:
    """What was read, as ids."""
    records = dict.fromkeys(str(fact.record) for fact in facts if fact.record is not None)
    return {"tool": tool, "facts": len(facts), "records": [*records]}


def _refused(call: FunctionCall, refused: ReadRefusedError, actor: Actor) -> Read:
    # The model may call a tool by any text; only a name that we gave goes on record.
    record_refusal(refused, "" if refused.code == "unknown_tool" else call.name, actor)
    return Read((), refused.code)


def record_refusal(refused: ReadRefusedError, tool: str, actor: Actor) -> None:
    """Put on record that something was to be read and was not."""
    ref = refused.record
    entry = Entry(
        Event.BRAIN_READ_REFUSED,
        record_kind=ref.kind if ref else "",
        record_id=ref.id if ref else None,
        details={"tool": tool, "code": refused.code},
    )
    with transaction.atomic(), taking_role(Role.AI):
        record_events(actor, [entry])


@dataclass(frozen=True, slots=True)
class HostileFact:
    """A fact whose text reads like instructions to an AI: number, record, and by what it was known."""

    number: int
    record: RecordRef | None
    code: str


def record_hostile(found: Iterable[HostileFact], mode: Mode, actor: Actor) -> None:
    """Put on record where something reads like instructions, an entry for each; never the text."""
    entries = [
        Entry(
            Event.HOSTILE_TEXT_FOUND,
            record_kind=fact.record.kind if fact.record else "",
            record_id=fact.record.id if fact.record else None,
            details={"mode": mode, "codes": [fact.code], "places": [f"F{fact.number}"]},
        )
        for fact in found
    ]
    if entries:
        with transaction.atomic(), taking_role(Role.AI):
            record_events(actor, entries)
