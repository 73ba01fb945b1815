"""What a person asks to have proposed: it becomes suggestions in their queue, and nothing is written."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, datetime, time

from django.utils import timezone

from apps.assistant.replies.naming import (
    TALKED_ABOUT,
    Named,
    Unclear,
    around,
    find_named,
    of_list,
)
from apps.assistant.replies.reply import Reply, Replying, way_to
from apps.assistant.rules import Heard
from apps.assistant.rules.choosing import place_in
from apps.assistant.rules.days import find_day, find_past_day, find_span, week_before
from apps.assistant.rules.proposals import names_in, split_matter
from apps.assistant.steps import Proposed, Step, Working
from apps.assistant.turns import WITHHELD, Turn
from apps.brain.schemas import Claim, Fact
from apps.crm.presentation import describe_time
from apps.execution.schemas import JsonValue, RecordRef
from apps.suggestions.models import Suggestion
from apps.suggestions.services import propose_change
from apps.tenants.exceptions import AishaError

# A wish that would fill a queue is cut, and says so.
MOST_AT_ONCE = 20
_LONGEST_TITLE = 200
_LONGEST_SUBJECT = 300
_SHORTEST = 3
REVIEW = "Nothing is written until you approve it in your queue."
_TALKED = {"call": "Call", "meeting": "Meeting", "email": "E-mail", "note": "Note"}


def remind(turn: Turn, heard: Heard) -> Replying:
    """A task on the record that is named, or that is spoken about."""
    yield Working("Finding the record")
    day, doing = find_day(heard.words, turn.today)
    found = _record_of(turn, doing)
    if isinstance(found, Unclear):
        return Reply(found.claims, is_lost=not found.is_choice)
    due = day or turn.next_working_day
    title = _title(_with_name(turn, doing, found))
    arguments: dict[str, JsonValue] = {
        **_subject(found.ref),
        "title": title,
        "due_on": due.isoformat(),
    }
    reason = f"You asked to be reminded of this on {describe_time(due)}."
    said = f"I suggest the task “{title}” for {found.label}, due {describe_time(due)}."
    return (yield from _one(turn, found, "create_task", arguments, reason, said))


def follow_up(turn: Turn, heard: Heard) -> Replying:
    """A follow-up with whom is named."""
    yield Working("Finding the record")
    day, rest = find_day(heard.words, turn.today)
    name, matter = split_matter(rest)
    found = find_named(turn, name, TALKED_ABOUT)
    if isinstance(found, Unclear):
        return Reply(found.claims, is_lost=not found.is_choice)
    due = day or turn.next_working_day
    title = _title(f"Follow up with {found.label}" + (f" about {matter}" if matter else ""))
    reason = f"You asked to follow up on {describe_time(due)}."
    said = f"I suggest a follow-up with {found.label}, due {describe_time(due)}."
    arguments = _follow_up_of(found.ref, title, due)
    return (yield from _one(turn, found, "create_followup", arguments, reason, said))


def follow_up_met(turn: Turn, heard: Heard) -> Replying:
    """A follow-up with everyone who was met in a stretch of days, as far as there is room for."""
    yield Working("Looking whom you met")
    span = find_span(heard.words, turn.today) or week_before(turn.today)
    facts = turn.look_up(
        "people_met",
        first=span.first.isoformat(),
        last=span.last.isoformat(),
        kinds="meetings_and_calls" if heard.choice == "talked" else "meetings",
    )
    counted, people = facts[0], [fact for fact in facts if fact.key == "met"]
    when = f"between {describe_time(span.first)} and {describe_time(span.last)}"
    if span.first == span.last:
        when = f"on {describe_time(span.first)}"
    if not people:
        return Reply((Claim(f"I find nobody whom you met {when}.", (counted.number,)),))
    barred = [fact for fact in people if fact.value == "do_not_contact"]
    wanted = [fact for fact in people if fact not in barred]
    made, refused = yield from _each(turn, wanted[:MOST_AT_ONCE])
    said = f"People whom you met {when}: {counted.text}. I suggest {_follow_ups(made)}."
    claims = [Claim(said, (counted.number,)), Claim(REVIEW, ())]
    if barred:
        claims.append(
            Claim(
                f"Left out, because they are not to be contacted: {_names(barred)}.",
                tuple(fact.number for fact in barred),
            )
        )
    if left := int(str(counted.value)) - len(barred) - min(len(wanted), MOST_AT_ONCE):
        said = f"Left out: {left} more; I suggest {MOST_AT_ONCE} at once at most."
        claims.append(Claim(said, (counted.number,)))
    claims += [
        Claim(f"Left out: meetings that name no contact or lead: {fact.text}.", (fact.number,))
        for fact in facts
        if fact.key == "met_nobody"
    ]
    claims += [Claim(f"Not for {fact.text}: {why}", (fact.number,)) for fact, why in refused]
    return Reply(tuple(claims), tuple(made), way_to("suggestions"))


def log(turn: Turn, heard: Heard) -> Replying:
    """A call, a meeting, a mail or a note that took place."""
    yield Working("Finding the record")
    kind, _, way = heard.choice.partition(":")
    day, name = find_past_day(heard.name, turn.today)
    words = heard.words
    if day is None:
        day, words = find_past_day(words, turn.today)
    found = find_named(turn, name, TALKED_ABOUT)
    if isinstance(found, Unclear):
        return Reply(found.claims, is_lost=not found.is_choice)
    subject = words or f"{_TALKED[kind]} with {found.label}"
    moment = _moment(turn, day)
    direction = {"note": "none", "meeting": "none"}.get(kind, f"{way}bound")
    arguments: dict[str, JsonValue] = {
        **_subject(found.ref),
        "activity_kind": kind,
        "direction": direction,
        "occurred_at": moment.isoformat(),
        "subject": _capital(subject)[:_LONGEST_SUBJECT],
        "body": subject if len(subject) > _LONGEST_SUBJECT else None,
    }
    what = f"an {direction} {_TALKED[kind].lower()}" if direction != "none" else f"a {kind}"
    said = f"I suggest to log {what} with {found.label} on {describe_time(moment.date())}."
    reason = "You asked to have this logged."
    return (yield from _one(turn, found, "log_activity", arguments, reason, said))


def _one(
    turn: Turn,
    found: Named,
    tool: str,
    arguments: Mapping[str, JsonValue],
    reason: str,
    said: str,
) -> Replying:
    """Propose one change, or say why it is none."""
    yield Working("Writing the suggestion")
    try:
        suggestion = _propose(turn, tool, arguments, reason)
    except AishaError as error:
        return Reply((Claim(f"I could not propose this: {error.message}", ()),))
    yield Proposed(suggestion.pk)
    claims = (Claim(said, (found.fact.number,)), Claim(REVIEW, ()))
    return Reply(claims, (suggestion.pk,), way_to("suggestions"))


def _each(
    turn: Turn, people: list[Fact]
) -> Generator[Step, None, tuple[list[int], list[tuple[Fact, str]]]]:
    made: list[int] = []
    refused: list[tuple[Fact, str]] = []
    for place, fact in enumerate(people, start=1):
        assert fact.record is not None  # noqa: S101 - who was met is a record
        yield Working(f"Writing suggestion {place} of {len(people)}")
        name = "them" if fact.text == WITHHELD else fact.text
        title = _title(f"Follow up with {name}")
        arguments = _follow_up_of(fact.record, title, turn.next_working_day)
        reason = "You asked to follow up with everyone whom you met."
        try:
            suggestion = _propose(turn, "create_followup", arguments, reason)
        except AishaError as error:
            refused.append((fact, error.message))
            continue
        made.append(suggestion.pk)
        yield Proposed(suggestion.pk)
    return made, refused


def _propose(turn: Turn, tool: str, arguments: Mapping[str, JsonValue], reason: str) -> Suggestion:
    return propose_change(
        tool=tool,
        arguments=arguments,
        reason=reason,
        words=turn.words,
        user=turn.user,
        origin=turn.origin,
        actor=turn.actor,
        now=turn.now,
    )


def _record_of(turn: Turn, doing: str) -> Named | Unclear:
    """The record that a task is about: one that is named in it, else the one that is spoken about.

    After a list that is none of its records in particular: the person is asked.
    """
    unclear: Unclear | None = None
    for name in names_in(doing):
        found = find_named(turn, name, TALKED_ABOUT)
        if isinstance(found, Named):
            return found
        # Several that fit are a question; none may be because it is no name.
        if found.is_choice:
            return found
        unclear = unclear or found
    if (known := around(turn, TALKED_ABOUT)) is not None:
        return known
    if (listed := of_list(turn, TALKED_ABOUT)) is not None:
        return listed
    claims = unclear.claims if unclear is not None else ()
    hint = "A task hangs on a lead, contact, account or deal: say which one, as in “… about Isdom”."
    return Unclear((*claims[:1], Claim(hint, ())))


def _with_name(turn: Turn, doing: str, found: Named) -> str:
    """What is to be done, with the name where only “them”, or “the second one”, is said."""
    for name in names_in(doing):
        if place_in(name, len(turn.listed)) is not None:
            doing = doing.replace(name, "them")
    words = doing.split()
    pronouns = {"it", "them", "him", "her", "ihn", "sie", "ihm", "ihnen"}
    if found.fact.text == WITHHELD:
        return doing
    return " ".join(found.label if word.casefold() in pronouns else word for word in words)


def _subject(ref: RecordRef) -> dict[str, JsonValue]:
    return {"subject_kind": ref.kind.value, "subject_id": ref.id}


def _follow_up_of(ref: RecordRef, title: str, due: date) -> dict[str, JsonValue]:
    return {
        **_subject(ref),
        "about_kind": ref.kind.value,
        "about_id": ref.id,
        "title": title,
        "due_on": due.isoformat(),
    }


def _title(text: str) -> str:
    said = _capital(text.strip(" ,.;:"))
    if len(said) < _SHORTEST:
        said = f"Task: {said}"
    return said if len(said) <= _LONGEST_TITLE else f"{said[: _LONGEST_TITLE - 1]}…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moment(turn: Turn, day: date | None) -> datetime:
    """When it took place: now, or at noon of an earlier day."""
    if day is None or day >= turn.today:
        return turn.now
    return timezone.make_aware(datetime.combine(day, time(12)))


def _follow_ups(made: list[int]) -> str:
    if not made:
        return "no follow-up"
    return "one follow-up" if len(made) == 1 else f"{len(made)} follow-ups, one for each"


def _names(facts: list[Fact]) -> str:
    return ", ".join(fact.text for fact in facts)
