"""Stage 4: hold each proposal against what was asked, and read the values it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from apps.brain.enums import Goal, Provider
from apps.brain.models import BrainCall
from apps.brain.schemas import Claim, Proposal, ThinkTask
from apps.brain.services import Answer
from apps.execution.exceptions import InvalidArgumentsError, UnknownToolError
from apps.execution.reading import read_seen_many
from apps.execution.schemas import Seen
from apps.execution.signs import one_line
from apps.execution.tools import Tool, ToolArguments, registry
from apps.execution.tools.base import to_json
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context import Context
from apps.suggestions.pipeline.plausible import implausible_code, sound_claims

# A follow-up further away than this is no follow-up.
FURTHEST_DUE = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a record, what the Brain was asked about it, and what it answered."""

    context: Context
    task: ThinkTask
    answer: Answer


@dataclass(frozen=True, slots=True)
class Accepted:
    """A proposal that held, with the values that its approval will be compared with."""

    context: Context
    task: ThinkTask
    call: BrainCall
    proposal: Proposal
    tool: Tool[Any]
    arguments: ToolArguments
    claims: tuple[Claim, ...]
    seen: Seen


@dataclass(frozen=True, slots=True)
class Dropped:
    """A proposal that did not hold, and why, as a stable code."""

    asked: Asked
    code: str

    @property
    def awaiting(self) -> Awaiting:
        """What it was to serve."""
        return self.asked.context.awaiting


@dataclass(frozen=True, slots=True)
class _Checked:
    asked: Asked
    proposal: Proposal
    tool: Tool[Any]
    arguments: ToolArguments
    claims: tuple[Claim, ...]


def validate(
    asked: Sequence[Asked],
) -> tuple[list[Accepted], list[Dropped]]:
    """Part the proposals of a batch into those that hold and those that do not."""
    checked: list[_Checked] = []
    dropped: list[Dropped] = []
    for question in asked:
        verdict = _check(question)
        if isinstance(verdict, Dropped):
            dropped.append(verdict)
        else:
            checked.append(verdict)
    accepted: list[Accepted] = []
    for item, seen in zip(
        checked, read_seen_many([(item.tool, item.arguments) for item in checked]), strict=True
    ):
        if seen is None:
            dropped.append(Dropped(item.asked, "record_gone"))
        elif not _changes_something(item.tool, item.arguments, seen):
            dropped.append(Dropped(item.asked, "changes_nothing"))
        elif item.tool.invented(item.arguments, seen):
            dropped.append(Dropped(item.asked, "invented_value"))
        else:
            accepted.append(
                Accepted(
                    item.asked.context,
                    item.asked.task,
                    item.asked.answer.call,
                    item.proposal,
                    item.tool,
                    item.arguments,
                    item.claims,
                    seen,
                )
            )
    return accepted, dropped


def _check(asked: Asked) -> _Checked | Dropped:
    task, proposal = asked.task, asked.answer.proposal
    record = task.record
    if proposal is None:
        return Dropped(asked, "no_proposal")
    if proposal.tool not in task.tools:
        return Dropped(asked, "tool_not_allowed")
    try:
        tool = registry.get(proposal.tool)
        arguments = tool.parse(proposal.arguments)
    except UnknownToolError:
        return Dropped(asked, "unknown_tool")
    except InvalidArgumentsError:
        return Dropped(asked, "invalid_arguments")
    if tool.subject(arguments) != record:
        return Dropped(asked, "other_record")
    given = {record, *(fact.record for fact in task.facts if fact.record is not None)}
    if not set(tool.mentions(arguments)) <= given:
        return Dropped(asked, "unknown_record")
    other = task.fact("duplicate")
    if other is not None and not set(tool.guarded(arguments)) <= {record, other.record}:
        return Dropped(asked, "other_pair")
    # What is not given stays as it is, whatever stands for it in the arguments' type.
    given_names = arguments.model_fields_set
    owner_id = getattr(arguments, "owner_id", None) if "owner_id" in given_names else None
    if owner_id is not None and owner_id != task.doer_id:
        return Dropped(asked, "unknown_person")
    due_on = getattr(arguments, "due_on", None)
    if isinstance(due_on, date) and not task.today <= due_on <= task.today + FURTHEST_DUE:
        return Dropped(asked, "implausible_date")
    claims = sound_claims(task, proposal)
    if not claims or not one_line(proposal.title) or not one_line(proposal.reason):
        return Dropped(asked, "no_evidence")
    # Who wrote what a person asked for is not always known.
    is_of_rules = proposal.provider == Provider.RULES and task.goal != Goal.AS_ASKED
    if not is_of_rules and (code := implausible_code(task, proposal)):
        return Dropped(asked, code)
    # What is said of the change must not rearrange itself before the reader's eyes.
    said = replace(proposal, title=one_line(proposal.title), reason=one_line(proposal.reason))
    told = tuple(replace(claim, text=one_line(claim.text)) for claim in claims)
    return _Checked(asked, said, tool, arguments, told)


def _changes_something(tool: Tool[Any], arguments: ToolArguments, seen: Seen) -> bool:
    if tool.is_creation or tool.is_more_than_fields:
        return True
    values = tool.values(arguments)
    # What is not to be written is not read.
    before = seen.before[str(tool.subject(arguments))] if values else {}
    return any(to_json(value) != before[name] for name, value in values.items())
