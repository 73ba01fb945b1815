"""Features of leads: is it converted within 90 days?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from apps.brain.rules.contacts import FREE_MAIL_DOMAINS
from apps.crm.enums import LeadStatus, RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.features.activities import (
    ACTIVITY,
    OPEN_TASKS,
    TASK,
    TouchCount,
    counts_by_window,
    onset,
    open_tasks,
    silence,
    summed,
    touches,
)
from apps.predictions.features.definitions import Factor, Feature, category, number, yes_or_no
from apps.predictions.features.durations import days_since
from apps.predictions.features.past import Table
from apps.predictions.features.subjects import HAS_HISTORY, Subject

_WINDOWS_DAYS = (7, 30, 90)
_COUNTS = (
    *(
        count
        for name, words, factor, condition in (
            ("mails_in", "Mails from them", Factor.FROM_THEM, "t.kind = 'email' AND t.is_in"),
            ("mails_out", "Mails to them", Factor.FROM_US, "t.kind = 'email' AND NOT t.is_in"),
            ("calls_in", "Calls from them", Factor.FROM_THEM, "t.kind = 'call' AND t.is_in"),
            ("calls_out", "Calls to them", Factor.FROM_US, "t.kind = 'call' AND NOT t.is_in"),
            ("meetings", "Meetings", Factor.MEETINGS, "t.kind = 'meeting'"),
        )
        for count in counts_by_window(name, words, factor, condition, _WINDOWS_DAYS)
    ),
    TouchCount("answers", "Answers from them in 90 days", Factor.FROM_THEM, "t.is_answer", 90),
)
_OPEN = ", ".join(f"'{status}'" for status in LeadStatus.open_values())
_FREE = ", ".join(f"'{domain}'" for domain in sorted(FREE_MAIL_DOMAINS))
_DOMAIN = "lower(split_part(b.email, '@', 2))"


def _surroundings(is_past: bool) -> Sequence[sql.Composable]:
    return (
        touches("lead_id", is_past=is_past),
        summed(_COUNTS),
        onset(is_past=is_past),
        open_tasks("lead_id", is_past=is_past),
    )


def _sources(is_past: bool) -> sql.Composable:
    return sql.SQL(
        "LEFT JOIN onset ON onset.moment = b.moment LEFT JOIN act ON act.n = b.n"
        " LEFT JOIN task ON task.n = b.n"
        " LEFT JOIN users_user u ON u.id = b.owner_id"
    )


def _features() -> Iterator[Feature]:
    yield category("lead_source", "Source", Factor.ORIGIN, "b.lead_source")
    yield category("status", "Status", Factor.STATE, "CASE WHEN NOT b.is_opening THEN b.status END")
    yield number("age", "Days since it came in", Factor.AGE, days_since("b.created_at"), "days")
    yield number("value", "Estimated value", Factor.VALUE, "b.estimated_value", "money")
    yield category("currency", "Currency", Factor.VALUE, "b.currency")
    yield category("owner", "Owner", Factor.OWNER, "u.username")
    yield yes_or_no("has_title", "Job title on file", Factor.DETAILS, "b.title <> ''")
    yield yes_or_no("has_phone", "Phone number on file", Factor.DETAILS, "b.phone <> ''")
    yield yes_or_no("has_email", "Mail address on file", Factor.DETAILS, "b.email <> ''")
    yield yes_or_no(
        "has_company_email",
        "Mail address of a company",
        Factor.DETAILS,
        f"NULLIF({_DOMAIN}, '') NOT IN ({_FREE})",
    )
    yield yes_or_no("has_company", "Company on file", Factor.DETAILS, "b.company <> ''")
    yield yes_or_no(
        "do_not_contact", "Does not want to be contacted", Factor.DETAILS, "b.do_not_contact"
    )
    yield from silence()
    yield from (count.feature("b.created_at") for count in _COUNTS)
    yield number(
        "days_to_first_touch",
        "Days until the first contact from us",
        Factor.FROM_US,
        "CASE WHEN b.is_known AND act.first_out_at IS NOT NULL"
        " THEN greatest(0, extract(epoch FROM act.first_out_at - b.created_at) / 86400) END",
        "days",
    )
    yield OPEN_TASKS
    yield HAS_HISTORY


LEADS = Subject(
    prediction=Prediction.LEAD_CONVERSION,
    record_kind=RecordKind.LEAD,
    about=Table(
        RecordKind.LEAD,
        ("created_at", "owner_id", "company", "title", "email", "phone", "status", "lead_source",
         "estimated_value", "currency", "do_not_contact", "attributes"),
    ),
    is_asked=f"r.status IN ({_OPEN})",
    began_at="r.created_at",
    features=tuple(_features()),
    neighbours=(ACTIVITY, TASK),
    surroundings=_surroundings,
    sources=_sources,
)  # fmt: skip
