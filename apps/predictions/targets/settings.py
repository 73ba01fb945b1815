"""Setting, changing and removing sales targets: permission, validation, and a record of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from django.db import IntegrityError, transaction

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.crm.models import Opportunity
from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget
from apps.predictions.targets.exceptions import (
    InvalidTargetError,
    TargetChangedError,
    TargetNotFoundError,
    TargetPermissionError,
)
from apps.predictions.targets.periods import Period
from apps.tenants.services import current_tenant
from apps.users.models import Team, User
from apps.users.rules import assignable_people

ADD_PERMISSION = "predictions.add_salestarget"
CHANGE_PERMISSION = "predictions.change_salestarget"
DELETE_PERMISSION = "predictions.delete_salestarget"
# What the column holds.
HIGHEST = Decimal(10) ** 14
_CURRENCY = re.compile(r"[A-Z]{3}")
_TAKEN = "There is a target for these days, in this currency, of the same people already."


@dataclass(frozen=True, slots=True)
class TargetValues:
    """What a target consists of."""

    scope: ForecastScope
    period: Period
    amount: Decimal
    currency: str

    @classmethod
    def of(cls, row: SalesTarget) -> Self:
        """Those of a stored target."""
        scope = ForecastScope(row.team_id, row.owner_id)
        return cls(scope, Period(row.starts_on, row.months), row.amount, row.currency)

    def write_to(self, row: SalesTarget) -> None:
        """Make them the target's."""
        row.team_id, row.owner_id = self.scope.team_id, self.scope.owner_id
        row.starts_on, row.months = self.period.starts_on, self.period.months
        row.amount, row.currency = self.amount, self.currency

    def details(self) -> dict[str, Detail]:
        """As they go on record."""
        return {
            "whose": self.scope.key,
            "starts_on": self.period.starts_on.isoformat(),
            "months": self.period.months,
            "amount": str(self.amount),
            "currency": self.currency,
        }


def add_target(*, user: User, values: TargetValues, origin: Origin = Origin.PERSON) -> SalesTarget:
    """Set a target.

    Raises:
        TargetPermissionError: the person's role does not include it.
        InvalidTargetError: the values make no target, or there is one already.
    """
    _require(user, ADD_PERMISSION)
    _check(user, values)
    with _one_of_a_kind(), transaction.atomic():
        row = SalesTarget()
        values.write_to(row)
        row.save()
        _record(Event.TARGET_SET, user, origin, row, values.details())
    return row


def change_target(
    *,
    user: User,
    target_id: int,
    values: TargetValues,
    revision_read: int | None = None,
    origin: Origin = Origin.PERSON,
) -> SalesTarget:
    """Give a target other values; what is so already is not written.

    Raises:
        TargetPermissionError, TargetNotFoundError, InvalidTargetError: refused.
        TargetChangedError: it is no longer at ``revision_read``.
    """
    _require(user, CHANGE_PERMISSION)
    with _one_of_a_kind(), transaction.atomic():
        row = _locked(user, target_id)
        if revision_read is not None and revision_read != row.revision:
            raise TargetChangedError(row.revision)
        before = TargetValues.of(row)
        if before == values:
            return row
        _check(user, values)
        values.write_to(row)
        row.revision += 1
        row.save()
        details: dict[str, Detail] = {"before": before.details(), "after": values.details()}
        _record(Event.TARGET_CHANGED, user, origin, row, details)
    return row


def remove_target(*, user: User, target_id: int, origin: Origin = Origin.PERSON) -> None:
    """Remove a target.

    Raises:
        TargetPermissionError, TargetNotFoundError: refused.
    """
    _require(user, DELETE_PERMISSION)
    with transaction.atomic():
        row = _locked(user, target_id)
        _record(Event.TARGET_REMOVED, user, origin, row, TargetValues.of(row).details())
        row.delete()


def _require(user: User, permission: str) -> None:
    if not user.has_perm(permission):
        raise TargetPermissionError()


def _locked(user: User, target_id: int) -> SalesTarget:
    visible = SalesTarget.objects.visible_to(user).order_by()
    row = SalesTarget.objects.select_for_update().filter(pk__in=visible.values("pk"))
    found = row.filter(pk=target_id).first()
    if found is None:
        raise TargetNotFoundError()
    return found


@contextmanager
def _one_of_a_kind() -> Iterator[None]:
    """Tell what the database refuses because there is such a target, written a moment ago or long since."""
    try:
        yield
    except IntegrityError as error:
        raise InvalidTargetError({"period": _TAKEN}) from error


def _check(user: User, values: TargetValues) -> None:
    problems = {
        "period": values.period.problem,
        "amount": _amount_problem(values.amount),
        "currency": _currency_problem(values.currency),
        "whose": _scope_problem(user, values.scope),
    }
    found = {name: problem for name, problem in problems.items() if problem}
    if found:
        raise InvalidTargetError(found)


def _amount_problem(amount: Decimal) -> str:
    if not amount.is_finite() or amount <= 0:
        return "A target is more than nothing."
    if amount >= HIGHEST or amount != round(amount, 2):
        return "An amount below a hundred trillion, to the cent."
    return ""


def _currency_problem(currency: str) -> str:
    """A target in a currency in which nothing can be won would never be reached."""
    if not _CURRENCY.fullmatch(currency):
        return "Three capital letters, such as USD."
    is_own = currency == current_tenant().currency
    if is_own or Opportunity.objects.filter(currency=currency).exists():
        return ""
    return f"No deal is in {currency}."


def _scope_problem(user: User, scope: ForecastScope) -> str:
    if scope.team_id is not None and scope.owner_id is not None:
        return "A target is a team’s or a person’s, not both."
    if scope.owner_id is not None:
        people = User.objects.filter(assignable_people(user), pk=scope.owner_id)
        return "" if people.exists() else "There is no such person at work."
    if scope.team_id is not None and (user.sees_all or scope.team_id == user.team_id):
        return "" if Team.objects.filter(pk=scope.team_id).exists() else "There is no such team."
    return "" if user.sees_all else "You may set targets of your team and its people."


def _record(
    event: Event, user: User, origin: Origin, row: SalesTarget, details: dict[str, Detail]
) -> None:
    entry = Entry(event, details={"target_id": row.pk, **details})
    record_event(Actor.for_person(user, origin), entry)
