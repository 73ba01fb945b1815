"""Features of deals: is it won within the time that the company's own deals take?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.activities import (
    ACTIVITY,
    OPEN_TASKS,
    TASK,
    TouchCount,
    counts_by_direction,
    known_count,
    onset,
    open_tasks,
    silence,
    summed,
    touches,
)
from apps.predictions.features.definitions import Factor, Feature, category, number, yes_or_no
from apps.predictions.features.durations import days_since, days_until
from apps.predictions.features.past import Table, related_row
from apps.predictions.features.subjects import HAS_HISTORY, Subject
from apps.predictions.features.track_records import DEAL, track_record

_WINDOWS_DAYS = (14, 30, 90)
_COUNTS = (
    *counts_by_direction(_WINDOWS_DAYS),
    TouchCount("meetings", "Meetings in 90 days", Factor.MEETINGS, "t.kind = 'meeting'", 90),
)
_PEOPLE = sql.SQL("count(DISTINCT t.contact_id) FILTER (WHERE t.age < interval '90 days')")
_TRACK_RECORDS = {"of_account": "account_id", "of_owner": "owner_id", "of_all": None}
# An owner's win rate counts the company's as so many deals of theirs.
_PRIOR_DEALS = 10

# When the present stage was entered, and how often the deal went back to an earlier open one.
_PACE = """
    LEFT JOIN LATERAL (
        SELECT max(c.changed_at) AS stage_at,
               count(*) FILTER (WHERE later.position < former.position) AS steps_back
        FROM crm_changelog c
        LEFT JOIN crm_stage former
            ON former.id = (c.changes -> 'stage_id' ->> 0)::bigint AND former.outcome = 'open'
        LEFT JOIN crm_stage later
            ON later.id = (c.changes -> 'stage_id' ->> 1)::bigint AND later.outcome = 'open'
        WHERE c.record_kind = 'opportunity' AND c.record_id = b.id AND c.operation = 'changed'
          AND c.changes ? 'stage_id' AND c.changed_at <= b.moment
    ) pace ON true
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE (c.changes -> 'expected_close_on' ->> 1)::date
                                      > (c.changes -> 'expected_close_on' ->> 0)::date) AS pushes
        FROM crm_changelog c
        WHERE c.record_kind = 'opportunity' AND c.record_id = b.id AND c.operation = 'changed'
          AND c.changes ? 'expected_close_on' AND c.changed_at <= b.moment
    ) plan ON true
"""


def _surroundings(is_past: bool) -> Sequence[sql.Composable]:
    return (
        touches("opportunity_id", is_past=is_past),
        summed(_COUNTS, [("people", _PEOPLE)]),
        onset(is_past=is_past),
        open_tasks("opportunity_id", is_past=is_past),
        *track_record(_TRACK_RECORDS, is_past=is_past),
    )


def _sources(is_past: bool) -> sql.Composable:
    joined = (f"LEFT JOIN {name} ON {name}.n = b.n" for name in ("act", "task", *_TRACK_RECORDS))
    return sql.SQL(
        "{joined} LEFT JOIN onset ON onset.moment = b.moment {pace} {account} {product}"
        " LEFT JOIN users_user u ON u.id = b.owner_id"
    ).format(
        joined=sql.SQL(" ").join(map(sql.SQL, joined)),
        pace=sql.SQL(_PACE),
        account=related_row(RecordKind.ACCOUNT, "account", "b.account_id", is_past=is_past),
        product=related_row(RecordKind.PRODUCT, "product", "b.product_id", is_past=is_past),
    )


def _features() -> Iterator[Feature]:
    yield category(
        "stage", "Stage", Factor.STATE, "CASE WHEN NOT b.is_opening THEN b.stage_key END"
    )
    yield number(
        "days_in_stage",
        "Days in this stage",
        Factor.PACE,
        f"CASE WHEN b.is_known THEN {days_since('COALESCE(pace.stage_at, b.began_at)')} END",
        "days",
    )
    yield number("age", "Days since it was opened", Factor.AGE, days_since("b.began_at"), "days")
    yield number("amount", "Amount", Factor.VALUE, "b.amount", "money")
    yield category("currency", "Currency", Factor.VALUE, "b.currency")
    yield category(
        "product",
        "Product series",
        Factor.VALUE,
        "COALESCE(NULLIF(product.series, ''), product.name)",
    )
    yield category("sector", "Sector of the account", Factor.COMPANY, "account.sector")
    yield number("employees", "Employees of the account", Factor.COMPANY, "account.employees")
    yield category("owner", "Owner", Factor.OWNER, "u.username")
    yield number(
        "owner_win_rate",
        "Share of the owner's deals that were won",
        Factor.OWNER,
        f"(of_owner.won + {_PRIOR_DEALS} * of_all.won::float8 / NULLIF(of_all.closed, 0))"
        f" / (of_owner.closed + {_PRIOR_DEALS})",
        "share",
    )
    yield number(
        "days_to_close",
        "Days until it should close",
        Factor.PACE,
        days_until("b.expected_close_on"),
        "days",
    )
    yield number(
        "pushes",
        "Times the closing day was put off",
        Factor.PACE,
        "CASE WHEN b.is_known THEN plan.pushes END",
        "times",
    )
    yield number(
        "steps_back",
        "Times it went back a stage",
        Factor.PACE,
        "CASE WHEN b.is_known THEN pace.steps_back END",
        "times",
    )
    yield yes_or_no("has_next_step", "Next step given", Factor.TASKS, "b.next_step <> ''")
    yield OPEN_TASKS
    yield from (count.feature("b.began_at") for count in _COUNTS)
    yield number(
        "people",
        "People in touch in 90 days",
        Factor.FROM_THEM,
        known_count("act.people", 90, "b.began_at"),
    )
    yield from silence()
    yield number(
        "account_won", "Deals won with this account before", Factor.TRACK_RECORD, "of_account.won"
    )
    yield number(
        "account_lost",
        "Deals lost with this account before",
        Factor.TRACK_RECORD,
        "of_account.closed - of_account.won",
    )
    yield HAS_HISTORY


_BEGAN_AT = "LEAST(r.created_at, r.opened_on::timestamp AT TIME ZONE 'UTC')"

DEALS = Subject(
    prediction=Prediction.DEAL_CLOSE,
    record_kind=RecordKind.OPPORTUNITY,
    about=Table(
        RecordKind.OPPORTUNITY,
        ("owner_id", "account_id", "product_id", "amount", "currency", "expected_close_on", "next_step",
         "attributes"),
    ),
    is_asked="s.outcome = 'open'",
    began_at=_BEGAN_AT,
    joins="JOIN crm_stage s ON s.id = r.stage_id",
    extra_columns=f"s.key AS stage_key, {_BEGAN_AT} AS began_at",
    features=tuple(_features()),
    neighbours=(ACTIVITY, TASK, DEAL),
    surroundings=_surroundings,
    sources=_sources,
)  # fmt: skip
