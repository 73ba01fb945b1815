"""How long deals stay in their stages, measured from the tenant's own closed deals.

A stay is the time from entering a stage to leaving it, as the change log has it; history that an import
brought along counts by its own dates. The first stay of a deal begins when the deal was entered or opened,
whichever came first. Of a closed deal without any history only the time from opening to closing is known:
from thirty of those on it stands in for stages that have no figure of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import ceil

from django.db import connection
from django.db.models import Q
from django.utils.formats import number_format
from pydantic import BaseModel, ConfigDict, JsonValue

from apps.triggers.distribution import DistributionRow
from apps.triggers.moments import Figures, ScanMoment

# Of fewer stays a percentile says little.
LEAST_STAYS = 30
MEASURED_DAYS = 730
LOWEST_PERCENTILE, HIGHEST_PERCENTILE = 50, 95

_STAYS = """
WITH closed AS MATERIALIZED (
    SELECT "id", "amount", "currency", "opened_on", "closed_on", "source" <> '' AS is_imported,
           LEAST("created_at", "opened_on"::timestamp AT TIME ZONE %(zone)s) AS begun_at
    FROM "crm_opportunity" WHERE "outcome" <> 'open'
), step AS MATERIALIZED (
    SELECT record_id, backfilled, changed_at AS left_at, (changes -> 'stage_id' ->> 0)::bigint AS stage_id,
           lag(changed_at) OVER (PARTITION BY record_id ORDER BY changed_at, id) AS entered_at
    FROM "crm_changelog"
    WHERE record_kind = 'opportunity' AND operation = 'changed' AND changes ? 'stage_id'
), stay AS MATERIALIZED (
    SELECT d.id, d.amount, d.currency, s.stage_id, d.is_imported OR s.backfilled AS is_imported,
           extract(epoch FROM s.left_at - COALESCE(s.entered_at, d.begun_at)) / 86400 AS days
    FROM step s JOIN closed d ON d.id = s.record_id
    JOIN "crm_stage" g ON g.id = s.stage_id AND g.outcome = 'open'
    WHERE s.left_at > %(since)s AND s.left_at <= %(now)s
    UNION ALL
    SELECT d.id, d.amount, d.currency, NULL, d.is_imported, d.closed_on - d.opened_on
    FROM closed d
    WHERE d.closed_on > %(since_day)s AND d.closed_on <= %(today)s
      AND NOT EXISTS (SELECT 1 FROM step s WHERE s.record_id = d.id)
), bound AS (
    SELECT currency, percentile_disc(ARRAY[1 / 3.0, 2 / 3.0]) WITHIN GROUP (ORDER BY amount) AS amounts
    FROM (SELECT DISTINCT id, amount, currency FROM stay WHERE amount IS NOT NULL) AS measured
    GROUP BY currency
), banded AS (
    SELECT s.stage_id, s.is_imported, s.days, b.currency, b.amounts,
           CASE WHEN s.amount <= b.amounts[1] THEN 1 WHEN s.amount <= b.amounts[2] THEN 2
                WHEN s.amount > b.amounts[2] THEN 3 END AS band
    FROM stay s LEFT JOIN bound b ON b.currency = s.currency WHERE s.days >= 0
)
SELECT stage_id, currency,
       CASE band WHEN 2 THEN min(amounts[1]) WHEN 3 THEN min(amounts[2]) END,
       CASE band WHEN 1 THEN min(amounts[1]) WHEN 2 THEN min(amounts[2]) END,
       count(*), count(*) FILTER (WHERE is_imported),
       percentile_cont(%(shares)s::float8[]) WITHIN GROUP (ORDER BY days)
FROM banded
GROUP BY GROUPING SETS ((stage_id), (stage_id, currency, band))
HAVING GROUPING(band) = 1 OR stage_id IS NOT NULL AND band IS NOT NULL AND count(*) >= %(least)s
ORDER BY stage_id, currency, band
"""


class Stays(BaseModel):
    """The completed stays of deals in one stage, of one amount band or of all.

    Without ``stage_id`` they are whole lives of deals that have no history; without ``currency`` they are
    of all amounts. ``days`` are the whole days within which 50, 51, … 95 per cent of them were over; there
    are none for fewer than thirty stays.
    """

    model_config = ConfigDict(frozen=True)

    stage_id: int | None
    currency: str | None
    above: Decimal | None
    up_to: Decimal | None
    count: int
    imported_count: int
    days: tuple[int, ...]

    def at(self, percentile: int) -> int | None:
        """The whole days within which so many per cent of them were over, if they say enough."""
        return self.days[percentile - LOWEST_PERCENTILE] if self.days else None

    @property
    def band(self) -> str:
        """The amount band in words; empty for all amounts."""
        above, up_to = (
            number_format(bound, decimal_pos=0, force_grouping=True) if bound is not None else ""
            for bound in (self.above, self.up_to)
        )
        words = (
            f"{above} to {up_to}"
            if above and up_to
            else f"over {above}"
            if above
            else f"up to {up_to}"
        )
        return f"{words} {self.currency}".strip() if above or up_to else ""

    def condition(self) -> Q:
        """Deals to which these stays apply."""
        condition = Q(stage_id=self.stage_id)
        if self.currency is not None:
            condition &= Q(currency=self.currency)
        if self.above is not None:
            condition &= Q(amount__gt=self.above)
        if self.up_to is not None:
            condition &= Q(amount__lte=self.up_to)
        return condition


class StayFigures(BaseModel):
    """What is frozen for a day: the stays of every stage, and of amount bands with enough of them."""

    model_config = ConfigDict(frozen=True)

    stays: tuple[Stays, ...] = ()

    @classmethod
    def of(cls, figures: Figures | None) -> StayFigures:
        """Read frozen figures; without any there are no stays."""
        return cls.model_validate(figures.values) if figures else cls()

    def rows(
        self, stages: Mapping[int, str], percentile: int | None, default_days: int
    ) -> tuple[DistributionRow, ...]:
        """The figures as people look at them: ``stages`` in their order, by id, then whole lives.

        The threshold is that of the percentile; without one, or with too few stays, it is the default.
        """

        def row(label: str, stays: Stays) -> DistributionRow:
            threshold = stays.at(percentile) if percentile is not None else None
            return DistributionRow(
                label=f"{label}, {stays.band}" if stays.band else label,
                count=stays.count,
                p50=stays.at(50),
                p80=stays.at(80),
                threshold=threshold or default_days,
                unit="days",
            )

        labels = [*stages.items(), (None, "Opening to closing, without history")]
        return tuple(
            row(label, stays)
            for stage, label in labels
            for stays in self.stays
            if stays.stage_id == stage
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """After how many days in its stage a deal has stood there for long."""

    stage_id: int
    condition: Q
    days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of stages and amount bands, the narrower ones first, and that of all other deals.

    ``other_days`` is None when nothing was measured that other deals could be held against.
    """

    own: tuple[Limit, ...]
    other_days: int | None

    @classmethod
    def at(cls, figures: StayFigures, percentile: int) -> Limits:
        """The limits within which so many per cent of the measured stays were over."""
        narrow_first = sorted(figures.stays, key=lambda stays: stays.currency is None)
        found = [
            (stays, days) for stays in narrow_first if (days := stays.at(percentile)) is not None
        ]
        own = tuple(
            Limit(stays.stage_id, stays.condition(), days)
            for stays, days in found
            if stays.stage_id is not None
        )
        others = [days for stays, days in found if stays.stage_id is None]
        return cls(own, others[0] if others else None)

    @property
    def days_by_stage(self) -> Mapping[int, frozenset[int]]:
        """All limits that occur in each measured stage."""
        stages = {limit.stage_id for limit in self.own}
        return {
            stage: frozenset(limit.days for limit in self.own if limit.stage_id == stage)
            for stage in sorted(stages)
        }


def measure_stays(moment: ScanMoment) -> Mapping[str, JsonValue]:
    """Measure the stays that were over within the last two years."""
    percentiles = range(LOWEST_PERCENTILE, HIGHEST_PERCENTILE + 1)
    span = timedelta(days=MEASURED_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            _STAYS,
            {
                "zone": moment.zone.key,
                "now": moment.now,
                "since": moment.now - span,
                "today": moment.today,
                "since_day": moment.today - span,
                "shares": [percentile / 100 for percentile in percentiles],
                "least": LEAST_STAYS,
            },
        )
        rows = cursor.fetchall()
    figures = StayFigures(
        stays=tuple(
            Stays(
                stage_id=stage_id,
                currency=currency,
                above=above,
                up_to=up_to,
                count=count,
                imported_count=imported_count,
                days=tuple(max(1, ceil(share)) for share in days) if count >= LEAST_STAYS else (),
            )
            for stage_id, currency, above, up_to, count, imported_count, days in rows
        )
    )
    values: dict[str, JsonValue] = figures.model_dump(mode="json")
    return values
