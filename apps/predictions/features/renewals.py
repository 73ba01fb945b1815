"""Features of accounts whose contract comes up for renewal: is it not renewed?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.activities import (
    ACTIVITY,
    DIRECTIONS,
    KNOWN,
    OPEN_TASKS,
    TASK,
    TouchCount,
    count_since,
    counts_by_direction,
    known_count,
    onset,
    open_tasks,
    silence,
    summed,
    touch_rows,
)
from apps.predictions.features.definitions import Factor, Feature, category, number
from apps.predictions.features.durations import days_until
from apps.predictions.features.past import Table, hanging_rows, related_row
from apps.predictions.features.subjects import HAS_HISTORY, Subject
from apps.predictions.features.track_records import DEAL

# So long before its day a renewal is asked about.
AHEAD_DAYS = 180

_CONTACT = Table(RecordKind.CONTACT, ("account_id",))
_CONTRACT = Table(
    RecordKind.CONTRACT, ("account_id", "outcome", "outcome_on", "starts_on", "renews_on")
)
_COUNTS = (
    *counts_by_direction((30, 90, 180)),
    TouchCount("meetings", "Meetings in half a year", Factor.MEETINGS, "t.kind = 'meeting'", 180),
)
# The half year before the last one.
_BEFORE = tuple(
    (f"{name}_before", count_since(360, f"{condition} AND t.age >= interval '180 days'"))
    for name, _, _, condition in DIRECTIONS
)

# Mails of the last quarter of a year that nothing from the other side has followed yet.
_WAITING = sql.SQL(
    """
    waiting AS (
        SELECT t.n,
               count(*) FILTER (WHERE t.is_in AND t.at > COALESCE(act.last_out_at, '-infinity')) AS theirs,
               count(*) FILTER (WHERE NOT t.is_in AND t.at > COALESCE(act.last_in_at, '-infinity')) AS ours
        FROM touch t JOIN act ON act.n = t.n
        WHERE t.kind = 'email' AND t.at > t.moment - interval '90 days' GROUP BY t.n
    )
    """
)


def _surroundings(is_past: bool) -> Sequence[sql.Composable]:
    return (
        *(_members(table, name, is_past=is_past) for table, name in _MEMBERS),
        # As the accounts' own last contact has it: with their contacts' and deals'.
        sql.SQL("touch AS (SELECT DISTINCT ON (n, id) * FROM ({}) every)").format(
            sql.SQL(" UNION ALL ").join(
                touch_rows(column, is_past=is_past, asked=asked)
                for column, asked in (
                    ("account_id", "base"),
                    ("contact_id", "member_contact"),
                    ("opportunity_id", "member_deal"),
                )
            )
        ),
        summed(_COUNTS, _BEFORE),
        _WAITING,
        onset(is_past=is_past),
        open_tasks("account_id", is_past=is_past),
        _deals(is_past=is_past),
        _contracts(is_past=is_past),
    )


_MEMBERS = ((_CONTACT, "member_contact"), (DEAL, "member_deal"))


def _members(table: Table, name: str, *, is_past: bool) -> sql.Composed:
    """The expression of the contacts or deals of each account."""
    rows = hanging_rows(
        table,
        select="b.n, b.moment, a.id",
        link="a.account_id = b.id",
        where="true",
        is_past=is_past,
    )
    return sql.SQL("{} AS ({})").format(sql.Identifier(name), rows)


def _deals(*, is_past: bool) -> sql.Composed:
    """The expression ``deal``: how many are open, and how many were won within a year."""
    rows = hanging_rows(
        DEAL,
        select="b.n, b.day, a.created_at <= b.moment AS is_there, a.stage_id, a.closed_on",
        link="a.account_id = b.id",
        where=KNOWN,
        is_past=is_past,
    )
    return sql.SQL(
        """
        deal AS (
            SELECT d.n, count(*) FILTER (WHERE s.outcome = 'open' AND d.is_there) AS open,
                   count(*) FILTER (WHERE s.outcome = 'won' AND d.closed_on < d.day
                                          AND d.closed_on >= d.day - 365) AS won
            FROM ({}) d JOIN crm_stage s ON s.id = d.stage_id GROUP BY d.n
        )
        """
    ).format(rows)


def _contracts(*, is_past: bool) -> sql.Composed:
    """The expression ``term``: how many terms ran then, and how those before had ended."""
    rows = hanging_rows(
        _CONTRACT,
        select="b.n, b.day, a.outcome, COALESCE(a.outcome_on, a.renews_on) AS ended_on,"
        " a.starts_on, a.created_at <= b.moment AS is_there",
        link="a.account_id = b.id",
        where=KNOWN,
        is_past=is_past,
    )
    return sql.SQL(
        """
        term AS (
            SELECT c.n,
                   count(*) FILTER (WHERE c.outcome = 'open' AND c.is_there
                                          AND COALESCE(c.starts_on, c.day) <= c.day
                                          AND c.ended_on >= c.day) AS running,
                   count(*) FILTER (WHERE c.outcome = 'renewed' AND c.ended_on < c.day) AS renewed,
                   count(*) FILTER (WHERE c.outcome = 'churned' AND c.ended_on < c.day) AS churned
            FROM ({}) c GROUP BY c.n
        )
        """
    ).format(rows)


def _sources(is_past: bool) -> sql.Composable:
    joined = (
        f"LEFT JOIN {name} ON {name}.n = b.n" for name in ("act", "waiting", "task", "deal", "term")
    )
    return sql.SQL(
        "{} LEFT JOIN onset ON onset.moment = b.moment {} LEFT JOIN users_user u ON u.id = b.owner_id"
    ).format(
        sql.SQL(" ").join(map(sql.SQL, joined)),
        related_row(RecordKind.ACCOUNT, "account", "b.id", is_past=is_past),
    )


def _features() -> Iterator[Feature]:
    yield number("value", "Value of the contract", Factor.VALUE, "b.value", "money")
    yield category("currency", "Currency", Factor.VALUE, "b.currency")
    yield number(
        "days_to_renewal",
        "Days until the renewal",
        Factor.TERM,
        days_until("b.renews_on"),
        "days",
    )
    yield number(
        "term_so_far",
        "Days since the term began",
        Factor.TERM,
        f"-({days_until('b.starts_on')})",
        "days",
    )
    yield number(
        "earlier_renewals",
        "Terms renewed before",
        Factor.TRACK_RECORD,
        "COALESCE(term.renewed, 0)",
    )
    yield number(
        "earlier_ends",
        "Contracts not renewed before",
        Factor.TRACK_RECORD,
        "COALESCE(term.churned, 0)",
    )
    yield number(
        "running_contracts", "Running contracts", Factor.TRACK_RECORD, "COALESCE(term.running, 0)"
    )
    yield category("owner", "Owner of the contract", Factor.OWNER, "u.username")
    yield category("sector", "Sector", Factor.COMPANY, "account.sector")
    yield number("employees", "Employees", Factor.COMPANY, "account.employees")
    yield from (count.feature("account.created_at") for count in _COUNTS)
    for name, words, factor, _ in DIRECTIONS:
        change = known_count(f"act.{name}_180 - act.{name}_before", 360, "account.created_at")
        label = f"{words}: half a year, less the half year before"
        yield number(f"{name}_change", label, factor, change)
    yield number(
        "waiting_mails",
        "Mails from them that wait for an answer",
        Factor.FROM_US,
        known_count("waiting.theirs", 90, "account.created_at"),
    )
    yield number(
        "unanswered_mails",
        "Mails of ours without an answer",
        Factor.FROM_THEM,
        known_count("waiting.ours", 90, "account.created_at"),
    )
    yield from silence()
    yield OPEN_TASKS
    yield number("open_deals", "Open deals", Factor.TRACK_RECORD, "COALESCE(deal.open, 0)")
    yield number("won_deals", "Deals won in a year", Factor.TRACK_RECORD, "COALESCE(deal.won, 0)")
    yield HAS_HISTORY


RENEWALS = Subject(
    prediction=Prediction.RENEWAL_RISK,
    record_kind=RecordKind.ACCOUNT,
    about=Table(
        RecordKind.CONTRACT, ("owner_id", "value", "currency", "starts_on", "renews_on")
    ),
    identity="r.account_id",
    first_by="r.renews_on, r.id",
    is_asked="r.outcome = 'open' AND (r.starts_on IS NULL OR r.starts_on <= q.day)"
    f" AND r.renews_on BETWEEN q.day AND q.day + {AHEAD_DAYS}",
    began_at="LEAST(r.created_at, r.starts_on::timestamp AT TIME ZONE 'UTC')",
    features=tuple(_features()),
    neighbours=(ACTIVITY, TASK, DEAL, _CONTACT, _CONTRACT),
    surroundings=_surroundings,
    sources=_sources,
    attributes="account.attributes",
)  # fmt: skip
