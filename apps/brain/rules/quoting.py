"""What the writers may quote: not what reads like instructions to an AI.

A title and a task are read again later, by people and by a language model, as the product's own words. So
such a text stays where it was written, and among the facts that people see, and is not written on.
"""

from __future__ import annotations

from dataclasses import replace

from apps.brain.schemas import Fact, ThinkTask

UNQUOTED = "a text that reads like instructions to an AI"
# What stands for a name; other details are left out as if nobody had stated them.
_NAMED_INSTEAD = {
    "about": "its record",
    "contact": "one person",
    "contract": "the contract",
    "duplicate": "another record",
    "not_to_be_contacted": "one person",
}
_LEFT_OUT = frozenset(
    {
        "company", "title", "phone", "lead_source", "account", "other_contact", "sender_name",
        "stated_phone", "stated_title", "stated_email", "stated_company",
    }
)  # fmt: skip
# What the other of two records says, by field.
_LEFT_OUT_OF_BOTH = ("on_file_", "take_", "duplicate_")


def quotable(task: ThinkTask) -> ThinkTask:
    """Return the task without the words of what is withheld; facts keep their numbers."""
    if not task.withheld:
        return task
    withheld = {item.number for item in task.withheld}
    facts = (
        _without_words(fact) if fact.number in withheld else fact
        for fact in task.facts
        if fact.number not in withheld or not _may_be_left_out(fact)
    )
    label = f"this {task.record.kind.label.lower()}" if task.is_label_withheld else None
    return replace(task, facts=tuple(facts), record_label=label or task.record_label)


def _may_be_left_out(fact: Fact) -> bool:
    return fact.key in _LEFT_OUT or fact.key.startswith(_LEFT_OUT_OF_BOTH)


def _without_words(fact: Fact) -> Fact:
    return replace(fact, text=_NAMED_INSTEAD.get(fact.key, UNQUOTED))
