"""A million leads and contacts: what is new is held against them, by the minute and while somebody waits."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from apps.crm.enums import LeadStatus, RecordKind
from apps.crm.models import Lead
from apps.duplicates.bench.generated.persons import Person, generate_persons, typed_again
from apps.duplicates.bench.millions import PERSONS
from apps.duplicates.bench.records import account_name, account_of, fill, owner, phone_of
from apps.duplicates.models import Pair
from apps.duplicates.services.probe import look_alikes
from apps.duplicates.services.records import row_of_values
from apps.duplicates.services.work import match_changed
from apps.tenants.connections import tenant_connection
from apps.tenants.process_size import peak_size_mb
from apps.users.enums import PersonRole
from apps.users.models import User
from apps.users.services import give_role

_SEED, _SEED_OF_NEW, _SEED_OF_PROBED = 17, 18, 19
_NEW, _PROBED = 1_000, 500
_MOST_CHANGED_S = 30.0
_OF_TRIGRAMS, _LEAST_RECALL = 0.25, 0.95
_NAMED = 5
_TEXTS = """
CREATE UNLOGGED TABLE duplicates_bench_text AS
SELECT l.id, concat_ws(' ', first_name, last_name, nullif(email, ''), nullif(phone, ''), company) AS text
FROM crm_lead l
UNION ALL
SELECT c.id, concat_ws(' ', first_name, last_name, nullif(c.email, ''), nullif(c.phone, ''), a.name)
FROM crm_contact c JOIN crm_account a ON a.id = c.account_id
"""
_PROBE = """
SELECT id FROM duplicates_bench_text WHERE text %% %(text)s
ORDER BY similarity(text, %(text)s) DESC LIMIT %(most)s
"""

Row = dict[str, object]
# From the values of a lead to the ids of records that may be the same.
Probe = Callable[[dict[str, str]], Collection[int]]


@dataclass(frozen=True)
class Probed:
    """How long each question took in milliseconds, and how often somebody who is there was found."""

    times_ms: Sequence[float]
    recall: float

    def percentile(self, percent: int) -> float:
        """So many percent were answered in this time."""
        return float(np.percentile(self.times_ms, percent))

    @property
    def in_words(self) -> str:
        """The figures."""
        return (
            f"p50 {self.percentile(50):.1f} ms, p95 {self.percentile(95):.1f} ms,"
            f" recall {self.recall:.3f}"
        )


def measure_probing() -> Iterator[Row]:
    """A look at everything; what 1,000 new records take; what a probe takes beside one by trigrams."""
    clusters = _fill()
    began = time.perf_counter()
    size_mb = peak_size_mb("match", "--tenant", tenant_connection().schema_name)
    yield {
        "name": f"a look at all of {PERSONS:,} leads and contacts",
        "value": round(time.perf_counter() - began, 1),
        "unit": "s",
        "remark": f"{size_mb:,} MB, {Pair.objects.count():,} pairs and all keys written",
    }
    yield _changed()
    yield from _probed(clusters)


def _fill() -> array[int]:
    """Write the records; returns who each is about, by its id."""
    clusters = array("q", [-1])

    def noted() -> Iterator[Person]:
        for person in generate_persons(PERSONS, _SEED):
            clusters.append(person.cluster)
            yield person

    fill(noted())
    return clusters


def _changed() -> Row:
    """New leads, half of them about people who are there, compared by the task of every minute."""
    there = _sample(_NEW // 2)
    elsewhere = generate_persons(_NEW - len(there), _SEED_OF_NEW)
    new = [*typed_again(there, _SEED_OF_NEW), *elsewhere]
    Lead.objects.bulk_create(
        Lead(status=LeadStatus.NEW, **_values(person, number)) for number, person in enumerate(new)
    )
    before = Pair.objects.count()
    began = time.perf_counter()
    match_changed(timezone.now())
    return {
        "name": f"{_NEW:,} new against {PERSONS:,}",
        "value": round(time.perf_counter() - began, 1),
        "unit": "s",
        "target": _MOST_CHANGED_S,
        "remark": f"{Pair.objects.count() - before:,} pairs found",
    }


def _probed(clusters: array[int]) -> Iterator[Row]:
    """The same questions to the product and to trigrams."""
    viewer, _ = User.objects.get_or_create(
        username="bench-duplicates", defaults={"password": make_password(None)}
    )
    give_role(viewer, PersonRole.ADMIN)
    there = _sample(_PROBED)
    asked = list(zip(there, typed_again(there, _SEED_OF_PROBED), strict=True))

    def ask_product(values: dict[str, str]) -> Collection[int]:
        found = look_alikes(row_of_values(RecordKind.LEAD, values), RecordKind.LEAD, viewer)
        return [like.record.pk for like in found.named]

    ours = _ask(ask_product, asked, clusters)
    with owner() as session:
        session.execute("DROP TABLE IF EXISTS duplicates_bench_text")
        session.execute(_TEXTS)
        session.execute("CREATE INDEX ON duplicates_bench_text USING gin (text gin_trgm_ops)")
        session.execute("VACUUM (ANALYZE) duplicates_bench_text")
        trigrams = _ask(lambda values: _by_trigrams(session, values), asked, clusters)
        session.execute("DROP TABLE duplicates_bench_text")
    yield {
        "name": f"probe on create at {PERSONS:,}, p95",
        "value": round(ours.percentile(95), 1),
        "unit": "ms",
        "target": round(_OF_TRIGRAMS * trigrams.percentile(95), 1),
        "baseline": round(trigrams.percentile(95), 1),
        "remark": f"ours: {ours.in_words}; trigrams: {trigrams.in_words}",
    }
    yield {
        "name": f"probe on create at {PERSONS:,}, recall",
        "value": round(ours.recall, 3),
        "unit": "of known people",
        "target": _LEAST_RECALL,
        "better": "higher",
        "baseline": round(trigrams.recall, 3),
    }


def _ask(probe: Probe, asked: Sequence[tuple[Person, Person]], clusters: array[int]) -> Probed:
    times_ms, found = [], 0
    # The first answers find cold caches, as those of a whole day do not.
    for number, (_, again) in enumerate(asked[:20]):
        probe(_values(again, number))
    for number, (person, again) in enumerate(asked):
        values = _values(again, number)
        began = time.perf_counter()
        ids = probe(values)
        times_ms.append((time.perf_counter() - began) * 1_000)
        # What came in after the million has no place among the clusters.
        found += any(pk < len(clusters) and clusters[pk] == person.cluster for pk in ids)
    return Probed(times_ms, found / len(asked))


def _by_trigrams(session: psycopg.Connection, values: dict[str, str]) -> Collection[int]:
    names = ("first_name", "last_name", "email", "phone", "company")
    text = " ".join(filter(None, (values[name] for name in names)))
    return [pk for (pk,) in session.execute(_PROBE, {"text": text, "most": _NAMED}).fetchall()]


def _sample(count: int) -> list[Person]:
    """Some of those who are there, spread over all."""
    step = max(PERSONS // count, 1)
    persons = enumerate(generate_persons(PERSONS, _SEED))
    return [person for number, person in persons if number % step == 0][:count]


def _values(person: Person, number: int) -> dict[str, str]:
    return {
        "first_name": person.given_name,
        "last_name": person.surname,
        "email": person.email,
        "phone": phone_of(person, number),
        "company": account_name(account_of(person)),
        "title": "",
    }
