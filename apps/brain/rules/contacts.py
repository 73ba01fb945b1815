"""Proposals about people: reach one, look into a change, take in a new sender, correct a contact."""

from __future__ import annotations

import re
from collections.abc import Mapping

from apps.brain.rules.findings import Finding, Phrase, Statement, findings_of, statements_of
from apps.brain.rules.followups import at_stake, followup
from apps.brain.rules.wording import claims_from, counted, day_text, listed, shortened, shown
from apps.brain.schemas import Fact, Proposal, ThinkTask
from apps.execution.schemas import JsonValue
from apps.execution.signs import one_line

# Mail hosts that say nothing about where a person works.
FREE_MAIL_DOMAINS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "live.com", "icloud.com",
     "me.com", "aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "mail.com"}
)  # fmt: skip

# A sender chooses the name that is shown: an address, a formula or unseen characters are no name.
_NO_NAME = re.compile(
    "[=@/\\\\|{}\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|^[-+]|www\\.",
    re.IGNORECASE,
)
MOST_NAME_WORDS = 6

_DETAILS = (("phone", "phone number"), ("title", "job title"), ("email", "e-mail address"))


def reach_contact(task: ThinkTask) -> Proposal | None:
    """Nothing comes back from a contact: try the way that was not tried last."""
    name = shortened(task.record_label, 100)
    last = task.text("last_activity_kind")
    phone, email = task.fact("on_file_phone"), task.fact("on_file_email")
    if phone is not None and last != "call":
        title, advice, way = f"Call {name}", "Try a call instead.", phone
    elif email is not None and last != "email":
        title, advice, way = f"Write to {name}", "Try a short mail instead.", email
    else:
        title, advice, way = (
            f"Find another way to reach {name}",
            "Ask somebody else there, or whether they are still the right person.",
            None,
        )
    return followup(
        task,
        statements_of(task, PHRASES),
        title=f"{title}{_at_account(task)}",
        task_title=title,
        advice=advice,
        also=(
            (f"On file: {shortened(way.text, 100)}" if way else "", way),
            (
                f"Last contact by {shown(task, 'last_activity_kind').lower()}",
                task.fact("last_activity_kind"),
            ),
            at_stake(task),
        ),
    )


def look_into_change(task: ThinkTask) -> Proposal | None:
    """A contact or an account is much more, or much less, in touch than before: find out why."""
    name = shortened(task.record_label, 100)
    is_rise = any(finding.is_rise for finding in findings_of(task))
    who = f"{name}{_at_account(task)}"
    what = f"Ask {who} what has come up" if is_rise else f"Find out why {who} has gone quieter"
    return followup(
        task,
        statements_of(task, PHRASES),
        title=what,
        task_title=what,
        advice="A question now tells whether it is a chance or a risk.",
        also=(
            (f"Last contact on {shown(task, 'last_activity')}", task.fact("last_activity")),
            at_stake(task),
        ),
    )


def identify_sender(task: ThinkTask) -> Proposal | None:
    """Somebody new wrote: propose a lead from what the message itself says."""
    address, message = task.fact("address"), task.fact("message")
    if address is None or message is None or not isinstance(address.value, str):
        return None
    email = address.value.strip().lower()
    given = _name_or_nothing(task.text("sender_name"))
    first_name, last_name = _split_name(given, email)
    company = task.text("stated_company") or _company_of(email)
    name = f"{first_name} {last_name}".strip() or email
    arguments: dict[str, JsonValue] = {"activity_id": task.record.id, "email": email}
    for key, value, limit in (
        ("first_name", first_name, 100),
        ("last_name", last_name, 100),
        ("company", company, 200),
        ("phone", task.text("stated_phone"), 50),
        ("title", task.text("stated_title"), 150),
    ):
        if line := one_line(value):
            arguments[key] = line[:limit]
    if task.doer_id is not None:
        arguments["owner_id"] = task.doer_id
    when = day_text(message.value)
    return Proposal(
        tool="create_lead",
        arguments=arguments,
        title=shortened(f"Add {name}{f' of {company}' if company else ''} as a lead", 200),
        reason=shortened(
            f"{name} wrote on {when} from {email}, an address that no lead and no contact has.", 500
        ),
        claims=claims_from(
            (
                (f"Wrote on {when}: {shortened(message.text, 120)}", message),
                (f"{email} is not on file", address),
                (f"Signs as {given}", task.fact("sender_name") if given else None),
            )
        ),
    )


def correct_contact(task: ThinkTask) -> Proposal | None:
    """A newer signature or a bounce disagrees with the contact: propose what it says."""
    arguments: dict[str, JsonValue] = {"contact_id": task.record.id}
    changed: list[str] = []
    claims: list[tuple[str, Fact | None]] = []
    for field, words in _DETAILS:
        stated = task.fact(f"stated_{field}")
        if stated is not None and isinstance(stated.value, str):
            arguments[field] = one_line(stated.value)
            changed.append(words)
            claims.append((f"New {words} in a signature: {shortened(stated.text, 100)}", stated))
            on_file = task.fact(f"on_file_{field}")
            claims.append((f"On file: {shortened(on_file.text, 100) if on_file else ''}", on_file))
    bounce = task.fact("bounce")
    name = shortened(task.record_label, 100)
    if bounce is not None and "email" not in arguments:
        arguments["email_status"] = "bounced"
        claims.append(
            (f"Mail to the address on file came back on {day_text(bounce.value)}", bounce)
        )
    if len(arguments) == 1:
        return None
    source = task.fact("stating_message")
    if changed:
        what = listed(changed)
        when = f" of {day_text(source.value)}" if source else ""
        title = f"Update {name}’s {what}"
        reason = (
            f"{name}’s message{when} is signed with a {what} that differs from what is on file."
        )
    else:
        title = f"Mark {name}’s e-mail address as not working"
        reason = "The last mail to this address came back, and nothing has arrived from it since."
    return Proposal(
        tool="update_contact",
        arguments=arguments,
        title=shortened(title, 200),
        reason=shortened(reason, 500),
        claims=claims_from(claims),
    )


def _unresponsive(finding: Finding) -> Statement:
    count, heard = finding.number("outbound_count"), finding.day("last_inbound_at")
    tried = counted(count, "attempt") if count else "Several attempts"
    since = f" since {heard}" if heard else ""
    return finding.says(f"{tried} to reach them and no answer{since}")


def _shift(finding: Finding) -> Statement:
    compared = f": {finding.comparison}" if finding.comparison else ""
    return finding.says(f"{'More' if finding.is_rise else 'Less'} contact than before{compared}")


PHRASES: Mapping[str, Phrase] = {
    "contact_unresponsive": _unresponsive,
    "engagement_shift": _shift,
    "account_engagement_shift": _shift,
}


def _at_account(task: ThinkTask) -> str:
    account = task.fact("account")
    return f" at {shortened(account.text, 60)}" if account else ""


def _name_or_nothing(text: str) -> str:
    """What a sender calls themselves, or nothing when it cannot be a person's name."""
    text = text.strip()
    is_name = not _NO_NAME.search(text) and len(text.split()) <= MOST_NAME_WORDS
    return text if is_name else ""


def _split_name(name: str, email: str) -> tuple[str, str]:
    """First and last name from the sender's name, else from an address like ``ana.lopez@…``."""
    name = re.sub(r"[\"<>()]", " ", name).strip()
    if "," in name:
        last, _, first = name.partition(",")
        name = f"{first.strip()} {last.strip()}"
    words = name.split()
    if not words:
        local = re.sub(r"\d+$", "", email.partition("@")[0])
        words = [part.capitalize() for part in re.split(r"[._-]+", local) if part.isalpha()]
        if len(words) < 2:
            return "", ""
    return words[0], " ".join(words[1:])


def _company_of(email: str) -> str:
    """A company's name guessed from the address, or nothing for private mail hosts."""
    domain = email.rpartition("@")[2]
    if domain in FREE_MAIL_DOMAINS or "." not in domain:
        return ""
    labels = domain.split(".")
    is_second_level = len(labels) >= 3 and labels[-2] in {"co", "com", "org", "net", "ac"}
    name = labels[-3] if is_second_level else labels[-2]
    return name.replace("-", " ").title()
