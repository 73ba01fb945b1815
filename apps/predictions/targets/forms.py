"""The form of a target, and how it goes on when somebody else changed the target meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.http import QueryDict

from apps.crm.forms.fields import AmountField
from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget
from apps.predictions.targets.exceptions import InvalidTargetError
from apps.predictions.targets.periods import MONTH, QUARTER, Period, periods_around
from apps.predictions.targets.settings import TargetValues
from apps.tenants.meanwhile import Meanwhile, MeanwhileChange
from apps.users.models import Team, User
from apps.users.rules import assignable_people

Choices = list[tuple[str, Any]]
_BOXES = ("whose", "period", "amount", "currency")


class TargetForm(forms.Form):
    """Who means to win how much, and when.

    Each box carries the value it was opened with, so that a change that somebody else made meanwhile is
    told from one's own.
    """

    whose = forms.TypedChoiceField(
        label="Whose", coerce=ForecastScope.parse, show_hidden_initial=True
    )
    period = forms.TypedChoiceField(label="Of", coerce=Period.parse, show_hidden_initial=True)
    amount = AmountField(label="Amount", show_hidden_initial=True)
    currency = forms.CharField(max_length=3, show_hidden_initial=True)
    revision_read = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        user: User,
        today: date,
        *,
        data: QueryDict | None = None,
        target: SalesTarget | None = None,
        currency: str = "",
    ) -> None:
        initial = {"currency": currency}
        if target is not None:
            initial = _values_in_boxes(target)
        super().__init__(data, initial=initial)
        present = TargetValues.of(target) if target is not None else None
        self._field("whose").choices = _whose(user, present.scope if present else None, target)
        self._field("period").choices = _periods(today, present.period if present else None)

    def _field(self, name: str) -> forms.ChoiceField:
        return cast(forms.ChoiceField, self.fields[name])

    def clean_currency(self) -> str:
        """Accept small letters."""
        return str(self.cleaned_data["currency"]).strip().upper()

    def values(self) -> TargetValues:
        """What was typed into a valid form."""
        typed = self.cleaned_data
        return TargetValues(typed["whose"], typed["period"], typed["amount"], typed["currency"])

    def refuse(self, error: InvalidTargetError) -> None:
        """Say at each field what is wrong with it."""
        for name, problem in error.problems.items():
            self.add_error(name, problem)

    def shown(self, name: str, value: object) -> str:
        """A value of a box as people read it."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            flat = dict(_flatten(cast(Choices, field.choices)))
            return str(flat.get(str(value), value))
        return str(value)


def merge(
    typed: TargetForm, user: User, today: date, present: SalesTarget
) -> Meanwhile[TargetForm]:
    """Put what was typed on top of what stands there now.

    ``typed`` is a valid form, opened on an earlier revision. Boxes that the person left alone take the
    present value; what they typed stays, and the next save writes it.
    """
    data, theirs = cast(QueryDict, typed.data).copy(), _values_in_boxes(present)
    data["revision_read"] = str(present.revision)
    changes = []
    for name in _BOXES:
        box, was_typed = typed[name], name in typed.changed_data
        opened_with, mine = data.get(box.html_initial_name), str(data.get(name, ""))
        if theirs[name] != opened_with and theirs[name] != mine:
            shown = typed.shown(name, mine) if was_typed else ""
            changes.append(MeanwhileChange(str(box.label), typed.shown(name, theirs[name]), shown))
        data[box.html_initial_name] = theirs[name]
        if not was_typed:
            data[name] = theirs[name]
    return Meanwhile(TargetForm(user, today, data=data, target=present), tuple(changes))


def _values_in_boxes(target: SalesTarget) -> dict[str, str]:
    values = TargetValues.of(target)
    return {
        "whose": values.scope.key,
        "period": values.period.key,
        "amount": f"{values.amount:.2f}".removesuffix(".00"),
        "currency": values.currency,
        "revision_read": str(target.revision),
    }


def _whose(user: User, present: ForecastScope | None, target: SalesTarget | None) -> Choices:
    """Whom the person may set targets for, and whose the target is whoever that be."""
    teams = Team.objects.filter(Q() if user.sees_all else Q(members=user))
    people = User.objects.filter(assignable_people(user))
    choices: Choices = [("company", "The company")] if user.sees_all else []
    choices += [
        ("Teams", [(ForecastScope(team_id=team.pk).key, team.name) for team in teams]),
        ("People", [(ForecastScope(owner_id=row.pk).key, str(row)) for row in people]),
    ]
    if present is not None and target is not None and present.key not in dict(_flatten(choices)):
        choices.insert(0, (present.key, str(target.team or target.owner or "The company")))
    return choices


def _periods(today: date, present: Period | None) -> Choices:
    offered = list(periods_around(today))
    if present is not None and present not in offered:
        offered.insert(0, present)
    return [
        (title, [(period.key, period.label) for period in offered if period.months == months])
        for title, months in (("Quarters", QUARTER), ("Months", MONTH))
    ]


def _flatten(choices: Sequence[tuple[str, Any]]) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, label in choices:
        flat += [(key, label)] if isinstance(label, str) else label
    return flat
