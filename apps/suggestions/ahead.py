"""The card that a page has read ahead while its reader looked at another.

Once that other one is decided it is shown at once: the answer to the decision says that it still stands as it
was read, and leaves it out. It is on record as shown when that is answered, and not when it was read.
"""

from __future__ import annotations

from apps.suggestions.models import Suggestion
from apps.suggestions.services import first_undecided, id_in
from apps.suggestions.shown import edition_of
from apps.users.models import User

# By a page that asks for a card ahead: READ; by the answer, and with a decision by the page: the card's mark.
HEADER = "Aisha-Ahead"
READ = "read"


def mark_of(suggestion: Suggestion) -> str:
    """Which suggestion was read, in which state and edition."""
    return f"{suggestion.pk} {suggestion.state} {edition_of(suggestion)}"


def card_at_hand(user: User, mark: str) -> Suggestion | None:
    """The suggestion that a page has at hand; None where it has none, or what it has is no longer so.

    It waits, and the person may see it and the records that it was written from.
    """
    suggestion_id = id_in(mark.partition(" ")[0])
    if suggestion_id is None:
        return None
    found = first_undecided(user, [suggestion_id])
    return found if found and mark_of(found) == mark and not found.is_concealed else None
