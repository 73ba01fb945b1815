"""“Not a duplicate” said of a record that was merged since: it holds for the one in which that lives on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import F, Q

from apps.crm.enums import RecordKind
from apps.crm.services import all_records
from apps.duplicates.enums import PairState, Subject
from apps.duplicates.models import Pair
from apps.duplicates.models.pairs import key_of
from apps.duplicates.querysets import RECORD_MODELS
from apps.execution.schemas import RecordRef, ids_by_kind


def carry_decisions_over(subject: Subject) -> set[RecordRef]:
    """Settle open pairs of which a person said the same of a record that lives on in one of the two.

    Where that no longer follows, because the merge was undone or the decision taken back, they are open
    again. What a person has said of the pair itself stays, that it is to be looked at again, too. Returns
    the records of the pairs that changed.
    """
    said = _said_of_survivors(subject)
    changed: set[RecordRef] = set()
    followers = Pair.objects.of_subject(subject).exclude(follows=None).exclude(follows=F("pk"))
    for pair in followers.select_for_update().order_by("pk"):
        source = said.get(pair.key)
        if source is None or source.pk != pair.follows_id:
            _follow(pair, None)
            changed |= {pair.survivor, pair.duplicate}
    settled = Pair.objects.of_subject(subject).open().filter(key__in=said, follows=None)
    for pair in settled.select_for_update().order_by("pk"):
        _follow(pair, said[pair.key])
        changed |= {pair.survivor, pair.duplicate}
    return changed


def _follow(pair: Pair, source: Pair | None) -> None:
    """Take over what was said of another pair, or None of any; what a person said of this one stays."""
    changes: dict[str, object] = {"follows": source}
    if source is not None:
        changes |= {
            "state": PairState.NOT_DUPLICATE,
            "decided_by": source.decided_by_id,
            "decided_at": source.decided_at,
        }
    elif pair.state == PairState.NOT_DUPLICATE:
        changes |= {"state": PairState.OPEN, "decided_by": None, "decided_at": None}
    Pair.objects.filter(pk=pair.pk).update(**changes)


def _said_of_survivors(subject: Subject) -> dict[str, Pair]:
    """The pairs that people called not the same, by the key of the two records in which theirs live on."""
    said = Pair.objects.of_subject(subject).filter(state=PairState.NOT_DUPLICATE, follows=None)
    pairs = list(said.defer("weights").order_by("pk"))
    survivors = survivors_of(ref for pair in pairs for ref in (pair.survivor, pair.duplicate))
    found: dict[str, Pair] = {}
    for pair in pairs:
        one, other = (survivors.get(ref, ref) for ref in (pair.survivor, pair.duplicate))
        key = key_of(one, other)
        if one != other and key != pair.key:
            found.setdefault(key, pair)
    return found


def survivors_of(refs: Iterable[RecordRef]) -> dict[RecordRef, RecordRef]:
    """Where those of the records that were merged live on: a query for each kind and merge on the way."""
    where = {ref: ref for ref in refs}
    while step := _merged_among(set(where.values())):
        where = {ref: step.get(now, now) for ref, now in where.items()}
    return {ref: now for ref, now in where.items() if now != ref}


def _merged_among(refs: Iterable[RecordRef]) -> Mapping[RecordRef, RecordRef]:
    found: dict[RecordRef, RecordRef] = {}
    for kind, ids in ids_by_kind(refs).items():
        columns = ["merged_into_id"]
        if kind == RecordKind.LEAD:
            columns.append("merged_into_contact_id")
        merged = all_records(RECORD_MODELS[kind]).filter(~Q(merged_at=None), pk__in=ids)
        for pk, *into in merged.values_list("pk", *columns):
            # A lead that is a contact lives on there.
            same, contact = (*into, None)[:2]
            target = RecordRef(RecordKind.CONTACT, contact) if contact else RecordRef(kind, same)
            found[RecordRef(kind, pk)] = target
    return found
