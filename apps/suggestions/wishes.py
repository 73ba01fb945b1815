"""What somebody asked for, as its readers see it: who, by which way, and in which words."""

from __future__ import annotations

from dataclasses import dataclass

from apps.audit.enums import Origin
from apps.suggestions.models import Suggestion
from apps.users.models import User

# The number of the fact that holds the words.
WISH = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's own words, empty where the reader may not see all that the suggestion rests on.

    ``sentence`` says who asked, whether they typed or spoke, and whether the words are what AiSHA took
    theirs for.
    """

    sentence: str
    words: str


def wish_of(suggestion: Suggestion, viewer: User) -> Wish | None:
    """The wish behind a suggestion; None where nobody asked for it. Asks the database nothing."""
    if not suggestion.is_asked:
        return None
    way = str(Origin(suggestion.origin).label)
    asker = _name_of_asker(suggestion, viewer)
    sentence = f"{asker} asked for this ({way if way.isupper() else way.lower()})"
    return Wish(
        f"{sentence}, as AiSHA heard it" if suggestion.is_heard else sentence,
        _words_of(suggestion) if sees_words(suggestion, viewer) else "",
    )


def is_own_wish(suggestion: Suggestion, viewer: User) -> bool:
    """Whether it is this person who asked; it may have been given to somebody else since."""
    is_given = suggestion.given_by_id is not None
    return viewer.pk == (suggestion.given_for_id if is_given else suggestion.assignee_id)


def sees_words(suggestion: Suggestion, viewer: User) -> bool:
    """Whether a reader is shown the words: others are not where they may not see all that it rests on."""
    return not suggestion.is_concealed or is_own_wish(suggestion, viewer)


def _name_of_asker(suggestion: Suggestion, viewer: User) -> str:
    if is_own_wish(suggestion, viewer):
        return "You"
    # Of one that was given away only the id is at hand.
    is_named = suggestion.given_by_id is None and suggestion.assignee is not None
    return str(suggestion.assignee) if is_named else "A colleague"


def _words_of(suggestion: Suggestion) -> str:
    """The first fact; none are left where a person's data was erased."""
    return str(suggestion.facts[0]["text"]) if suggestion.facts else ""
