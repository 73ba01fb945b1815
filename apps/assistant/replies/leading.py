"""Where a person is led: to a page of ours that their role includes, or to where they do it themselves."""

from __future__ import annotations

from apps.assistant.replies.naming import Unclear, find_named, not_read, page_of
from apps.assistant.replies.reply import Reply, Replying, plainly, way_to
from apps.assistant.rules import Heard, Topic
from apps.assistant.rules.pages import PLACES, places_for
from apps.assistant.steps import Working
from apps.assistant.turns import NotReadError, Turn
from apps.brain.schemas import Claim
from apps.suggestions.services import may_view

_PROPOSES = "I answer and propose; what is written is decided by a person."


def go_to(turn: Turn, heard: Heard) -> Replying:
    """A page by its name, or the page of a record."""
    if heard.choice:
        label = PLACES[heard.choice].label
        if heard.choice not in places_for(turn.user):
            return plainly(f"Your role does not include the page “{label}”.")
        said = f"Here is the way to “{label}”."
        return plainly(said, leads_to=way_to(heard.choice))
    yield Working("Finding the record")
    named = find_named(turn, heard.name)
    if isinstance(named, Unclear):
        return Reply(named.claims)
    claim = Claim(f"Here is the way to {named.label}.", (named.fact.number,))
    return Reply((claim,), leads_to=page_of(named))


def lead(turn: Turn, page: str, name: str) -> Replying:
    """Where a model says that somebody wants to go: one of our pages, or a record that is found."""
    if page or name:
        try:
            return (yield from go_to(turn, Heard(Topic.GO_TO, choice=page, name=name)))
        except NotReadError as error:
            return Reply(not_read(error))
    pages = ", ".join(place.label for place in places_for(turn.user).values())
    return plainly("I do not know which page you mean.", f"There are: {pages}.")


def send_where_people_do_it(turn: Turn, heard: Heard) -> Replying:
    """Deciding, undoing, deleting and settings are a person's own: say where, and do nothing."""
    yield from ()
    queue = way_to("suggestions") if may_view(turn.user) else None
    match heard.topic:
        case Topic.DECIDING:
            said = "Approve, edit, snooze or reject suggestions yourself, in your queue."
            return plainly(_PROPOSES, said, leads_to=queue)
        case Topic.UNDOING:
            said = "What was applied you undo yourself, on the page of its suggestion."
            return plainly(_PROPOSES, said, leads_to=queue)
        case Topic.DELETING:
            said = (
                "I delete nothing. A conversation you delete in its history; records stay, and an"
                " administrator of your company can erase a person's data."
            )
            return plainly(said)
        case _:
            said = "Settings are changed by people alone: your own on your profile."
            return plainly(said, leads_to=way_to("profile"))
