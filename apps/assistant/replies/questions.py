"""Answers to the commonest questions, from what the read tools find for this person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.urls import reverse

from apps.assistant.reading import WAITING
from apps.assistant.replies.naming import Unclear, around, find_named, names_of_list, page_of
from apps.assistant.replies.reply import Reply, Replying, plainly, way_to
from apps.assistant.rules import Heard
from apps.assistant.rules.wording import name_of
from apps.assistant.steps import LeadsTo, Working
from apps.assistant.turns import Turn, told
from apps.brain.schemas import Claim, Fact
from apps.crm.search import LONGEST_TEXT, SHORTEST_TEXT

# An answer is read at a glance; the page shows the rest.
MOST_TASKS = 5
MOST_HITS = 8
MOST_OF_RECORD = 10
EXAMPLES = (
    "What are my open tasks?",
    "What should I do today?",
    "What is in my pipeline?",
    "What is the forecast for this quarter?",
    "Which deals are stalled?",
    "Which renewals are ahead?",
    "Follow up with everyone I met last week",
)
FOR_EXAMPLE = f"Ask me, for example: {' · '.join(EXAMPLES)}"


def tell_help(turn: Turn, heard: Heard) -> Replying:
    """What can be asked."""
    yield from ()
    return plainly(
        "I answer from your CRM, as far as you may see it, and I can propose a change that you then review.",
        FOR_EXAMPLE,
        "Or: “Tell me about …”, “Who owns …?”, “Find …”, “Remind me to call … on Friday”,"
        " “Log a call with …: …”, “Go to deals”.",
    )


def tell_tasks(turn: Turn, heard: Heard) -> Replying:
    """How many tasks are open, how many overdue, and the most pressing of those that are asked for."""
    yield Working("Reading your tasks")
    counts, overdue, *tasks = turn.look_up("my_tasks")
    chosen, which = tasks, "open"
    if heard.choice == "overdue":
        chosen = _due_by(turn.today - timedelta(days=1), tasks)
        which = "overdue"
    elif heard.choice == "today":
        chosen = _due_by(turn.today, tasks)
        which = "due by today"
    if not counts.value:
        return Reply((Claim("You have no open tasks.", (counts.number,)),))
    noun = "task" if counts.value == 1 else "tasks"
    said = f"You have {counts.value} open {noun}, of which {overdue.text} overdue."
    claims = [Claim(said.replace("of which none", "none of them"), (counts.number, overdue.number))]
    if which != "open" and not chosen:
        claims.append(Claim(f"None is {which}.", (counts.number,)))
    claims += told(*chosen[:MOST_TASKS])
    return Reply(tuple(claims), leads_to=way_to("tasks"))


def _due_by(day: date, tasks: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in tasks if fact.value and str(fact.value) <= day.isoformat()]


def tell_pipeline(turn: Turn, heard: Heard) -> Replying:
    """The open deals by stage, and in all."""
    yield Working("Adding up the pipeline")
    facts = turn.look_up("pipeline_numbers")
    totals = [fact for key in ("own_deals", "deals") for fact in facts if fact.key == key]
    stages = [fact for fact in facts if fact.key == "stage"]
    return Reply(told(*totals, *stages), leads_to=way_to("deals"))


def tell_forecast(turn: Turn, heard: Heard) -> Replying:
    """What will probably be won."""
    yield Working("Reading the forecast")
    facts = turn.look_up("forecast_numbers", window=heard.choice or "quarter")
    return Reply(told(*facts), leads_to=way_to("forecast"))


def tell_to_do(turn: Turn, heard: Heard) -> Replying:
    """The suggestions that stand first in the queue, and what is overdue."""
    yield Working("Looking at what waits for you")
    count, *waiting = turn.look_up("waiting_suggestions")
    claims: list[Claim] = []
    if count.value:
        said = f"Suggestions that wait for you: {count.text}. First of all:"
        claims.append(Claim(said, (count.number,)))
        claims += [Claim(f"{fact.text.rstrip('.')}.", (fact.number,)) for fact in waiting]
    else:
        claims.append(Claim("No suggestion waits for you.", (count.number,)))
    open_tasks, overdue, *tasks = turn.look_up("my_tasks")
    due = _due_by(turn.today, tasks)
    if due:
        claims.append(
            Claim(
                f"Of your {open_tasks.text} open tasks {overdue.text} are overdue. Due by today:",
                (open_tasks.number, overdue.number),
            )
        )
        claims += told(*due[:3])
    else:
        claims.append(Claim("No task of yours is due by today.", (open_tasks.number,)))
    ids = tuple(int(str(fact.value)) for fact in waiting if fact.key == WAITING)
    return Reply(tuple(claims), suggestions=ids, leads_to=way_to("suggestions"))


def tell_discovered(turn: Turn, heard: Heard) -> Replying:
    """What was found of its own accord, counted, and the strongest of it."""
    yield Working("Looking at what was discovered")
    facts = turn.look_up("discovered", discovery=heard.choice or None)
    query = f"?discovery={heard.choice}&owner=" if heard.choice else ""
    address = f"{reverse('discoveries:discovered')}{query}"
    return Reply(told(*facts), leads_to=LeadsTo(address, "Discovered"))


def tell_renewals(turn: Turn, heard: Heard) -> Replying:
    """The contracts that come up for renewal."""
    yield Working("Reading the contracts")
    facts = turn.look_up("renewals_ahead")
    return Reply(told(*facts[:6]), leads_to=way_to("contracts"))


def tell_found(turn: Turn, heard: Heard) -> Replying:
    """The records that mention some words."""
    text = name_of(heard.name)[:LONGEST_TEXT]
    if len(text) < SHORTEST_TEXT:
        return plainly("Tell me at least two letters of what I am to find.")
    yield Working(f"Searching for “{text}”")
    hits = turn.look_up("search_records", text=text)
    address = f"{reverse('crm:search')}?q={text}"
    if not hits:
        said = f"I find no record that mentions “{text}” and that you may see."
        return plainly(said, leads_to=LeadsTo(address, "Search"))
    claims = told(*hits[:MOST_HITS])
    if len(hits) > MOST_HITS:
        claims = (*claims, Claim(f"{len(hits) - MOST_HITS} more are on the page of search.", ()))
    return Reply(claims, leads_to=LeadsTo(address, "Search"))


def tell_about(turn: Turn, heard: Heard) -> Replying:
    """A record in short."""
    yield Working("Finding the record")
    named = find_named(turn, heard.name)
    if isinstance(named, Unclear):
        return Reply(named.claims)
    yield Working(f"Reading {named.label}")
    facts = turn.look_up("record_summary", kind=named.ref.kind.value, id=named.ref.id)
    return Reply(told(*_first_of(facts)), leads_to=page_of(named))


def tell_owner(turn: Turn, heard: Heard) -> Replying:
    """Who a record belongs to."""
    yield Working("Finding the record")
    named = find_named(turn, heard.name)
    if isinstance(named, Unclear):
        return Reply(named.claims)
    facts = turn.look_up("record_summary", kind=named.ref.kind.value, id=named.ref.id)
    owner = next((fact for fact in facts if fact.key == "owner"), None)
    if owner is None:
        said = Claim(f"{named.label} belongs to nobody.", (named.fact.number,))
    else:
        numbers = (named.fact.number, owner.number)
        said = Claim(f"{named.label} belongs to {owner.text}.", numbers)
    return Reply((said,), leads_to=page_of(named))


def facts_at_hand(turn: Turn) -> Sequence[Fact]:
    """What is known of the record that the conversation is about, for a question to the Brain."""
    kinds = frozenset(ref.kind for ref in (turn.carried, turn.page) if ref is not None)
    named = around(turn, kinds)
    if named is None:
        return names_of_list(turn)
    return turn.look_up("record_summary", kind=named.ref.kind.value, id=named.ref.id)


def _first_of(facts: Sequence[Fact]) -> Sequence[Fact]:
    """The first facts of a record, and what happened last."""
    late = [fact for fact in facts if fact.key in {"activity", "open_tasks"}]
    early = [fact for fact in facts if fact not in late]
    return [*early[: MOST_OF_RECORD - len(late)], *late]
