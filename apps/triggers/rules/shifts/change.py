"""Where the weekly contact of a record changed, by the likelihood ratio of its weeks.

For each week it is asked how much likelier the counts are with one rate before and another after it than with
one rate throughout (Poisson, rates in relation to what the weeks were worth): the likelihood ratio of the
classical test for a change point, as in Kulldorff's scan statistic (A spatial scan statistic,
Communications in Statistics 26, 1997). What is counted are days with contact about one matter, because mails
that answer each other on one day, or come in by an import at once, are one contact; whoever talks about five
deals on one day has five.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from django.db.models import JSONField, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, TruncDate
from pydantic import Field, model_validator

from apps.crm.enums import ActivityKind
from apps.crm.models import Activity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters
from apps.triggers.rules.shifts.weeks import ENTERED_WITHIN, WEEKS, YEAR, Weeks

# The week of a change may be any whose evidence is at most so much less than the likeliest one's: half of 4,
# which chi-squared with one degree of freedom exceeds once in twenty times.
_UNCERTAINTY = 2
# With whom there was contact in fewer weeks there was one matter, which is settled: nothing has fallen.
_RHYTHM_WEEKS = 6


class ShiftParameters(Parameters):
    """Which changes count: how young, how clear and how large.

    ``evidence_tenths`` is ten times the logarithm of the likelihood ratio. Percentages are of the former
    rate: 100 is no change.
    """

    youngest_weeks: Annotated[
        int,
        Field(
            ge=1,
            le=9,
            title="Lasting for",
            description="A shorter change may be a pause or a rush.",
        ),
    ] = 2
    oldest_weeks: Annotated[
        int, Field(ge=2, le=20, title="Not longer ago than", description="Older ones are no news.")
    ] = 9
    evidence_tenths: Annotated[
        int,
        Field(
            ge=20,
            le=300,
            title="Evidence",
            description=(
                "Tenths of the logarithm of the likelihood ratio: 85 is five thousand times likelier."
            ),
        ),
    ] = 85
    rise_percent: Annotated[
        int,
        Field(
            ge=110,
            le=2000,
            title="Risen to",
            description="Of the former rate: 200 is twice as much.",
        ),
    ] = 200
    fall_percent: Annotated[
        int, Field(ge=0, le=90, title="Fallen to", description="Of the former rate: 50 is half.")
    ] = 50

    @model_validator(mode="after")
    def _leave_some_weeks(self) -> Self:
        if self.oldest_weeks < self.youngest_weeks:
            raise ValueError("oldest_weeks must not be less than youngest_weeks")
        return self


class ShiftOf(Subquery):
    """The change in the rows of a subquery, as facts; NULL when there is none that counts.

    The subquery, which may be a union, has the columns ``who``, ``matter`` and ``day``; each triple counts
    once. Weeks before the first contact do not count: then it began. The likeliest of the weeks that count is
    taken when no other week is much likelier. A fall after contact in fewer weeks than ``rhythm_weeks`` is
    the end of one matter, and a fall to what it fell to a year before, in the same weeks, is a season:
    neither is a change.
    """

    template = """(
        WITH counted AS MATERIALIZED (
            SELECT (DATE '%(today)s' - touched.day - 1) / 7 AS week, count(*) AS days
            FROM (SELECT DISTINCT who, matter, day FROM (%(subquery)s) AS every) AS touched GROUP BY 1
        ), known AS (
            SELECT max(week) + 1 AS first_week FROM counted WHERE week < %(weeks)d
        ), summed AS (
            SELECT w.week, k.first_week, sum(coalesce(c.days, 0)) OVER newest AS after,
                   sum(w.worth) OVER newest AS worth_after,
                   sum(coalesce(c.days, 0)) OVER () AS days, sum(w.worth) OVER () AS worth,
                   count(c.days) OVER () - count(c.days) OVER newest AS weeks_before
            FROM known k
            JOIN unnest(ARRAY[%(worths)s]::float8[]) WITH ORDINALITY AS w(worth, week)
                ON w.week <= k.first_week
            LEFT JOIN counted c ON c.week = w.week - 1
            WINDOW newest AS (ORDER BY w.week)
        ), weighed AS (
            SELECT week, after, days - after AS before, worth_after, worth - worth_after AS worth_before,
                   weeks_before, first_week,
                   CASE WHEN after > 0
                        THEN after * ln(after / (days * worth_after / worth)) ELSE 0 END
                   + CASE WHEN days > after
                          THEN (days - after)
                               * ln((days - after) / (days * (worth - worth_after) / worth)) ELSE 0 END
                   AS evidence
            FROM summed WHERE week < first_week AND days > 0
        ), likeliest AS (
            SELECT *
            FROM (SELECT *, max(evidence) OVER () AS most FROM weighed) AS compared
            WHERE week BETWEEN %(youngest)d AND %(oldest)d AND evidence >= most - %(uncertainty)s
            ORDER BY evidence DESC, week LIMIT 1
        )
        SELECT jsonb_build_object(
            'direction', CASE WHEN after * worth_before > before * worth_after THEN 'rise' ELSE 'fall' END,
            'changed_on', DATE '%(today)s' - (7 * week)::int,
            'recent_count', after::int, 'recent_days', (7 * week)::int,
            'former_count', before::int, 'past_days', (7 * (first_week - week))::int)
        FROM likeliest
        WHERE evidence * 10 >= %(evidence_tenths)d
          AND (after * worth_before * 100 >= before * worth_after * %(rise_percent)d
                   AND first_week >= week + 4 AND before >= 3
               OR after * worth_before * 100 <= before * worth_after * %(fall_percent)d
                   AND weeks_before >= %(rhythm_weeks)d
                   AND NOT EXISTS (
                       SELECT FROM (
                           SELECT coalesce(sum(days) FILTER (WHERE c.week - 52 < likeliest.week), 0)
                                      AS after,
                                  coalesce(sum(days) FILTER (WHERE c.week - 52 >= likeliest.week), 0)
                                      AS before
                           FROM counted c WHERE c.week BETWEEN 52 AND 51 + %(weeks)d
                       ) AS last_year
                       WHERE last_year.before >= 4
                         AND last_year.after * (%(weeks)d - week) * 100
                             <= last_year.before * week * %(fall_percent)d))
    )"""
    output_field = JSONField()


def touches(weeks: Weeks) -> QuerySet[Activity, Any]:
    """Contact in the weeks and in those a year before, as who and day; a note is none.

    What was entered days later came in by an import, or when somebody tidied up.
    """
    return (
        Activity.objects.filter(occurred_at__gte=weeks.since - YEAR, occurred_at__lt=weeks.until)
        .exclude(activity_kind=ActivityKind.NOTE)
        .filter(created_at__lte=RawSQL("occurred_at + %s", [ENTERED_WITHIN]))
        .order_by()
    )


def as_contacts(rows: QuerySet[Activity, Any], moment: ScanMoment) -> QuerySet[Activity, Any]:
    """The columns that ``ShiftOf`` counts."""
    return rows.values(
        who=Coalesce("contact_id", 0),
        matter=Coalesce("opportunity_id", 0),
        day=TruncDate("occurred_at", tzinfo=moment.zone),
    )


def shift_of(rows: QuerySet[Any], weeks: Weeks, parameters: ShiftParameters) -> ShiftOf:
    """The change in these rows."""
    return ShiftOf(
        rows,
        today=weeks.today.isoformat(),
        worths=", ".join(map(str, weeks.worths)),
        weeks=WEEKS,
        uncertainty=_UNCERTAINTY,
        rhythm_weeks=_RHYTHM_WEEKS,
        youngest=parameters.youngest_weeks,
        oldest=parameters.oldest_weeks,
        evidence_tenths=parameters.evidence_tenths,
        rise_percent=parameters.rise_percent,
        fall_percent=parameters.fall_percent,
    )
