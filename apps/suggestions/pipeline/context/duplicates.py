"""Facts about two records that are probably the same: what speaks for it, and what a merge would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch

from apps.brain.rules.duplicates import TAKEN
from apps.crm.enums import RecordKind
from apps.crm.models import Account, Contact, Lead
from apps.crm.presentation import label_of, show_attribute, show_field
from apps.duplicates.enums import Subject
from apps.duplicates.matching.documents import MatcherDocument, default_document
from apps.duplicates.matching.explaining import FieldEvidence, compare
from apps.duplicates.matching.fields import Field, Row
from apps.duplicates.querysets import RECORD_MODELS
from apps.duplicates.services.judging import learned_document
from apps.duplicates.services.records import read_rows_of, subject_of
from apps.duplicates.services.standing import read_standings
from apps.duplicates.survivorship import Standing, values
from apps.execution.custom_fields import Definitions, definitions_of
from apps.execution.custom_names import ATTRIBUTES, custom_key, custom_name
from apps.execution.schemas import JsonValue, RecordRef, ids_by_kind
from apps.execution.tools import registry as tools
from apps.execution.tools.base import to_json
from apps.execution.tools.repointing import FromTo, count_hanging, counted
from apps.execution.tools.surviving import TAKEN_WITH, is_empty, unfit_values
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.accounts import open_deal_values
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.readers import Readers
from apps.triggers.moments import ScanMoment
from apps.users.models import User

DuplicateRecord = Lead | Contact | Account
Values = Mapping[str, JsonValue]

MERGE = "merge_duplicates"

# Fields of which a fact tells how the two are written, where they differ.
_WRITTEN_OUT = frozenset({Field.GIVEN_NAME, Field.SURNAME})
# A likeness or difference of less than a bit hardly says anything.
_LEAST_BITS = 1.0
_LONGEST_VALUE = 1_000


@dataclass(frozen=True, slots=True)
class Both:
    """Two records of which the first is to survive; ``likelihood`` is how probably they are the same."""

    awaiting: Awaiting
    kept: RecordRef
    other: RecordRef
    likelihood: float


def duplicate_contexts(group: Group) -> Iterator[Context]:
    """What is known of each record and of the other one that its signal names."""
    pairs = []
    for awaiting in group.awaiting:
        for signal in group.signals_of(awaiting):
            kind, record_id = signal.facts["duplicate_kind"], signal.facts["duplicate_id"]
            other = RecordRef(RecordKind(kind), record_id)
            likelihood = signal.facts["probability_0_1"]
            pairs.append(Both(awaiting, awaiting.record, other, likelihood))
            break
    return contexts_of(pairs, group.moment, group.readers)


def contexts_of(pairs: Sequence[Both], moment: ScanMoment, readers: Readers) -> Iterator[Context]:
    """What is known of two records each.

    A pair that nobody may see both of has nothing, nor has one whose records are no longer compared.

    Queries are constant for the kinds of records, however many pairs there are.
    """
    reading = _Reading.of(pairs)
    for both in pairs:
        kept, other = reading.records.get(both.kept), reading.records.get(both.other)
        if kept is None or other is None:
            continue
        owners = (kept.owner_id, other.owner_id)
        if not readers.has_assignee_seeing(*owners):
            continue
        assignee_id = readers.assignee_seeing(*owners)
        value, currency = reading.value_of(kept)
        context = Context(both.awaiting, moment, str(kept), assignee_id, value, currency)
        context.likelihood = both.likelihood
        label = "Possible duplicate" if kept.kind == other.kind else "Still a lead, too"
        context.add("duplicate", label, str(other), value=other.kind.value, record=both.other)
        for evidence in reading.evidence_of(both):
            key = "alike" if evidence.bits > 0 else "unlike"
            text = reading.in_words(both, evidence)
            context.add(key, evidence.field.label, text, value=evidence.level)
        _add_values(context, both, reading, readers)
        if moves := reading.moves[both.other, both.kept]:
            words = " and ".join(counted(moves))
            context.add(
                "moves", "Would move", words, value={kind.value: n for kind, n in moves.items()}
            )
        context.add_moment("created_at", "Created", kept.created_at)
        yield context


def _add_values(context: Context, both: Both, reading: _Reading, readers: Readers) -> None:
    """Add what the survivor is to take, and where else the two differ."""
    kept, other = reading.records[both.kept], reading.records[both.other]
    ours, theirs = reading.sides_of(both)
    custom = reading.custom[both.kept.kind]
    taken = reading.taken_of(both)

    def shown(record: DuplicateRecord, name: str) -> str:
        key = custom_key(name)
        if not key:
            return _shown(record, name)
        value = show_attribute(custom[key], record.attributes.get(key))
        return "" if value.is_empty else value.text[:_LONGEST_VALUE]

    for name in ours:
        key = custom_key(name)
        label = custom[key].label if key else label_of(type(kept), name)
        if name in taken:
            value = taken[name]
            record = _named_account(other, name)
            if name in _ACCOUNTS and readers.allowed(context.assignee_id, record) is None:
                continue
            if name == "owner_id" and value != context.assignee_id:
                continue
            ref = RecordRef(RecordKind.ACCOUNT, record.pk) if record else both.other
            text = str(value) if name == "notes" else shown(other, name)
            context.add(f"{TAKEN}{name}", label, text, value=value, record=ref)
        elif name not in _REFERENCES and name in theirs and ours[name] != theirs[name]:
            context.add(f"on_file_{name}", label, shown(kept, name), value=ours[name])
            if not is_empty(theirs[name]):
                context.add(
                    f"duplicate_{name}",
                    f"{label} of the other",
                    shown(other, name),
                    value=theirs[name],
                    record=both.other,
                )


_ACCOUNTS = frozenset({"account_id", "parent_id"})
_REFERENCES = _ACCOUNTS | {"owner_id"}


def _named_account(record: DuplicateRecord, name: str) -> Account | None:
    account: Account | None = getattr(record, name.removesuffix("_id"), None)
    return account if name in _ACCOUNTS else None


def _shown(record: DuplicateRecord, name: str) -> str:
    field = name.removesuffix("_id") if name in _REFERENCES else name
    shown = show_field(record, field)
    return "" if shown.is_empty else shown.text[:_LONGEST_VALUE]


@dataclass(frozen=True, slots=True)
class _Reading:
    """All that is read of the records of a batch."""

    records: Mapping[RecordRef, DuplicateRecord]
    rows: Mapping[RecordRef, Row]
    standings: Mapping[RecordRef, Standing]
    documents: Mapping[Subject, MatcherDocument]
    moves: Mapping[FromTo, Mapping[RecordKind, int]]
    deal_values: Mapping[tuple[int, int | None], tuple[Decimal, str]]
    # The company's own fields of the kinds that survive.
    custom: Mapping[RecordKind, Definitions]

    @classmethod
    def of(cls, pairs: Sequence[Both]) -> _Reading:
        refs = {ref for both in pairs for ref in (both.kept, both.other)}
        rows = read_rows_of(refs)
        # A lead that was converted since is compared with nothing: it lives on as its contact.
        records = _read_records(refs & rows.keys())
        accounts = sorted(
            {account_id for record in records.values() if (account_id := _account_of(record))}
        )
        subjects = {subject_of(ref.kind) for ref in refs}
        return cls(
            records=records,
            rows=rows,
            standings=read_standings(refs),
            documents={subject: _document_of(subject) for subject in subjects},
            moves=count_hanging([(both.other, both.kept) for both in pairs]),
            deal_values=open_deal_values(accounts),
            custom={kind: definitions_of(kind) for kind in {both.kept.kind for both in pairs}},
        )

    def value_of(self, record: DuplicateRecord) -> tuple[Decimal | None, str]:
        """What is at stake with the survivor, and its currency."""
        if isinstance(record, Lead):
            return record.estimated_value, record.currency
        return self.deal_values.get((_account_of(record) or 0, record.owner_id), (None, ""))

    def sides_of(self, both: Both) -> tuple[Values, Values]:
        """What a merge may write of the survivor, and of the other, as it is kept in JSON."""
        custom = self.custom[both.kept.kind]
        return self._values_of(both.kept, custom), self._values_of(both.other, custom)

    def _values_of(self, ref: RecordRef, custom: Definitions) -> Values:
        record = self.records[ref]
        own = sorted(tools.get(MERGE).writes[ref.kind] - {ATTRIBUTES})
        values = {name: to_json(getattr(record, name)) for name in own}
        return values | {custom_name(key): record.attributes.get(key) for key in custom}

    def taken_of(self, both: Both) -> Values:
        """What the survivor is to take of the other, as far as a tool would write it."""
        ours, theirs = self.sides_of(both)
        custom = self.custom[both.kept.kind]
        unfit = unfit_values(tools.get(MERGE), both.kept, both.other, theirs, custom)
        left_out = unfit.union(*(TAKEN_WITH.get(name, ()) for name in unfit))
        standings = self.standings[both.kept], self.standings[both.other]
        proposed = values(ours.keys() & theirs.keys(), ours, theirs, *standings)
        return {item.field: item.value for item in proposed if item.field not in left_out}

    def evidence_of(self, both: Both) -> list[FieldEvidence]:
        """What each field says for or against, the most telling first."""
        document = self.documents[subject_of(both.kept.kind)]
        strongest = compare(document, self.rows[both.kept], self.rows[both.other]).strongest
        return [item for item in strongest if abs(item.bits) >= _LEAST_BITS]

    def in_words(self, both: Both, evidence: FieldEvidence) -> str:
        """How alike the values of a field are; of a name also how it is written."""
        written = [self.rows[ref].get(evidence.field, "") for ref in (both.kept, both.other)]
        if evidence.field in _WRITTEN_OUT and all(written) and written[0] != written[1]:
            return f"{evidence.level} ({' / '.join(written)})"
        return evidence.level


def _document_of(subject: Subject) -> MatcherDocument:
    """The weights in force, or what is usual; where telephones are dialled the AI does not know."""
    return learned_document(subject) or default_document(0)


def _read_records(refs: Iterable[RecordRef]) -> dict[RecordRef, DuplicateRecord]:
    related = {RecordKind.CONTACT: ["account"], RecordKind.ACCOUNT: ["parent"]}
    found: dict[RecordRef, DuplicateRecord] = {}
    for kind, wanted in sorted(ids_by_kind(refs).items()):
        owners = Prefetch("owner", User.objects.only("username", "first_name", "last_name"))
        rows = RECORD_MODELS[kind].objects.prefetch_related(owners, *related.get(kind, []))
        for pk, record in rows.in_bulk(sorted(wanted)).items():
            found[RecordRef(kind, pk)] = record
    return found


def _account_of(record: DuplicateRecord) -> int | None:
    if isinstance(record, Account):
        return record.pk
    return getattr(record, "account_id", None)
