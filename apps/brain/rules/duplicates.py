"""Proposals about records that are on file twice: merge one into the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.brain.rules.findings import Finding, Phrase, Statement, statements_of
from apps.brain.rules.quoting import UNQUOTED
from apps.brain.rules.wording import capital, claims_from, counted, listed, shortened
from apps.brain.schemas import Claim, Fact, Proposal, ThinkTask
from apps.crm.enums import RecordKind
from apps.execution.custom_names import nested
from apps.execution.schemas import JsonValue

# Facts that state a value of the duplicate which the survivor is to take, named after its field.
TAKEN = "take_"

# The fact that a person says so.
NAMED = "named_by"

# How many likenesses a reason tells, and how many differences.
_MOST_ALIKE = 4
_MOST_UNLIKE = 2
_SAME = "the same"


def merge_duplicates(task: ThinkTask) -> Proposal | None:
    """Two records of one person or company: keep the record of the task, with what it lacks of the other."""
    other = task.fact("duplicate")
    if other is None or other.record is None:
        return None
    taken = [fact for fact in task.facts if fact.key.startswith(TAKEN)]
    arguments: dict[str, JsonValue] = {
        "record_kind": task.record.kind.value,
        "survivor_id": task.record.id,
        "duplicate_kind": other.record.kind.value,
        "duplicate_id": other.record.id,
        **nested({fact.key.removeprefix(TAKEN): fact.value for fact in taken}),
    }
    alike, unlike = (
        [fact for fact in task.facts if fact.key == key] for key in ("alike", "unlike")
    )
    moves, named = task.fact("moves"), task.fact(NAMED)
    said = f"Named as the same by {shortened(named.text, 100)}" if named else ""
    findings = statements_of(task, PHRASES)
    claims = (
        *claims_from([(said, named)]),
        *claims_from((capital(_likeness(fact)), fact) for fact in alike),
        *claims_from((f"But {_likeness(fact)}", fact) for fact in unlike),
        *claims_from([(f"Move to it: {moves.text}" if moves else "", moves)]),
        *claims_from(
            (f"Taken from the other: {shortened(fact.text, 200)}", fact) for fact in taken
        ),
        *(Claim(one.text, tuple(fact.number for fact in one.facts)) for one in findings),
    )
    return Proposal(
        tool="merge_duplicates",
        arguments=arguments,
        title=shortened(_title(task, other), 200),
        reason=shortened(
            " ".join([*_said(said), *_sentences(alike, unlike, moves, taken, findings)]), 500
        ),
        claims=claims,
    )


def _title(task: ThinkTask, other: Fact) -> str:
    kept, merged = shortened(task.record_label, 80), shortened(other.text, 80)
    if other.record is not None and other.record.kind != task.record.kind:
        return f"Merge the lead {merged} into the contact {kept}"
    if kept == merged:
        return f"Merge two {_PLURALS[task.record.kind]}: {kept}"
    # A person may keep the other one of the two.
    return f"Merge {kept} and {merged}"


_PLURALS: Mapping[RecordKind, str] = {
    RecordKind.LEAD: "leads",
    RecordKind.CONTACT: "contacts",
    RecordKind.ACCOUNT: "accounts",
}


def _said(words: str) -> tuple[str, ...]:
    return (f"{words}.",) if words else ()


def _sentences(
    alike: Sequence[Fact],
    unlike: Sequence[Fact],
    moves: Fact | None,
    taken: Sequence[Fact],
    findings: Sequence[Statement],
) -> Iterator[str]:
    if alike:
        yield f"{capital(', '.join(map(_likeness, alike[:_MOST_ALIKE])))}."
    else:
        yield from (f"{one.text}." for one in findings[:1])
    if unlike:
        yield f"But {', '.join(map(_likeness, unlike[:_MOST_UNLIKE]))}."
    if moves is not None:
        yield f"{capital(moves.text)} would move."
    if taken:
        fields = listed([fact.label.lower() for fact in taken])
        yield f"From the other {'come' if len(taken) > 1 else 'comes'} the {fields}."


def _likeness(fact: Fact) -> str:
    """What one field says: ``same e-mail``, ``given name a short form (Jon / John)``."""
    label = fact.label[:1].lower() + fact.label[1:]
    level = str(fact.value)
    if level == _SAME:
        return f"same {label}"
    return f"{label} {level if fact.text == UNQUOTED else shortened(fact.text, 100)}"


def _alike(finding: Finding) -> Statement:
    percent = finding.percent("probability_0_1")
    more = finding.number("more_count")
    further = f", and {counted(more, 'more record')} may be" if more else ""
    likely = f", with {percent} probability" if percent else ""
    return finding.says(f"Another record is probably the same{likely}{further}")


PHRASES: Mapping[str, Phrase] = {
    "account_duplicate": _alike,
    "contact_duplicate": _alike,
    "lead_duplicate": _alike,
}
