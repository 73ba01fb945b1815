"""Whether what a language model wrote can be shown and stored: stage 4's look at its words.

A model may have been told by a text of the CRM what to write. So nothing that could lead a reader astray
(links, addresses, numbers, markup, signs that nobody sees) is taken from free text: it must stand in a fact
that the product itself has read out of the data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from apps.brain.enums import Provider
from apps.brain.hostile import reads_like_orders
from apps.brain.schemas import Claim, Fact, Proposal, ThinkTask

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
}
# Facts whose numbers and addresses may be written into a text: the product has read them out of fields.
_QUOTABLE = frozenset(
    {"value", "phone", "address", "on_file_phone", "on_file_email", "stated_phone", "stated_email"}
)
# What is written for people to read, wherever it stands.
_PROSE = frozenset({"title", "subject", "next_step", "lead_source"})
_LONG_PROSE = frozenset({"description", "body", "notes"})

_LINK = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\b(?:javascript|data|mailto):", re.IGNORECASE
)
# What mail programs make a link of without being told: a host alone, by its usual endings or its path.
_HOST = re.compile(
    r"(?<![\w@.-])(?:[\w-]{1,63}\.){1,8}"
    r"(?:(?:(?!js)[a-z]{2}|com|net|org|info|biz|app|dev|xyz|top|site|online|shop|link|click|live|cloud|example)"
    r"(?![\w@-])|[a-z]{2,24}/)"
)
# Names that a host may be a part of: “Booking.com”.
_NAMES = frozenset({"about", "account", "company", "contact", "other_contact"})
_MARKUP = re.compile(r"<[a-z!/?]|\{\{|\{%|\]\(|&#?\w{2,8};", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# A day in ISO form is no number to be called or paid.
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
# Five digits or more, however they are grouped: amounts from ten thousand, telephone and account numbers.
_NUMBER = re.compile(r"\d(?:[\s.,'’()/+-]{0,2}\d){4,}")
# Joiners that emoji and some scripts need.
_JOINERS = frozenset("\u200c\u200d")


def implausible_code(task: ThinkTask, proposal: Proposal) -> str:
    """Return the code of what is wrong with a model's words, or nothing."""
    prose = [proposal.title, proposal.reason]
    copied = _SOURCES.get(proposal.tool, {})
    for name, value in proposal.arguments.items():
        if not isinstance(value, str):
            continue
        if name in copied:
            sources = [fact for fact in task.facts if fact.key in copied[name]]
            if not _is_stated(value, sources):
                return "stated_nowhere"
            # A sender chooses what stands in a signature, too.
            if code := _code_of(value, sources, task):
                return code
        elif name in _LONG_PROSE:
            # Its lines may break.
            prose.append(value.replace("\n", " "))
        elif name in _PROSE:
            prose.append(value)
    quotable = [fact for fact in task.facts if fact.key in _QUOTABLE]
    return next((code for text in prose if (code := _code_of(text, quotable, task))), "")


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
    return bool(wanted) and any(wanted in _letters(str(fact.value)) for fact in sources)


def _code_of(text: str, quotable: Sequence[Fact], task: ThinkTask) -> str:
    hidden = (sign for sign in text if unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cn"})
    if any(sign not in _JOINERS for sign in hidden):
        return "hidden_signs"
    # Wide letters and dots are read, and followed, like plain ones.
    text = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    if _LINK.search(text) or _names_host(text, task):
        return "foreign_link"
    if _MARKUP.search(text):
        return "markup"
    known = " | ".join(f"{fact.text} | {fact.value or ''}" for fact in quotable)
    known = unicodedata.normalize("NFKC", known)
    if any(address not in known.casefold() for address in _ADDRESS.findall(text.casefold())):
        return "foreign_address"
    stated = [_digits(number) for number in _NUMBER.findall(known)]
    for number in _NUMBER.findall(_DAY.sub(" ", text)):
        if not any(_digits(number) in one for one in stated):
            return "foreign_number"
    return "reads_like_orders" if reads_like_orders(text) else ""


def _names_host(text: str, task: ThinkTask) -> bool:
    hosts = _HOST.findall(text.casefold())
    if not hosts:
        return False
    names = [task.record_label, *(fact.text for fact in task.facts if fact.key in _NAMES)]
    known = unicodedata.normalize("NFKC", " | ".join(names)).casefold()
    return any(host not in known for host in hosts)


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())
