"""Groups of records that may all be the same, in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.duplicates.api import PairPermission
from apps.duplicates.bands import BY_SURENESS, Band
from apps.duplicates.enums import MATCHED_KINDS, Subject
from apps.duplicates.filters import GroupFilterSet
from apps.duplicates.groups import groups_among, refs_by_cluster
from apps.duplicates.models import Pair
from apps.duplicates.querysets import PairQuerySet
from apps.users.api import Endpoint
from apps.users.services import person_of


class GroupRecordSerializer(serializers.Serializer[Any]):
    """One record of a group."""

    kind = serializers.ChoiceField(MATCHED_KINDS)
    id = serializers.IntegerField()


class GroupSerializer(serializers.Serializer[Any]):
    """Records that may all be the same, by the pairs of which you may see both records."""

    cluster = serializers.IntegerField(help_text="That of its pairs.")
    subject = serializers.ChoiceField(Subject.choices)
    band = serializers.ChoiceField(Band.choices, help_text="How sure one is of its weakest pair.")
    strongest_band = serializers.ChoiceField(Band.choices)
    weakest_0_1 = serializers.FloatField(help_text="The probability of its weakest pair.")
    strongest_0_1 = serializers.FloatField(help_text="The probability of its strongest pair.")
    pairs = serializers.IntegerField(help_text="How many pairs it has.")
    records = GroupRecordSerializer(many=True, help_text="Those of the likeliest pair first.")


class GroupViewSet(Endpoint, ListModelMixin, GenericViewSet[Pair]):
    """Groups of more than one open pair."""

    permission_classes = (IsAuthenticated, PairPermission)
    serializer_class = GroupSerializer
    filterset_class = GroupFilterSet
    ordering_fields = ("id",)
    default_ordering = "id"

    def get_queryset(self) -> PairQuerySet:
        """The pairs of which the person may see both records."""
        if getattr(self, "swagger_fake_view", False):
            return Pair.objects.none()
        return Pair.objects.visible_to(person_of(self.request))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Groups, ordered by the id of their first pair."""
        user, asked = person_of(request), request.query_params.get("band")
        pairs: Any = self.filter_queryset(self.get_queryset())
        groups: Any = groups_among(pairs, user, band=Band(asked) if asked else None)
        # A group is told where its first pair stands.
        heads = self.paginate_queryset(Pair.objects.filter(pk__in=groups.order_by().values("head")))
        rows = {
            row["head"]: row for row in groups.filter(head__in=[pair.pk for pair in heads or ()])
        }
        refs = refs_by_cluster(rows.values(), user)
        answer = [
            {
                **row,
                "band": BY_SURENESS[row["least_sure"]],
                "strongest_band": BY_SURENESS[row["surest"]],
                "records": refs[row["cluster"]],
            }
            for pair in heads or ()
            if (row := rows.get(pair.pk)) is not None and row["cluster"] in refs
        ]
        return self.get_paginated_response(self.get_serializer(answer, many=True).data)
