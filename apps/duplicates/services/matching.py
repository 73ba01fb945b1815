"""A look at all records of a subject: weights estimated anew, all pairs, all keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Q

from apps.duplicates.enums import FoundBy, PairState, Subject
from apps.duplicates.learning import Decided, with_decisions
from apps.duplicates.matching.documents import MatcherDocument
from apps.duplicates.matching.keys import EDITION
from apps.duplicates.matching.values import comparable
from apps.duplicates.models import MatchCursor, Matcher, Pair
from apps.duplicates.services.judging import judge, least_kept
from apps.duplicates.services.keying import write_all_keys
from apps.duplicates.services.records import Records, own_region, read_records
from apps.duplicates.services.settling import Judged, Settled, settle
from apps.tenants.transactions import read_snapshot

if TYPE_CHECKING:
    from apps.duplicates.matching.finding import Found

# Of each subject, to be looked at; what comes before them no pair points to any more.
KEPT_MATCHERS = 10

# Called with what is being done; raises WorkCancelledError when a person wants to stop.
TellStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at everything came to."""

    records: int
    settled: Settled
    likely: int


def match_all(
    subject: Subject,
    *,
    now: datetime,
    tell: TellStage,
    document: MatcherDocument | None = None,
    most_per_key: int | None = None,
) -> Outcome:
    """Compare all records of a subject; what a matcher has is given, or learned from them.

    The caller holds the subject's lock.

    Raises:
        WorkCancelledError: a person wants it to stop; nothing was written then, or only keys.
    """
    # Loads numpy.
    from apps.duplicates.matching.finding import find_pairs

    region = own_region() if document is None else document.region
    cursor = read_snapshot().oldest_open
    records = read_records(subject, lambda read: tell(f"reading records ({read:,})"))
    found = find_pairs(
        records.table, document=document, most_per_key=most_per_key, progress=tell, region=region
    )
    learned = found.document if document is not None else _with_decisions(subject, found.document)
    write_all_keys(subject, records, region, lambda done: tell(f"writing keys ({done:,})"))
    tell("explaining pairs")
    judged = list(_judge(records, found, learned))
    tell("writing pairs")
    with transaction.atomic():
        matcher = _store(subject, learned, found, records.table.size)
        settled = settle(
            subject,
            judged,
            scope=None,
            matcher=matcher,
            threshold=learned.threshold,
            found_by=FoundBy.BATCH,
            now=now,
        )
        MatchCursor.objects.update_or_create(
            subject=subject, defaults={"transaction_id": cursor, "keys_edition": EDITION}
        )
    likely = Pair.objects.of_subject(subject).likely().count()
    return Outcome(records.table.size, settled, likely)


def _judge(records: Records, found: Found, document: MatcherDocument) -> Iterator[Judged]:
    least = least_kept(document)
    for left, right, probability in zip(
        found.left.tolist(), found.right.tolist(), found.probabilities.tolist(), strict=True
    ):
        if probability < least:
            return
        one, other = records.ref(left), records.ref(right)
        comparables = {
            one: comparable(records.table.row(left), document.region),
            other: comparable(records.table.row(right), document.region),
        }
        yield from judge([(one, other)], comparables, document)


def _with_decisions(subject: Subject, document: MatcherDocument) -> MatcherDocument:
    states = (PairState.MERGED, PairState.NOT_DUPLICATE)
    # What was carried over from another pair was decided once.
    carried = Q(state=PairState.NOT_DUPLICATE, follows__isnull=False)
    pairs = Pair.objects.of_subject(subject).filter(state__in=states).exclude(carried)
    decided = [
        Decided(probability, state == PairState.MERGED)
        for probability, state in pairs.values_list("probability", "state")
    ]
    return with_decisions(document, decided)


def _store(subject: Subject, document: MatcherDocument, found: Found, record_count: int) -> Matcher:
    """Put what was learned in force."""
    former = Matcher.objects.filter(subject=subject)
    number = (former.aggregate(last=Max("number"))["last"] or 0) + 1
    former.filter(number__lte=number - KEPT_MATCHERS).delete()
    former.update(is_current=False)
    return Matcher.objects.create(
        subject=subject,
        number=number,
        document=document.model_dump(mode="json"),
        record_count=record_count,
        most_per_key=found.most_per_key,
    )
