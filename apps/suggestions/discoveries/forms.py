"""What the page of discoveries can be narrowed by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict

from apps.crm.forms.filters import ME, owner_choices
from apps.suggestions.discoveries.asked import ORDER_LABELS, Asked, Order
from apps.suggestions.discoveries.looking import seen_until
from apps.suggestions.forms import PlainSelect
from apps.tenants.api import MomentField
from apps.triggers.enums import Discovery
from apps.users.models import Team, User


class DiscoveryFilterForm(forms.Form):
    """Every field may be empty; what is not offered narrows nothing.

    As long as nothing is asked for, who works with their own records sees those.
    """

    q = forms.CharField(
        required=False,
        label="Search records",
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name or address"}),
    )
    # The tiles lead to the kinds.
    discovery = forms.ChoiceField(
        required=False, choices=[("", "Any"), *Discovery.choices], widget=forms.HiddenInput
    )
    owner = forms.ChoiceField(required=False, label="Owner", widget=PlainSelect)
    team = forms.ChoiceField(required=False, label="Team", widget=PlainSelect)
    order = forms.ChoiceField(
        required=False,
        label="Order",
        choices=[(order.value, label) for order, label in ORDER_LABELS.items()],
        widget=PlainSelect,
    )
    new = forms.BooleanField(required=False, label="New only")

    def __init__(self, data: QueryDict, *, viewer: User, **kwargs: Any) -> None:
        own = "" if viewer.sees_all else ME
        super().__init__(data if {*data} & {*self.base_fields} else {"owner": own}, **kwargs)
        self._viewer = viewer
        self.fields["owner"].initial = own
        self.fields["owner"].choices = [("", "Anybody"), *owner_choices(viewer)]  # type: ignore[attr-defined]
        if viewer.sees_all:
            teams = Team.objects.order_by("name").values_list("pk", "name")
            self.fields["team"].choices = [  # type: ignore[attr-defined]
                ("", "Any"),
                *((str(pk), name) for pk, name in teams),
            ]
        else:
            del self.fields["team"]

    def asked(self, now: datetime) -> Asked:
        """What is asked for."""
        self.is_valid()
        wanted = self.cleaned_data
        return Asked(
            person=self._viewer,
            now=now,
            seen_until=seen_until(self._viewer, now),
            text=wanted.get("q", "").replace("\0", ""),
            owner=wanted.get("owner", ""),
            team=wanted.get("team", ""),
            discovery=Discovery(wanted["discovery"]) if wanted.get("discovery") else None,
            only_new=wanted.get("new", False),
            order=Order(wanted.get("order", "")),
        )

    def shows_all(self) -> bool:
        """Whether it leaves out nothing of what the page begins with: a look at less is none at the rest."""
        self.is_valid()
        wanted = self.cleaned_data
        narrowing = ("q", "discovery", "team")
        owner = wanted.get("owner", "")
        return not any(wanted.get(name) for name in narrowing) and owner in {
            "",
            self.fields["owner"].initial,
        }


class SeenForm(forms.Form):
    """Up to when everything has been seen: the moment at which the page was read."""

    until = MomentField()
