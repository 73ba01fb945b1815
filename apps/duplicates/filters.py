"""What lists of pairs and of runs are narrowed by, on pages and in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from apps.duplicates.bands import Band
from apps.duplicates.enums import PairState, RunKind, Subject
from apps.duplicates.models import MatchRun, Pair
from apps.duplicates.querysets import RECORD_MODELS, PairQuerySet
from apps.tenants.work.enums import WorkStatus
from apps.users.models import User

KINDS = [(kind.value, kind.label) for kind in RECORD_MODELS]
# Of merged records the survivor's page tells, and what is no longer alike is nobody's concern.
STATES = [(state.value, state.label) for state in (PairState.OPEN, PairState.NOT_DUPLICATE)]


def either(condition: Callable[[Any], QuerySet[Any]]) -> Q:
    """Pairs one of whose records meets a condition, given as a narrowing of all records of a kind."""
    found = Q()
    for kind, model in RECORD_MODELS.items():
        ids = condition(model.objects.all()).order_by().values("pk")
        for side in ("survivor", "duplicate"):
            found |= Q(**{f"{side}_kind": kind, f"{side}_id__in": ids})
    return found


class PairFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What pairs are narrowed by."""

    q = django_filters.CharFilter(
        method="mentioning",
        label="Name, e-mail or company",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, e-mail or company"}),
    )
    subject = django_filters.ChoiceFilter(
        choices=Subject.choices, empty_label="Any", label="Of what"
    )
    kind = django_filters.ChoiceFilter(
        choices=KINDS, empty_label="Any", method="with_kind", label="Kind of record"
    )
    band = django_filters.ChoiceFilter(
        choices=Band.choices, empty_label="Any", method="in_band", label="Confidence"
    )
    state = django_filters.ChoiceFilter(choices=PairState.choices, label="State")
    owner = django_filters.ModelChoiceFilter(
        queryset=User.objects.filter(is_active=True), empty_label="Anybody", method="owned_by",
        label="Owner",
    )  # fmt: skip
    at_least = django_filters.NumberFilter(
        method="from_percent", min_value=0, max_value=100, label="At least (%)"
    )
    cluster = django_filters.NumberFilter(
        field_name="cluster", label="Group", widget=forms.HiddenInput
    )

    class Meta:
        model = Pair
        fields = ("q", "subject", "kind", "band", "state", "owner", "at_least", "cluster")

    def mentioning(self, pairs: PairQuerySet, name: str, text: str) -> PairQuerySet:
        """Pairs one of whose records mentions every word."""
        return pairs.filter(either(lambda records: records.search(text)))

    def with_kind(self, pairs: PairQuerySet, name: str, kind: str) -> PairQuerySet:
        """Pairs one of whose records is of the kind."""
        return pairs.filter(Q(survivor_kind=kind) | Q(duplicate_kind=kind))

    def in_band(self, pairs: PairQuerySet, name: str, band: str) -> PairQuerySet:
        """Pairs of a band."""
        return pairs.filter(Band(band).pairs)

    @extend_schema_field(OpenApiTypes.INT)
    def owned_by(self, pairs: PairQuerySet, name: str, owner: User) -> PairQuerySet:
        """Pairs one of whose records is this person's."""
        return pairs.filter(either(lambda records: records.filter(owner=owner)))

    def from_percent(self, pairs: PairQuerySet, name: str, percent: Any) -> PairQuerySet:
        """Pairs of so many percent or more."""
        return pairs.filter(probability__gte=float(percent) / 100)


class PairPageFilterSet(PairFilterSet):
    """What the page of pairs is narrowed by. There is always one state."""

    state = django_filters.ChoiceFilter(
        choices=STATES, empty_label=None, initial=PairState.OPEN.value, label="State"
    )

    def __init__(self, data: QueryDict, *, queryset: PairQuerySet) -> None:
        filled = data.copy()
        if filled.get("state") not in dict(STATES):
            filled["state"] = PairState.OPEN.value
        super().__init__(filled, queryset=queryset)

    @property
    def before_band(self) -> PairQuerySet:
        """The pairs without regard to their band, for counting each."""
        others = self.data.copy()
        others.pop("band", None)
        narrowed: PairQuerySet = type(self)(others, queryset=self.queryset).qs
        return narrowed


class GroupFilterSet(PairFilterSet):
    """What groups are narrowed by: one of their pairs fits, but for the band, which is the weakest pair's."""

    state = None
    cluster = None

    class Meta:
        model = Pair
        fields = ("q", "subject", "kind", "band", "owner", "at_least")

    def in_band(self, pairs: PairQuerySet, name: str, band: str) -> PairQuerySet:
        """All of them: a band is asked of groups (``groups.groups_among``)."""
        return pairs

    @property
    def asked_band(self) -> Band | None:
        """The band that is asked for, if any."""
        asked = self.form.cleaned_data.get("band") if self.form.is_valid() else None
        return Band(asked) if asked else None


class RunFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What runs are narrowed by."""

    kind = django_filters.ChoiceFilter(choices=RunKind.choices, empty_label="Any")
    subject = django_filters.ChoiceFilter(choices=Subject.choices, empty_label="Any")
    status = django_filters.ChoiceFilter(
        choices=WorkStatus.choices, empty_label="Any", label="State"
    )

    class Meta:
        model = MatchRun
        fields = ("kind", "subject", "status")
