"""What a scan looks at when it does not look at everything: some records, and what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from apps.crm.enums import RecordKind
from apps.crm.forms.filters import FILTER_SETS
from apps.crm.models import Account, Activity, Contact, Lead, Opportunity, Record, Task
from apps.crm.services import permission_name, visible_records
from apps.duplicates.models import Pair
from apps.triggers.exceptions import EmptyListError, EmptyScopeError, ScopeTooLargeError
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.triggers.rules.duplicates import DuplicateTrigger
from apps.users.models import User

# A scan of more is one of everything, as far as the database is concerned.
MOST_RECORDS = 10_000

# The kinds that a person may have looked at, and what hangs on them and is looked at with them.
SCANNED: dict[RecordKind, type[Record]] = {
    model.kind: model for model in (Lead, Opportunity, Contact, Account)
}
_HANGING: dict[RecordKind, type[Record]] = {model.kind: model for model in (Activity, Task)}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ids of the records of each kind that triggers are to look at, and of those they may live on in.

    A pair is told at the record that would survive it, and so the triggers about duplicates look there, too.
    """

    ids: Mapping[RecordKind, Sequence[int]]
    survivors: Mapping[RecordKind, frozenset[int]]

    def of(self, trigger: Trigger[Any]) -> Sequence[int]:
        """The records that one trigger looks at."""
        own = self.ids.get(trigger.record_kind, ())
        if not isinstance(trigger, DuplicateTrigger):
            return own
        return sorted(self.survivors.get(trigger.record_kind, frozenset()).union(own))


@dataclass(frozen=True, slots=True)
class ScanScope:
    """Some records of a kind, under a name where they are a kept view."""

    record_kind: RecordKind
    record_ids: tuple[int, ...]
    name: str = ""

    def triggers(self) -> list[str]:
        """The keys of the triggers that look at these records, or at what hangs on them."""
        return [trigger.key for trigger in registry.all() if self._concerns(trigger)]

    def _concerns(self, trigger: Trigger[Any]) -> bool:
        if isinstance(trigger, DuplicateTrigger):
            return self.record_kind in trigger.subject.kinds
        return trigger.record_kind in {self.record_kind, *_HANGING}

    def candidates(self) -> Candidates:
        """What triggers are to look at; a query for each kind that hangs, and one for pairs."""
        found = {self.record_kind: self.record_ids}
        for kind, model in _HANGING.items():
            hanging: Any = model._default_manager
            about = hanging.filter(**{f"{self.record_kind.value}_id__any_of": self.record_ids})
            found[kind] = tuple(about.order_by().values_list("pk", flat=True))
        return Candidates(found, self._survivors())

    def _survivors(self) -> dict[RecordKind, frozenset[int]]:
        """The other records of the pairs in which these would be merged, decided ones too."""
        pairs = Pair.objects.filter(
            duplicate_kind=self.record_kind, duplicate_id__any_of=self.record_ids
        )
        survivors: dict[RecordKind, set[int]] = {}
        for kind, record_id in pairs.order_by().values_list("survivor_kind", "survivor_id"):
            survivors.setdefault(RecordKind(kind), set()).add(record_id)
        return {kind: frozenset(ids) for kind, ids in survivors.items()}


def scope_of_records(user: User, kind: RecordKind, record_ids: Sequence[int]) -> ScanScope:
    """Those of some records that the person may see.

    Raises:
        EmptyScopeError: they may see none.
        ScopeTooLargeError: they are more than are looked at by themselves.
    """
    return _scope_of(kind, _visible(user, kind).filter(pk__in=record_ids).values_list("pk"))


def scope_of_list(user: User, kind: RecordKind, query: str, name: str = "") -> ScanScope:
    """What the person's list of a kind shows for a query string, all pages of it.

    Raises:
        EmptyScopeError: the person has no such list.
        EmptyListError: it shows none.
        ScopeTooLargeError: it shows more than are looked at by themselves.
    """
    listed = FILTER_SETS[kind](QueryDict(query), queryset=_visible(user, kind), viewer=user)
    try:
        return _scope_of(kind, listed.qs.values_list("pk"), name)
    except EmptyScopeError as error:
        raise EmptyListError(name) from error


def _visible(user: User, kind: RecordKind) -> Any:
    if kind not in SCANNED or not user.has_perm(permission_name("view", SCANNED[kind])):
        raise EmptyScopeError()
    return visible_records(user, SCANNED[kind])


def _scope_of(kind: RecordKind, rows: Any, name: str = "") -> ScanScope:
    ids: Sequence[tuple[int]] = rows.order_by("pk")[: MOST_RECORDS + 1]
    found = tuple(pk for (pk,) in ids)
    if not found:
        raise EmptyScopeError()
    if len(found) > MOST_RECORDS:
        raise ScopeTooLargeError(MOST_RECORDS)
    return ScanScope(kind, found, name)
