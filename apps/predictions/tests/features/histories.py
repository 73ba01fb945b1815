"""Random histories of a small company: what people do with records, one thing after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model
from hypothesis import strategies as st

from apps.crm.changelog import record_models
from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    Direction,
    LeadStatus,
    TaskStatus,
)
from apps.crm.models import (
    Account,
    Activity,
    ChangeLog,
    Contact,
    Contract,
    CustomField,
    Lead,
    Opportunity,
    Product,
    Stage,
    Task,
)
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    ProductFactory,
    TaskFactory,
)
from apps.predictions.tests.features.stories import Story, day
from apps.tenants.connections import tenant_connection
from apps.users.models import User
from apps.users.tests.factories import UserFactory

_SUBJECTS = (
    ("lead",), ("opportunity",), ("contact",), ("account",), (),
    ("contact", "opportunity"), ("lead", "contact"),
)  # fmt: skip
_MODELS: dict[str, type[Model]] = {
    "lead": Lead,
    "opportunity": Opportunity,
    "contact": Contact,
    "account": Account,
}


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that somebody does: after how many days, what, with which of the rows, and how."""

    after_days: float
    kind: str
    which: int
    how: int


@dataclass
class Company:
    """The company whose history is made; ``today`` is a day of the story."""

    story: Story
    today: float = 0

    def found(self) -> None:
        """Begin anew with a few records of each kind."""
        tables = [*(model._meta.db_table for model in record_models()), ChangeLog._meta.db_table]
        names = ", ".join(f"{tenant_connection().schema_name}.{table}" for table in tables)
        self.story.owner.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        self.story.dated_up_to, self.today = 0, 0
        CustomField.objects.all().delete()
        for kind, field_type in (
            ("lead", "number"),
            ("opportunity", "choice"),
            ("account", "date"),
        ):
            CustomFieldFactory(record_kind=kind, key="own", field_type=field_type)
        if not User.objects.exists():
            for name in ("rita", "otto", "olga"):
                UserFactory(username=name)
        for number in range(4):
            for kind in ("account", "contact", "product", "deal", "lead", "contract"):
                self.live([Move(0, f"add {kind}", number, 3 * number)])

    def live(self, history: list[Move]) -> None:
        """Let things happen."""
        for move in history:
            self.today += move.after_days
            with self.story.on(self.today):
                MOVES[move.kind](self, move)

    def pick(self, model: type[Model], which: int) -> Any:
        """One of the rows that are there, or None."""
        rows = list(model._default_manager.order_by("pk"))
        return rows[which % len(rows)] if rows else None

    def subject(self, move: Move) -> dict[str, Any]:
        """What an activity or a task hangs on."""
        chosen = _SUBJECTS[move.how % len(_SUBJECTS)]
        return {
            name: self.pick(model, move.which) if name in chosen else None
            for name, model in _MODELS.items()
        }

    def edit(self, model: type[Model], move: Move, *choices: dict[str, Any]) -> None:
        """Give some fields of a row one of several values."""
        row = self.pick(model, move.which)
        if row is not None:
            model._default_manager.filter(pk=row.pk).update(**choices[move.how % len(choices)])


def _add_lead(company: Company, move: Move) -> None:
    LeadFactory(
        status=LeadStatus.values[move.how % 5],
        created_at=day(company.today),
        owner=company.pick(User, move.which),
        source="form" if move.which % 3 == 0 else "",
        estimated_value=100 * move.how,
        attributes={"own": move.how},
    )


def _edit_lead(company: Company, move: Move) -> None:
    company.edit(
        Lead, move,
        {"status": "converted"}, {"status": LeadStatus.values[move.which % 5]},
        {"owner": company.pick(User, move.which)}, {"phone": "1", "title": "CFO"},
        {"email": "a@gmail.com", "do_not_contact": True}, {"estimated_value": Decimal(move.which)},
        {"attributes": {"own": move.which}, "lead_source": f"source {move.which}"},
    )  # fmt: skip


def _add_deal(company: Company, move: Move) -> None:
    OpportunityFactory(
        account=company.pick(Account, move.which),
        product=company.pick(Product, move.which),
        owner=company.pick(User, move.how),
        stage=company.pick(Stage, move.how),
        created_at=day(company.today),
        opened_on=day(company.today - move.which).date(),
        expected_close_on=day(company.today + move.how).date(),
        attributes={"own": f"choice {move.how}"},
    )


def _edit_deal(company: Company, move: Move) -> None:
    stage = company.pick(Stage, move.which)
    closed_on = None if stage.outcome == "open" else day(company.today - move.how % 3).date()
    company.edit(
        Opportunity, move,
        {"stage": stage, "closed_on": closed_on}, {"stage": stage, "closed_on": closed_on},
        {"expected_close_on": day(company.today + 3 * move.which).date()},
        {"amount": 10 * move.which, "next_step": "Call"}, {"owner": company.pick(User, move.which)},
        {"account": company.pick(Account, move.which)}, {"product": company.pick(Product, move.which)},
        {"attributes": {}},
    )  # fmt: skip


def _log(company: Company, move: Move) -> None:
    """An activity: just now, or written down some days late."""
    ActivityFactory(
        **company.subject(move),
        activity_kind=ActivityKind.values[move.which % 4],
        direction=Direction.values[(move.which + move.how) % 3],
        occurred_at=day(company.today - (0, 0, 0, 2, 9)[move.which % 5]),
        created_at=day(company.today),
    )


def _edit_activity(company: Company, move: Move) -> None:
    company.edit(
        Activity, move,
        {"occurred_at": day(company.today - move.which)}, company.subject(move),
        {"direction": Direction.values[move.which % 3]},
        {"activity_kind": ActivityKind.values[move.which % 4]},
        {"subject": "Other words"},
    )  # fmt: skip


def _add_task(company: Company, move: Move) -> None:
    TaskFactory(**company.subject(move), created_at=day(company.today))


def _edit_task(company: Company, move: Move) -> None:
    status = TaskStatus.values[move.which % 3]
    completed_at = day(company.today) if status == TaskStatus.DONE else None
    company.edit(
        Task, move,
        {"status": status, "completed_at": completed_at}, {"title": "Other"}, company.subject(move),
    )  # fmt: skip


def _edit_surroundings(company: Company, move: Move) -> None:
    company.edit(
        Account, move,
        {"sector": f"sector {move.which}"}, {"employees": move.which}, {"attributes": {"own": "2024-02-01"}},
    )  # fmt: skip
    company.edit(Contact, move, {"account": company.pick(Account, move.how)}, {"title": "CTO"})
    company.edit(Product, move, {"series": f"series {move.which}"}, {"is_active": False})


def _add_contract(company: Company, move: Move) -> None:
    ContractFactory(
        account=company.pick(Account, move.which),
        owner=company.pick(User, move.which),
        created_at=day(company.today),
        starts_on=day(company.today).date(),
        renews_on=day(company.today + 10 * move.how).date(),
        source="billing" if move.which % 3 == 0 else "",
    )


def _edit_contract(company: Company, move: Move) -> None:
    today = day(company.today).date()
    company.edit(
        Contract, move,
        {"outcome": ContractOutcome.values[move.which % 3], "outcome_on": today},
        {"renews_on": today + timedelta(days=10 * move.which)}, {"value": move.which},
        {"account": company.pick(Account, move.which)},
    )  # fmt: skip


MOVES: dict[str, Callable[[Company, Move], object]] = {
    "add account": lambda company, move: AccountFactory(created_at=day(company.today)),
    "add contact": lambda company, move: ContactFactory(
        account=company.pick(Account, move.which), created_at=day(company.today)
    ),
    "add contract": _add_contract,
    "add deal": _add_deal,
    "add lead": _add_lead,
    "add product": lambda company, move: ProductFactory(created_at=day(company.today)),
    "add task": _add_task,
    "edit activity": _edit_activity,
    "edit contract": _edit_contract,
    "edit deal": _edit_deal,
    "edit lead": _edit_lead,
    "edit surroundings": _edit_surroundings,
    "edit task": _edit_task,
    "log": _log,
}  # fmt: skip
# What happens more often than once in a while.
_OFTEN = {"log": 12, "edit": 3}
_KINDS = [kind for kind in sorted(MOVES) for _ in range(_OFTEN.get(kind.partition(" ")[0], 1))]


def histories(least: int, most: int) -> st.SearchStrategy[list[Move]]:
    """Things that happen one after the other, some on one day."""
    move = st.builds(
        Move,
        after_days=st.sampled_from([0, 0.25, 1, 4, 20]),
        kind=st.sampled_from(_KINDS),
        which=st.integers(0, 30),
        how=st.integers(0, 30),
    )
    return st.lists(move, min_size=least, max_size=most)
