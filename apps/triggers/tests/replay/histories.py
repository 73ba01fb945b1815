"""A small company whose past is made move by move, with the change log dated as if it had taken weeks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from hypothesis import strategies as st

from aisha.environment import parse_database_url
from apps.crm.changelog import record_models
from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    Delivery,
    Direction,
    EmailStatus,
    LeadStatus,
    TaskStatus,
)
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Contact,
    Contract,
    Lead,
    Opportunity,
    Record,
    Stage,
    Task,
)
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.changes import PREDICTION_OF
from apps.predictions.services.writing import Scored, retire_scores, write_scores
from apps.tenants.connections import tenant_connection
from apps.triggers.rules import registry
from apps.triggers.tests.replay.choices import choices_of, moment_for

# Long enough ago that nothing of the history lies in the future of the database's clock.
BEGIN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
STRANGERS = ("eve@new.example", "no-reply@new.example", "Eve@new.example", "ann@x.example")
ADDRESSES = ("ann@x.example", "Ann@X.example", "bob@y.example", "no-reply@z.example")
DETAILS: tuple[dict[str, str], ...] = (
    {},
    {"email": "ann@new.example"},
    {"phone": "+1 202 555 0143"},
    {"title": "CFO"},
)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens: after how many minutes, what, to which of the rows, and how."""

    after_min: int
    kind: str
    which: int
    how: int


def moves() -> st.SearchStrategy[Move]:
    """Any move."""
    return st.builds(
        Move,
        after_min=st.sampled_from([1, 30, 300, 1500, 3000, 7000]),
        kind=st.sampled_from(KINDS),
        which=st.integers(0, 30),
        how=st.integers(0, 30),
    )


def histories(most: int) -> st.SearchStrategy[list[Move]]:
    """A history of at least twenty moves."""
    return st.lists(moves(), min_size=20, max_size=most)


@dataclass
class Company:
    """The company of the committed tenant in whose schema the connection stands.

    ``answers`` are what each trigger really said, by moment, key and name of the parameters.
    """

    owner: psycopg.Connection[Any]
    now: datetime = BEGIN
    dated_up_to: int = 0
    answers: dict[tuple[datetime, str, str], frozenset[int]] = field(
        default_factory=dict, repr=False
    )

    def live(self, history: Sequence[Move], *, ask_every: int = 4) -> None:
        """Make the history, and ask all triggers now and then."""
        for number, move in enumerate(history):
            self.now += timedelta(minutes=move.after_min)
            MOVES[move.kind](self, move)
            self.date_changes()
            if number % ask_every == 0:
                self.now += timedelta(seconds=1)
                self.ask()
        self.now += timedelta(days=1)
        self.ask()

    def ask(self) -> None:
        """Ask all triggers, each with its own figures as measured now, and keep what they say."""
        for trigger in registry.all():
            moment = moment_for(trigger, self.now)
            for name, parameters in choices_of(trigger).items():
                found = trigger.matching(moment, parameters).values_list("pk", flat=True)
                self.answers[self.now, trigger.key, name] = frozenset(found)

    def date_changes(self) -> None:
        """Let the log say that what was written since the last call happened at the company's own time."""
        self.dated_up_to = self.owner.execute(
            f"""
            WITH dated AS (
                UPDATE {schema()}.crm_changelog SET changed_at = %s WHERE id > %s RETURNING id
            ) SELECT COALESCE(max(id), %s) FROM dated
            """,
            [self.now, self.dated_up_to, self.dated_up_to],
        ).fetchone()[0]  # type: ignore[index]

    def pick(self, model: type[Record], which: int) -> Any:
        """One of the rows that are there, or None."""
        rows = list(model._default_manager.order_by("pk"))
        return rows[which % len(rows)] if rows else None

    def empty(self) -> None:
        """Take all records and their history away."""
        kept_beside = [ChangeLog._meta.db_table, Score._meta.db_table]
        tables = [*(model._meta.db_table for model in record_models()), *kept_beside]
        names = ", ".join(f"{schema()}.{table}" for table in tables)
        self.owner.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        self.now, self.dated_up_to, self.answers = BEGIN, 0, {}

    def found(self) -> None:
        """Begin anew with a few records of each kind."""
        self.empty()
        for number in range(6):
            for kind in ("account", "contact", "deal", "lead", "task"):
                MOVES[f"add {kind}"](self, Move(0, "", which=number, how=2 * number))
        self.date_changes()


def schema() -> str:
    return tenant_connection().schema_name


@contextmanager
def owner_session() -> Iterator[psycopg.Connection[Any]]:
    """A session of the database's owner, who alone may date the change log."""
    account = parse_database_url(settings.DATABASE_OWNER_URL)
    with psycopg.connect(
        host=account["HOST"],
        port=account["PORT"] or None,
        user=account["USER"],
        password=account["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
        autocommit=True,
    ) as owner:
        yield owner


def _subject(company: Company, move: Move) -> dict[str, Any]:
    """What an activity or a task hangs on: one record, two, or none."""
    kinds = (
        ("lead",), ("opportunity",), ("contact",), (), ("contact", "opportunity"), ("account",),
        ("lead",), ("contact",), (),
    )  # fmt: skip
    models: dict[str, type[Record]] = {
        "lead": Lead, "opportunity": Opportunity, "contact": Contact, "account": Account,
    }  # fmt: skip
    chosen = kinds[move.how % len(kinds)]
    return {name: company.pick(models[name], move.which) for name in chosen}


def _add_lead(company: Company, move: Move) -> None:
    LeadFactory(
        status=LeadStatus.values[move.how % 5],
        email=ADDRESSES[move.which % 4],
        do_not_contact=move.which % 7 == 0,
        created_at=company.now,
    )


def _edit_lead(company: Company, move: Move) -> None:
    lead = company.pick(Lead, move.which)
    if lead is not None:
        changes: list[dict[str, Any]] = [
            {"status": LeadStatus.values[move.how % 5]},
            {"do_not_contact": move.how % 2 == 0},
            {"email": ADDRESSES[move.how % 4]},
            {"notes": f"note {move.how}"},
        ]
        Lead.objects.filter(pk=lead.pk).update(**changes[move.how % 4])


def _edit_all_leads(company: Company, move: Move) -> None:
    Lead.objects.filter(pk__gt=move.which % 3).update(status=LeadStatus.values[move.how % 5])


def _add_contact(company: Company, move: Move) -> None:
    ContactFactory(
        account=company.pick(Account, move.which),
        email=ADDRESSES[move.how % 4],
        phone="+1 202 555 0100",
        created_at=company.now,
    )


def _edit_contact(company: Company, move: Move) -> None:
    contact = company.pick(Contact, move.which)
    if contact is not None:
        changes: list[dict[str, Any]] = [
            {"phone": f"+1 202 555 01{move.how:02}"},
            {"title": ("CFO", "CTO")[move.how % 2]},
            {"email": ADDRESSES[move.how % 4], "email_status": EmailStatus.UNKNOWN},
            {"do_not_contact": move.how % 2 == 0},
        ]
        Contact.objects.filter(pk=contact.pk).update(**changes[move.how % 4])


def _add_deal(company: Company, move: Move) -> None:
    OpportunityFactory(
        account=company.pick(Account, move.which),
        contact=company.pick(Contact, move.how),
        stage=_stage(move),
        expected_close_on=company.now.date() + timedelta(days=move.how - 5),
        created_at=company.now,
        stage_entered_at=company.now,
    )


def _edit_deal(company: Company, move: Move) -> None:
    deal = company.pick(Opportunity, move.which)
    if deal is None:
        return
    if move.how % 2:
        stage = _stage(move)
        if stage.pk != deal.stage_id:
            # As the database would date it, were its clock the company's.
            Opportunity.objects.filter(pk=deal.pk).update(stage=stage, stage_entered_at=company.now)
    else:
        day = company.now.date() + timedelta(days=move.how)
        Opportunity.objects.filter(pk=deal.pk).update(expected_close_on=day, amount=1000 * move.how)


def _stage(move: Move) -> Stage:
    stages = list(Stage.objects.order_by("position"))
    return stages[move.how // 2 % len(stages)]


def _log(company: Company, move: Move) -> None:
    """An activity: just now, or logged some days late."""
    late = timedelta(hours=(0, 0, 1, 30, 200)[move.which % 5])
    ActivityFactory(
        **_subject(company, move),
        activity_kind=ActivityKind.values[move.which % 4],
        direction=Direction.values[(move.which + move.how) % 3],
        occurred_at=company.now - late,
        counterpart_address=STRANGERS[move.which % 4],
        delivery=Delivery.values[move.which // 4 % 3],
        stated_details=DETAILS[move.how // 3 % 4],
        created_at=company.now,
    )


def _edit_activity(company: Company, move: Move) -> None:
    activity = company.pick(Activity, move.which)
    if activity is not None:
        changes: list[dict[str, Any]] = [
            {"occurred_at": company.now - timedelta(days=move.how)},
            {"lead": company.pick(Lead, move.how), "opportunity": None},
            {"contact": company.pick(Contact, move.how)},
            {"activity_kind": ActivityKind.values[move.how % 4]},
            {"counterpart_address": ADDRESSES[move.how % 4]},
        ]
        Activity.objects.filter(pk=activity.pk).update(**changes[move.how % 5])


def _add_task(company: Company, move: Move) -> None:
    TaskFactory(
        **_subject(company, move),
        due_on=company.now.date() + timedelta(days=move.which - 15),
        created_at=company.now,
    )


def _edit_task(company: Company, move: Move) -> None:
    task = company.pick(Task, move.which)
    if task is not None:
        changes: list[dict[str, Any]] = [
            {"status": TaskStatus.values[move.how % 3]},
            {"due_on": company.now.date() + timedelta(days=move.how - 15)},
            {"due_on": None},
        ]
        Task.objects.filter(pk=task.pk).update(**changes[move.how % 3])


def _add_account(company: Company, move: Move) -> None:
    AccountFactory(created_at=company.now)


def _add_contract(company: Company, move: Move) -> None:
    account = company.pick(Account, move.which)
    if account is not None:
        ContractFactory(
            account=account,
            renews_on=company.now.date() + timedelta(days=3 * move.how),
            created_at=company.now,
        )


def _edit_contract(company: Company, move: Move) -> None:
    contract = company.pick(Contract, move.which)
    if contract is not None:
        outcome = ContractOutcome.values[move.how % 3]
        Contract.objects.filter(pk=contract.pk).update(outcome=outcome)


def _score(company: Company, move: Move) -> None:
    model = (Account, Lead, Opportunity)[move.how % 3]
    row = company.pick(model, move.which)
    if row is not None:
        scored = Scored([row.pk], [(0.05, 0.3, 0.65, 0.9)[move.how // 3 % 4]], asked=[row.pk])
        version = f"{1 + move.which % 2}"
        write_scores(PREDICTION_OF[row.kind], row.kind, scored, version=version, now=company.now)


def _withdraw_scores(company: Company, move: Move) -> None:
    retire_scores(list(Prediction)[move.how % 4], now=company.now)


def _delete(model: type[Record]) -> Callable[[Company, Move], None]:
    def delete(company: Company, move: Move) -> None:
        row = company.pick(model, move.which)
        if row is not None:
            row.delete()

    return delete


MOVES: dict[str, Callable[[Company, Move], None]] = {
    "add account": _add_account,
    "add contact": _add_contact,
    "add contract": _add_contract,
    "add deal": _add_deal,
    "add lead": _add_lead,
    "add task": _add_task,
    "delete account": _delete(Account),
    "delete activity": _delete(Activity),
    "delete contact": _delete(Contact),
    "delete deal": _delete(Opportunity),
    "delete lead": _delete(Lead),
    "delete task": _delete(Task),
    "edit activity": _edit_activity,
    "edit all leads": _edit_all_leads,
    "edit contact": _edit_contact,
    "edit contract": _edit_contract,
    "edit deal": _edit_deal,
    "edit lead": _edit_lead,
    "edit task": _edit_task,
    "log": _log,
    "score": _score,
    "withdraw scores": _withdraw_scores,
}
# What happens more often than once in a while.
OFTEN = {"log": 16, "score": 4, "edit": 2}
KINDS = [kind for kind in sorted(MOVES) for _ in range(OFTEN.get(kind.partition(" ")[0], 1))]
