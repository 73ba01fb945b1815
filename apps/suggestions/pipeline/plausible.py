"""Whether what a language model wrote can be shown and stored: stage 4's look at its words.

Details are copied from the facts that state them, and nothing that could lead a reader astray is taken from
free text (``apps.brain.astray``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from apps.brain.astray import astray_code
from apps.brain.enums import Goal, Provider
from apps.brain.rules.duplicates import TAKEN
from apps.brain.schemas import Claim, Fact, Proposal, ThinkTask
from apps.execution.custom_names import column_of, custom_key, flat
from apps.execution.schemas import JsonValue
from apps.execution.tools.base import settable_fields
from apps.execution.tools.merge_arguments import MergeDuplicatesArguments
from apps.suggestions.pipeline.context.asked import ASKED

# Of arguments that copy a person's details: the facts that may be copied.
_SOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "create_lead": {
        "email": ("address",),
        "phone": ("stated_phone",),
        "title": ("stated_title",),
        "company": ("stated_company", "address"),
        "first_name": ("sender_name", "address"),
        "last_name": ("sender_name", "address"),
    },
    "update_contact": {
        "email": ("stated_email",),
        "phone": ("stated_phone",),
        "title": ("stated_title",),
    },
    "draft_email": {"to_address": ("on_file_email",)},
    # Of these the values are held against both records besides (``Tool.invented``).
    "merge_duplicates": {
        name: (f"on_file_{name}", f"duplicate_{name}", f"{TAKEN}{name}")
        for name in sorted(settable_fields(MergeDuplicatesArguments))
    },
}
# The same of what a person asked for: their own words must say so. An e-mail goes to the address on record.
_ASKED_SOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "update_lead": {"email": (ASKED,), "phone": (ASKED,)},
    "update_contact": {"email": (ASKED,), "phone": (ASKED,), "title": (ASKED,)},
    "update_account": {"phone": (ASKED,), "website": (ASKED,)},
    "draft_email": _SOURCES["draft_email"],
}
# Facts whose numbers and addresses may be written into a text: the product has read them out of fields.
_QUOTABLE = frozenset(
    {
        "value", "phone", "address", "on_file_phone", "on_file_email", "stated_phone", "stated_email",
        "duplicate_phone", "duplicate_email", f"{TAKEN}phone", f"{TAKEN}email", ASKED,
    }
)  # fmt: skip
# What is written for people to read, wherever it stands.
_PROSE = frozenset({"title", "subject", "next_step", "lead_source", "description", "body", "notes"})
_NAMES_OF_RECORDS = frozenset({"first_name", "last_name", "company", "name", "sector", "location"})

# Names that a host may be a part of: “Booking.com”.
_NAMES = frozenset({"about", "account", "company", "contact", "duplicate", "other_contact", ASKED})

# How signs of addresses are spoken, and what is left out of a website's address when it is.
_SPOKEN = re.compile(r"\b(?:at|dot|point|dash|hyphen|minus|underscore|plus)\b", re.IGNORECASE)
_UNSPOKEN = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)


def implausible_code(task: ThinkTask, proposal: Proposal) -> str:
    """Return the code of what is wrong with a model's words, or nothing."""
    is_asked = task.goal == Goal.AS_ASKED
    prose = [proposal.title, proposal.reason]
    copied = (_ASKED_SOURCES if is_asked else _SOURCES).get(proposal.tool, {})
    arguments = proposal.arguments if is_asked else flat(proposal.arguments)
    for name, value in arguments.items():
        if not isinstance(value, str):
            if is_asked:
                prose += _texts_within(value)
            continue
        if column_of(name) in copied:
            keys = _keys_of(name, copied)
            sources = [fact for fact in task.facts if fact.key in keys]
            if not _is_stated(_UNSPOKEN.sub("", value) if is_asked else value, sources):
                return "stated_nowhere"
            if is_asked:
                continue
            # A sender chooses what stands in a signature, too.
            if code := _code_of(value, sources, task):
                return code
        elif is_asked and name in _PROSE | _NAMES_OF_RECORDS:
            prose.append(_without_former(value, name, task))
        elif name in _PROSE:
            prose.append(value)
    quotable = [fact for fact in task.facts if fact.key in _QUOTABLE]
    return next((code for text in prose if (code := _code_of(text, quotable, task))), "")


def _keys_of(name: str, copied: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The facts that may be copied into an argument; of a company's own field those about this one."""
    own = custom_key(name)
    return tuple(f"{key}.{own}" if own else key for key in copied[column_of(name)])


def sound_claims(task: ThinkTask, proposal: Proposal) -> tuple[Claim, ...]:
    """The claims that cite known facts alone; a model's, if they quote no number or address but theirs."""
    facts = {fact.number: fact for fact in task.facts}
    return tuple(
        claim
        for claim in proposal.claims
        if claim.facts
        and set(claim.facts) <= set(facts)
        and (
            proposal.provider == Provider.RULES
            or not _code_of(claim.text, [facts[number] for number in claim.facts], task)
        )
    )


def _is_stated(value: str, sources: Sequence[Fact]) -> bool:
    """Whether one of the facts says this, leaving case, spaces and punctuation aside."""
    wanted = _letters(value)
    return bool(wanted) and any(wanted in _letters(text) for text in _texts_of(sources))


def _texts_of(sources: Sequence[Fact]) -> Iterator[str]:
    for fact in sources:
        if fact.key == ASKED:
            yield fact.text
            yield _SPOKEN.sub(" ", fact.text)
        else:
            yield str(fact.value)


def _texts_within(value: JsonValue) -> Iterator[str]:
    """The texts in a value that holds others."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts_within(part)


def _without_former(value: str, name: str, task: ThinkTask) -> str:
    """What is new in a text that goes on from the one in the record."""
    former = task.fact(name)
    return value.replace(former.text, " ") if former is not None else value


def _code_of(text: str, quotable: Sequence[Fact], task: ThinkTask) -> str:
    names = [task.record_label, *(fact.text for fact in task.facts if fact.key in _NAMES)]
    return astray_code(text, quotable, names)


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())
