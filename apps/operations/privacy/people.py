"""Whose data are to be erased: the records of one person, and what they can be recognised by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.crm.enums import RecordKind
from apps.crm.models import Account, ChangeLog, Contact, Lead
from apps.operations.privacy.exceptions import PersonNotFoundError
from apps.users.models import User

ERASED = "[erased]"

_MODELS: dict[RecordKind, type[Contact] | type[Lead]] = {
    RecordKind.CONTACT: Contact,
    RecordKind.LEAD: Lead,
}
_NAMES = ("first_name", "last_name", "email", "phone")


@dataclass(frozen=True, slots=True)
class Person:
    """The contacts and leads that are one person: by conversion, and by merges."""

    contacts: frozenset[int]
    leads: frozenset[int]

    def refs(self) -> dict[RecordKind, frozenset[int]]:
        """Their ids by kind."""
        return {RecordKind.CONTACT: self.contacts, RecordKind.LEAD: self.leads}


@dataclass(frozen=True, slots=True)
class Traits:
    """What a person is recognised by in any text: full names, addresses, numbers of seven digits or more."""

    names: frozenset[tuple[str, str]]
    emails: frozenset[str]
    phones: frozenset[str]

    def minus(self, others: Traits) -> Traits:
        """Without what others have, too."""
        return Traits(
            self.names - others.names, self.emails - others.emails, self.phones - others.phones
        )

    def kinds(self) -> list[str]:
        """In a word each, what there is."""
        found = (("name", self.names), ("e-mail", self.emails), ("phone", self.phones))
        return [word for word, values in found if values]


def find_person(kind: RecordKind, record_id: int) -> Person:
    """The records of the person of whom one contact or lead is given; deleted ones have their history.

    A lead that was converted is the contact that it became, and what was merged is what it was merged into.

    Raises:
        PersonNotFoundError: there is none.
    """
    is_known = _MODELS[kind].everything.filter(pk=record_id).exists()
    if not is_known and not ChangeLog.objects.of_record(kind, record_id).exists():
        raise PersonNotFoundError(kind, record_id)
    contacts = frozenset({record_id} if kind == RecordKind.CONTACT else ())
    leads = frozenset({record_id} if kind == RecordKind.LEAD else ())
    person = Person(contacts, leads)
    while (more := _with_neighbours(person)) != person:
        person = more
    return person


def _with_neighbours(person: Person) -> Person:
    """The records, and those one conversion or one merge away from them."""
    contacts, leads = set(person.contacts), set(person.leads)
    for near in (
        Q(merged_into__in=person.contacts),
        Q(merged_records__in=person.contacts),
        Q(merged_leads__in=person.leads),
        Q(converted_from__in=person.leads),
    ):
        contacts.update(Contact.everything.filter(near).values_list("pk", flat=True))
    for near in (
        Q(merged_into__in=person.leads),
        Q(merged_records__in=person.leads),
        Q(merged_into_contact__in=person.contacts),
        Q(converted_contact__in=person.contacts),
    ):
        leads.update(Lead.everything.filter(near).values_list("pk", flat=True))
    return Person(frozenset(contacts), frozenset(leads))


def read_traits(person: Person) -> Traits:
    """What they are recognised by: as the records stand, and as they ever stood."""
    values: list[Mapping[str, object]] = []
    for model, ids in ((Contact, person.contacts), (Lead, person.leads)):
        values.extend(model.everything.filter(pk__in=ids).values(*_NAMES))
    for kind, ids in person.refs().items():
        for changes in ChangeLog.objects.filter(record_kind=kind, record_id__in=ids).values_list(
            "changes", flat=True
        ):
            values.extend(_sides(changes))
    firsts = {text for row in values if (text := _clean(row.get("first_name")))}
    lasts = {text for row in values if (text := _clean(row.get("last_name")))}
    emails = {text for row in values if "@" in (text := _clean(row.get("email")))}
    return Traits(
        names=frozenset((first, last) for first in firsts for last in lasts),
        emails=frozenset(emails),
        phones=_phones(row.get("phone") for row in values),
    )


def read_traits_of_others(person: Person, traits: Traits) -> Traits:
    """What of this other contacts, leads, accounts or people who sign in have, too."""
    others: list[Mapping[str, object]] = []
    wanted = Q()
    for first, last in traits.names:
        wanted |= Q(first_name__iexact=first, last_name__iexact=last)
    for email in traits.emails:
        wanted |= Q(email__iexact=email)
    for model, ids in ((Contact, person.contacts), (Lead, person.leads)):
        rows = model.everything.exclude(pk__in=ids)
        if wanted:
            others.extend(rows.filter(wanted).values(*_NAMES))
        if traits.phones:
            others.extend(rows.exclude(phone="").values("phone"))
    if wanted:
        others.extend(User.objects.filter(wanted).values("first_name", "last_name", "email"))
    if traits.phones:
        others.extend(Account.everything.exclude(phone="").values("phone"))
    names = {(_folded(row.get("first_name")), _folded(row.get("last_name"))) for row in others}
    emails = {_folded(row.get("email")) for row in others}
    return Traits(
        names=frozenset(
            (first, last)
            for first, last in traits.names
            if (_folded(first), _folded(last)) in names
        ),
        emails=frozenset(email for email in traits.emails if _folded(email) in emails),
        phones=traits.phones & _phones(row.get("phone") for row in others),
    )


def _sides(changes: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The two editions of a changed row, or the one of a deleted row."""
    for side in (0, 1):
        yield {
            name: value[side] if isinstance(value, list) and len(value) == 2 else value
            for name in _NAMES
            if (value := changes.get(name))
        }


def _clean(text: object) -> str:
    """The text with single spaces; nothing for what was erased before."""
    return " ".join(text.split()) if isinstance(text, str) and text != ERASED else ""


def _folded(text: object) -> str:
    return _clean(text).casefold()


def _phones(texts: Iterable[object]) -> frozenset[str]:
    """Digits alone. A short one is an extension, and would be found in any number."""
    digits = (re.sub(r"\D", "", text) for text in texts if isinstance(text, str))
    return frozenset(text for text in digits if len(text) >= 7)
