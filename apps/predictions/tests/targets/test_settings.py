"""Setting targets: who may, what makes one, what is put on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.crm.tests.factories import OpportunityFactory
from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget
from apps.predictions.targets.exceptions import (
    InvalidTargetError,
    TargetChangedError,
    TargetNotFoundError,
    TargetPermissionError,
)
from apps.predictions.targets.periods import Period
from apps.predictions.targets.settings import (
    TargetValues,
    add_target,
    change_target,
    remove_target,
)
from apps.predictions.tests.factories import SalesTargetFactory

VALUES = TargetValues(ForecastScope(), Period(date(2026, 1, 1), 3), Decimal(1200), "USD")


def details_of(event: Event) -> dict[str, object]:
    return dict(AuditEntry.objects.get(event=event).details)


def test_a_target_is_set_changed_and_removed_on_record(cast: Cast) -> None:
    row = add_target(user=cast.manager, values=VALUES)
    told = {
        "whose": "company", "starts_on": "2026-01-01", "months": 3, "amount": "1200", "currency": "USD",
    }  # fmt: skip
    assert details_of(Event.TARGET_SET) == {"target_id": row.pk, **told}
    values = replace(VALUES, amount=Decimal(1500), scope=ForecastScope(team_id=cast.team.pk))
    changed = change_target(user=cast.manager, target_id=row.pk, values=values, revision_read=1)
    assert (changed.team, changed.amount, changed.revision) == (cast.team, Decimal(1500), 2)
    after = {**told, "amount": "1500", "whose": f"team-{cast.team.pk}"}
    assert details_of(Event.TARGET_CHANGED) == {
        "target_id": row.pk, "before": {**told, "amount": "1200.00"}, "after": after,
    }  # fmt: skip
    remove_target(user=cast.manager, target_id=row.pk)
    assert not SalesTarget.objects.exists()
    assert details_of(Event.TARGET_REMOVED)["target_id"] == row.pk


def test_what_is_so_already_is_not_written(cast: Cast) -> None:
    row = add_target(user=cast.manager, values=VALUES)
    assert change_target(user=cast.manager, target_id=row.pk, values=VALUES).revision == 1
    assert not AuditEntry.objects.filter(event=Event.TARGET_CHANGED).exists()


def test_who_read_an_earlier_edition_writes_nothing(cast: Cast) -> None:
    row = add_target(user=cast.manager, values=VALUES)
    change_target(user=cast.admin, target_id=row.pk, values=replace(VALUES, amount=Decimal(1)))
    with pytest.raises(TargetChangedError) as refused:
        change_target(user=cast.manager, target_id=row.pk, values=VALUES, revision_read=1)
    assert refused.value.extras == {"revision": 2}
    assert SalesTarget.objects.get().amount == 1


def test_a_rep_sets_none(cast: Cast) -> None:
    row = SalesTargetFactory(owner=cast.rep)
    values = replace(VALUES, scope=ForecastScope(owner_id=cast.rep.pk))
    acts: list[Callable[[], object]] = [
        lambda: add_target(user=cast.rep, values=values),
        lambda: change_target(user=cast.rep, target_id=row.pk, values=values),
        lambda: remove_target(user=cast.rep, target_id=row.pk),
    ]
    for act in acts:
        with pytest.raises(TargetPermissionError):
            act()
    assert list(SalesTarget.objects.values_list("pk", "amount")) == [(row.pk, Decimal(1200))]


def test_one_that_is_not_there_is_not_found(cast: Cast) -> None:
    with pytest.raises(TargetNotFoundError):
        change_target(user=cast.manager, target_id=10**9, values=VALUES)
    with pytest.raises(TargetNotFoundError):
        remove_target(user=cast.manager, target_id=10**9)


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        ({"amount": Decimal(0)}, {"amount": "A target is more than nothing."}),
        ({"amount": Decimal(-1)}, {"amount": "A target is more than nothing."}),
        ({"amount": Decimal("NaN")}, {"amount": "A target is more than nothing."}),
        ({"amount": Decimal("0.001")}, {"amount": "An amount below a hundred trillion, to the cent."}),
        ({"amount": Decimal(10) ** 14}, {"amount": "An amount below a hundred trillion, to the cent."}),
        ({"currency": "usd"}, {"currency": "Three capital letters, such as USD."}),
        ({"currency": "EUR"}, {"currency": "No deal is in EUR."}),
        ({"period": Period(date(2026, 1, 5), 1)}, {"period": "It begins with the first day of a month."}),
        ({"scope": ForecastScope(team_id=10**9)}, {"whose": "There is no such team."}),
        ({"scope": ForecastScope(owner_id=10**9)}, {"whose": "There is no such person at work."}),
        ({"scope": ForecastScope(1, 1)}, {"whose": "A target is a team’s or a person’s, not both."}),
        (
            {"amount": Decimal(0), "currency": ""},
            {"amount": "A target is more than nothing.", "currency": "Three capital letters, such as USD."},
        ),
    ],
)  # fmt: skip
def test_what_makes_no_target_is_refused(
    cast: Cast, changed: dict[str, Any], problems: dict[str, str]
) -> None:
    with pytest.raises(InvalidTargetError) as refused:
        add_target(user=cast.manager, values=replace(VALUES, **changed))
    assert refused.value.problems == problems
    assert not SalesTarget.objects.exists()


def test_a_currency_in_which_there_are_deals_will_do(cast: Cast) -> None:
    OpportunityFactory(currency="EUR")
    assert add_target(user=cast.manager, values=replace(VALUES, currency="EUR")).currency == "EUR"


def test_who_has_left_gets_none(cast: Cast) -> None:
    cast.outsider.is_active = False
    cast.outsider.save()
    scope = ForecastScope(owner_id=cast.outsider.pk)
    with pytest.raises(InvalidTargetError):
        add_target(user=cast.manager, values=replace(VALUES, scope=scope))


def test_there_is_one_for_the_same_days_people_and_currency(cast: Cast) -> None:
    add_target(user=cast.manager, values=VALUES)
    other = add_target(
        user=cast.manager, values=replace(VALUES, period=Period(date(2026, 1, 1), 1))
    )
    with pytest.raises(InvalidTargetError) as refused:
        add_target(user=cast.manager, values=replace(VALUES, amount=Decimal(5)))
    assert list(refused.value.problems) == ["period"]
    with pytest.raises(InvalidTargetError):
        change_target(user=cast.manager, target_id=other.pk, values=VALUES)
    assert SalesTarget.objects.count() == 2
