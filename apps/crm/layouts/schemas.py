"""What a page needs to know about a kind of record, as plain declarations."""

from __future__ import annotations

from dataclasses import dataclass

from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.crm.presentation import label_of


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: a field, or ``self`` for the record's own name.

    ``sort`` names the ORM fields to sort by, empty where there is no sorting. ``optional`` columns
    are left out in a narrow window.
    """

    name: str
    label: str = ""
    sort: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """A list on a record's page: the records of ``kind`` whose ``lookup`` is that record."""

    title: str
    kind: RecordKind
    lookup: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of record on pages.

    ``path`` is its folder in the address, ``nav_section`` the entry of the navigation, ``sign`` its
    icon. ``default_sort`` is a column's name, with a minus for descending. ``can_be_talked_about``
    says that activities and tasks may hang on such a record. ``gist`` is what stands beside name and
    badge among records of other kinds, as a search finds them; kinds without one are not searched there.
    """

    model: type[Record]
    path: str
    nav_section: str
    noun: str
    nouns: str
    sign: str
    columns: tuple[Column, ...]
    default_sort: str
    facts: tuple[str, ...]
    badge: str = ""
    gist: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    can_be_talked_about: bool = False
    empty_text: str = ""

    @property
    def kind(self) -> RecordKind:
        """The kind of record."""
        return self.model.kind

    def label_of(self, name: str) -> str:
        """The word for a field on this kind's pages."""
        return label_of(self.model, name)
