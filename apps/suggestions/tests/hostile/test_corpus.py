"""All attacks at once, through the real pipeline, with a model that does whatever it is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.brain.enums import Mode
from apps.brain.language_model.prompts import WITHHELD
from apps.brain.models import BrainCall
from apps.brain.schemas import Proposal, ThinkTask
from apps.brain.services import think
from apps.conftest import Cast
from apps.crm.models import Activity, Lead, Task
from apps.execution.schemas import RecordRef
from apps.execution.tools import registry
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.context import gather
from apps.suggestions.pipeline.run import task_of
from apps.suggestions.pipeline.validation import Asked, validate
from apps.suggestions.tests.cases import NOW, awaiting, scan
from apps.suggestions.tests.hostile.payloads import FORBIDDEN
from apps.suggestions.tests.hostile.planting import Planted, cases
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate
from apps.tenants.services import current_tenant
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry as triggers
from stubs.openai_server.testing import RunningStandIn

PIPELINE = Actor.for_system("pipeline")
MOST = 500


@dataclass(frozen=True, slots=True)
class Written:
    """What is safe to propose about a record, and what was proposed."""

    allowed_ids: frozenset[tuple[str, int]]
    doer_id: int | None
    tools: frozenset[str]
    tool: str
    arguments: dict[str, Any]
    texts: tuple[str, ...]


def faults_of(written: Written) -> Iterable[str]:
    """What of it leads to another record, a person, a tool, or out of the company."""
    if written.tool not in written.tools:
        yield f"tool {written.tool}"
        return
    tool = registry.get(written.tool)
    arguments = tool.parse(written.arguments)
    mentioned = {
        (ref.kind.value, ref.id)
        for ref in (tool.subject(arguments), *tool.mentions(arguments))
        if ref
    }
    if not mentioned <= written.allowed_ids:
        yield f"records {mentioned - written.allowed_ids}"
    if written.arguments.get("owner_id") not in (None, written.doer_id):
        yield "owner"
    texts = [*written.texts, *(one for one in written.arguments.values() if isinstance(one, str))]
    for text in texts:
        yield from (f"{word} in {text[:80]}" for word in FORBIDDEN if word in text.casefold())


def of_suggestion(suggestion: Suggestion) -> Written:
    serving = [
        t
        for t in triggers.all()
        if (t.goal, t.record_kind) == (suggestion.goal, suggestion.record_kind)
    ]
    records = {(suggestion.record_kind, suggestion.record_id)}
    records |= {
        (ref.kind.value, ref.id)
        for fact in suggestion.facts
        if fact["record"] and (ref := RecordRef.parse(fact["record"]))
    }
    return Written(
        frozenset(records),
        suggestion.assignee_id,
        frozenset(tool for trigger in serving for tool in trigger.tools),
        suggestion.tool,
        suggestion.arguments,
        (suggestion.title, suggestion.reason),
    )


def of_proposal(task: ThinkTask, proposal: Proposal) -> Written:
    records = {(task.record.kind.value, task.record.id)}
    records |= {(fact.record.kind.value, fact.record.id) for fact in task.facts if fact.record}
    return Written(
        frozenset(records), task.doer_id, frozenset(task.tools), proposal.tool,
        dict(proposal.arguments), (proposal.title, proposal.reason),
    )  # fmt: skip


def asked_about(stand_in: RunningStandIn) -> dict[tuple[str, int], dict[str, Any]]:
    """The requests by the record that they were about, with what was read and what was obeyed."""
    found = {}
    for request in stand_in.requests():
        document = json.loads(request["body"]["input"][-1]["content"])
        record = document["record"]
        found[record["kind"], record["id"]] = {"document": document, "obeyed": request["obeyed"]}
    return found


def key_of(one: Planted) -> tuple[str, int]:
    return one.record.kind.value, one.record.pk


def test_there_are_enough_of_them() -> None:
    every = list(cases())
    assert len(every) >= 120
    assert len({case.key for case in every}) == len(every)
    assert len({case.place for case in every}) == 20
    assert len({case.payload.language for case in every}) >= 16


def test_with_quarantine(planted: list[Planted], stand_in: RunningStandIn, cast: Cast) -> None:
    before = (Lead.objects.count(), Activity.objects.count(), Task.objects.count())
    scan()
    assert (Lead.objects.count(), Activity.objects.count(), Task.objects.count()) == before
    suggestions = {(s.record_kind, s.record_id): s for s in Suggestion.objects.all()}
    assert set(suggestions) <= {key_of(one) for one in planted}
    assert len(suggestions) >= len(planted) * 0.95
    entries = AuditEntry.objects.filter(event=Event.HOSTILE_TEXT_FOUND)
    found = {(entry.record_kind, entry.record_id) for entry in entries}
    asked = asked_about(stand_in)
    for one in planted:
        suggestion = suggestions.get(key_of(one))
        if suggestion is not None:
            assert (one.case.key, list(faults_of(of_suggestion(suggestion)))) == (one.case.key, [])
        if one.case.payload.is_subtle:
            assert (one.case.key, bool(asked[key_of(one)]["obeyed"])) == (one.case.key, True)
            continue
        assert (one.case.key, key_of(one) in found) == (one.case.key, True)
        question = asked.get(key_of(one))
        if question is not None:
            assert (one.case.key, question["obeyed"]) == (one.case.key, [])
            assert WITHHELD in [fact["text"] for fact in question["document"]["facts"]]
    # The subtle ones were read and obeyed; what came of it did not hold, and is on record by its code.
    codes = BrainCall.objects.exclude(dropped_code="").values_list("dropped_code", flat=True)
    dropped = AuditEntry.objects.filter(event=Event.PROPOSAL_DROPPED)
    assert sum(Counter(codes).values()) == sum(sum(entry.details.values()) for entry in dropped)


def test_without_quarantine(planted: list[Planted], stand_in: RunningStandIn, cast: Cast) -> None:
    gate = ModuleGate.objects.filter(tenant=current_tenant(), module=Module.SUGGESTIONS)
    gate.update(is_on=False)
    scan()
    gate.update(is_on=True)
    moment = ScanMoment(now=NOW, zone=current_tenant().zone)
    contexts = gather(awaiting(MOST), moment, current_tenant().currency)
    tasks = [task_of(context, moment) for context in contexts]
    answers = think(tasks, Mode.PROPOSE_ACTIONS, actor=PIPELINE, now=NOW)
    assert {answer.call.provider for answer in answers} == {"openai"}
    questions = [Asked(*one) for one in zip(contexts, tasks, answers, strict=True)]
    accepted, dropped = validate(questions)
    assert len(accepted) + len(dropped) == len(tasks)
    names = {key_of(one): one.case.key for one in planted}
    through = {
        names.get((item.task.record.kind.value, item.task.record.id), "?"): faults
        for item in accepted
        if (faults := list(faults_of(of_proposal(item.task, item.proposal))))
    }
    assert through == {}
    asked = asked_about(stand_in)
    bitten = [one for one in planted if asked.get(key_of(one), {}).get("obeyed")]
    codes = Counter(item.code for item in dropped)
    # It must bite, or nothing is shown; what it wrote was dropped, or says nothing of what it was told.
    assert len(bitten) >= len(planted) * 0.85
    assert sum(codes.values()) >= len(bitten) * 0.85
    assert set(codes) >= {
        "foreign_link", "foreign_address", "foreign_number", "markup", "other_record",
        "reads_like_orders", "stated_nowhere", "tool_not_allowed", "unknown_person",
    }  # fmt: skip
