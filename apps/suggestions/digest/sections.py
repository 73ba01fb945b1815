"""The parts of a digest: a section is a class with a key, a title and a function from a reader to rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.brain.enums import Goal
from apps.execution.signs import isolated, without_unseen
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.queue import default_view, in_view
from apps.suggestions.services import without_hidden
from apps.tenants.pagination import COUNT_LIMIT
from apps.tenants.templatetags.aisha_ui import money
from apps.users.models import User

ROWS_PER_SECTION = 8
# Mail programs make links of what looks like an address, and a name may look like one.
_LINK_SIGN = re.compile(r"(?<=\w)\.(?=[^\W\d_])|:(?=//)|(?<=\w)@(?=\w)")
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who will read the digest, and since when they have not read one."""

    person: User
    now: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a text that leads to a page of ours, and what is said beside it."""

    text: str
    path: str
    note: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The best rows of a section, how many there are in all, and the page that shows them."""

    rows: tuple[Row, ...]
    total: int
    path: str

    @property
    def is_counted_out(self) -> bool:
        """Whether ``total`` is all of them; no more than a thousand are counted."""
        return self.total <= COUNT_LIMIT


class Section(ABC):
    """One part of the digest; ``is_news`` ones tell what happened since the digest before.

    ``title_of_all`` is the title for who sees everyone's work, where that is another one.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    title_of_all: ClassVar[str] = ""
    is_news: ClassVar[bool] = False

    def title_for(self, reader: Reader) -> str:
        """The title that this reader sees."""
        return self.title_of_all if reader.person.sees_all and self.title_of_all else self.title

    @abstractmethod
    def content(self, reader: Reader) -> Content:
        """What there is for this reader, and nothing that they may not see."""


_sections: list[Section] = []


def register_section(section: type[Section]) -> type[Section]:
    """Add a section behind those that are there; may be used as a decorator.

    Raises:
        ValueError: another section has the key.
    """
    if any(known.key == section.key for known in _sections):
        raise ValueError(f"There is a section {section.key!r} already.")
    _sections.append(section())
    return section


def all_sections() -> tuple[Section, ...]:
    """The sections, in the order of the mail."""
    return tuple(_sections)


def plain(text: str) -> str:
    """A text from the CRM as it may stand in a mail: one line, no unseen signs, nothing to become a link."""
    line = " ".join(without_unseen(text).split())
    return isolated(
        _LINK_SIGN.sub(lambda sign: f"{_ZERO_WIDTH_SPACE}{sign[0]}{_ZERO_WIDTH_SPACE}", line)
    )


@register_section
class WaitingSection(Section):
    """The best few of what the person's queue opens with, by goal."""

    key = "waiting"
    title = "Waiting for you"
    title_of_all = "Waiting for a decision"

    def content(self, reader: Reader) -> Content:
        """The first rows of the person's first view; what a goal has in it stands together."""
        view = default_view(reader.person)
        path = f"{reverse('suggestions:queue')}?view={view}"
        found = _content(reader, in_view(reader.person, view), path, self._row)
        goals = list(dict.fromkeys(row.group for row in found.rows))
        rows = sorted(found.rows, key=lambda row: goals.index(row.group))
        return Content(tuple(rows), found.total, found.path)

    def _row(self, suggestion: Suggestion, reader: Reader) -> Row:
        label = str(Goal(suggestion.goal).label)
        note = (_value(suggestion), _assignee(suggestion, reader), plain(suggestion.reason))
        return _row_of(suggestion, *note, group=label[:1].upper() + label[1:])


@register_section
class HeldBackSection(Section):
    """What waits behind the day's number."""

    key = "held_back"
    title = "Held back"

    def content(self, reader: Reader) -> Content:
        """The best of them."""
        path = f"{reverse('suggestions:queue')}?view=held_back"
        return _content(reader, in_view(reader.person, "held_back"), path, self._row)

    def _row(self, suggestion: Suggestion, reader: Reader) -> Row:
        why = str(suggestion.get_held_back_display())
        return _row_of(suggestion, _value(suggestion), _assignee(suggestion, reader), why)


@register_section
class ClosedSection(Section):
    """What nobody has to decide any more."""

    key = "closed"
    title = "Withdrawn or expired"
    is_news = True

    def content(self, reader: Reader) -> Content:
        """Those that the log of decisions says were closed since."""
        events = [Event.SUGGESTION_WITHDRAWN, Event.SUGGESTION_EXPIRED]
        closed = AuditEntry.objects.filter(event__in=events, occurred_at__gte=reader.since)
        rows = _own(reader).filter(
            state__in=[State.WITHDRAWN, State.EXPIRED],
            pk__in=closed.order_by().values("suggestion_id"),
        )
        path = f"{reverse('suggestions:queue')}?view=withdrawn"
        return _content(reader, rows.order_by("-rank", "-id"), path, self._row)

    def _row(self, suggestion: Suggestion, reader: Reader) -> Row:
        state, why = suggestion.get_state_display(), plain(suggestion.closed_because)
        return _row_of(suggestion, state, _assignee(suggestion, reader), why)


@register_section
class AppliedSection(Section):
    """What was written, whoever said yes."""

    key = "applied"
    title = "Applied for you"
    title_of_all = "Applied"
    is_news = True

    def content(self, reader: Reader) -> Content:
        """The newest first; those that were undone meanwhile are left out."""
        rows = _own(reader).filter(state=State.APPLIED, applied_at__gte=reader.since)
        path = f"{reverse('suggestions:queue')}?view=done"
        ordered = rows.select_related("reviewed_by").order_by("-applied_at", "-id")
        return _content(reader, ordered, path, self._row)

    def _row(self, suggestion: Suggestion, reader: Reader) -> Row:
        by = suggestion.reviewed_by
        who = "you" if by is None or by.pk == reader.person.pk else plain(by.display_name)
        at = date_format(timezone.localtime(suggestion.applied_at), "j M H:i")
        return _row_of(suggestion, _value(suggestion), f"approved by {who}, {at}")


def _own(reader: Reader) -> SuggestionQuerySet:
    """Suggestions that were for the reader, or that they decided; for who steers everyone's work, all."""
    visible = Suggestion.objects.visible_to(reader.person)
    if reader.person.sees_all:
        return visible
    return visible.filter(Q(assignee_id=reader.person.pk) | Q(reviewed_by_id=reader.person.pk))


def _content(
    reader: Reader,
    suggestions: SuggestionQuerySet,
    path: str,
    row_of: Callable[[Suggestion, Reader], Row],
) -> Content:
    """The first rows; those that name a record which the reader does not see could not be opened."""
    found = list(suggestions.for_queue_page()[: 2 * ROWS_PER_SECTION])
    shown = without_hidden(reader.person, found)
    total = len(found)
    if total == 2 * ROWS_PER_SECTION:
        total = suggestions.order_by()[: COUNT_LIMIT + 1].count()
    rows = tuple(row_of(suggestion, reader) for suggestion in shown[:ROWS_PER_SECTION])
    return Content(rows, total - (len(found) - len(shown)), path)


def _row_of(suggestion: Suggestion, *note: str, group: str = "") -> Row:
    return Row(
        text=plain(suggestion.title),
        path=suggestion.get_absolute_url(),
        note=" · ".join(part for part in note if part),
        group=group,
    )


def _value(suggestion: Suggestion) -> str:
    value = suggestion.value_at_stake
    return "" if value is None else money(value, suggestion.currency)


def _assignee(suggestion: Suggestion, reader: Reader) -> str:
    """Whose it is, where it is somebody else's."""
    if suggestion.assignee is None or suggestion.assignee_id == reader.person.pk:
        return ""
    return plain(suggestion.assignee.display_name)
