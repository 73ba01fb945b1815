"""The six kinds as tiles: numbers in words, and the ways to the records and into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from apps.crm.forms.filters import ME, NOBODY
from apps.suggestions.discoveries.asked import Asked
from apps.suggestions.discoveries.reading import Found, Summary, Worth
from apps.suggestions.queue import default_view
from apps.tenants.templatetags.aisha_ui import money
from apps.triggers.enums import Discovery

SIGNS: dict[Discovery, str] = {
    Discovery.HOT_LEAD: "trending-up",
    Discovery.MISSING_FOLLOWUP: "alarm-clock",
    Discovery.STALLED_DEAL: "hourglass",
    Discovery.CHURN_SIGNAL: "triangle-alert",
    Discovery.BEHAVIOUR_CHANGE: "chevrons-up-down",
    Discovery.DUPLICATE: "users",
}
# As a heading of several.
PLURALS: dict[Discovery, str] = {
    Discovery.HOT_LEAD: "Hot leads",
    Discovery.MISSING_FOLLOWUP: "Missing follow-ups",
    Discovery.STALLED_DEAL: "Stalled deals",
    Discovery.CHURN_SIGNAL: "Churn signals",
    Discovery.BEHAVIOUR_CHANGE: "New behaviour",
    Discovery.DUPLICATE: "Duplicates",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One kind with the way to its records and, where one may see them, its suggestions.

    ``trend`` is empty while there is none to tell.
    """

    found: Found
    label: str
    sign: str
    address: str
    queue_address: str
    is_current: bool
    trend: str


def tiles_of(summary: Summary, asked: Asked, *, sees_suggestions: bool) -> list[Tile]:
    """The six kinds; what else is asked for stays in force behind each. The one asked for leads back."""
    return [
        Tile(
            found=found,
            label=PLURALS[discovery],
            sign=SIGNS[discovery],
            address=address_of(asked, None if asked.discovery == discovery else discovery),
            queue_address=queue_address_of(asked, discovery) if sees_suggestions else "",
            is_current=asked.discovery == discovery,
            trend=trend_words(found) if summary.has_trend else "",
        )
        for found in summary.kinds
        if (discovery := found.discovery) is not None
    ]


def worth_words(worths: Sequence[Worth]) -> str:
    """Money of several currencies: the largest two, rounded to the unit."""
    shown = " + ".join(money(round(worth.amount), worth.currency) for worth in worths[:2])
    return f"{shown} and more" if len(worths) > 2 else shown


def trend_words(found: Found) -> str:
    """What was found within a week against the week before."""
    if not found.late and not found.early:
        return "none found in two weeks"
    return f"{found.late:,} found this week, {found.early:,} the week before"


def address_of(asked: Asked, discovery: Discovery | None) -> str:
    """The page of one kind, or of all, with all else that is asked for."""
    wanted = {
        "discovery": discovery.value if discovery else "",
        "owner": asked.owner,
        "team": asked.team,
        "q": asked.text,
        "order": asked.order.value,
        "new": "on" if asked.only_new else "",
    }
    # An owner that is left empty stands for everybody, where one's own records are what a page begins with.
    kept = {name: value for name, value in wanted.items() if value or name == "owner"}
    return f"{reverse('discoveries:discovered')}?{urlencode(kept)}"


def queue_address_of(asked: Asked, discovery: Discovery | None) -> str:
    """The queue narrowed in the same way, as far as it can be."""
    wanted = {"view": default_view(asked.person)}
    if discovery:
        wanted["discovery"] = discovery.value
    if asked.owner == ME:
        wanted["view"] = "mine"
    elif asked.owner == NOBODY:
        wanted["view"] = "unassigned"
    elif asked.owner:
        wanted |= {"view": "team", "owner": asked.owner}
    if asked.text:
        wanted["q"] = asked.text
    return f"{reverse('suggestions:queue')}?{urlencode(wanted)}"
