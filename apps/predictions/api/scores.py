"""Scores of the records that a person may see, and why they are what they are, in the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.crm.enums import RecordKind
from apps.predictions.enums import Prediction
from apps.predictions.exceptions import NothingToExplainError
from apps.predictions.explanations import explain_score
from apps.predictions.models import Score
from apps.predictions.querysets import ScoreQuerySet
from apps.tenants.api import ApiModelSerializer, MomentFilter, UtcDateTimeField, refuse_parameters
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.api import Endpoint
from apps.users.services import person_of


class ScorePermission(BasePermission):
    """The person's role allows to see scores."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("predictions.view_score")


class ScoreSerializer(ApiModelSerializer[Score]):
    """A score of a record."""

    class Meta:
        model = Score
        fields = (
            "id", "prediction", "record_kind", "record_id", "score_0_1", "model_version", "scored_at",
            "is_latest",
        )  # fmt: skip
        read_only_fields = fields


class FactorValueSerializer(serializers.Serializer[Any]):
    """One thing that is known of the record, in words."""

    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()
    usual = serializers.CharField()


class FactorSerializer(serializers.Serializer[Any]):
    """What one factor does to the score."""

    factor = serializers.CharField()
    points = serializers.FloatField(help_text="Percentage points: above zero it raises the score.")
    values = FactorValueSerializer(many=True)


class RemedySerializer(serializers.Serializer[Any]):
    """Something to do, and what the score would be then."""

    words = serializers.CharField()
    before_0_1 = serializers.FloatField()
    after_0_1 = serializers.FloatField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """The score as it would be now, and why; the strongest reasons first."""

    score_0_1 = serializers.FloatField()
    as_of = UtcDateTimeField()
    reasons = FactorSerializer(many=True)
    remedies = RemedySerializer(many=True)


class ScoreFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of scores can be filtered by."""

    prediction = django_filters.MultipleChoiceFilter(choices=Prediction.choices)
    record_kind = django_filters.ChoiceFilter(choices=RecordKind.choices)
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    at_least = django_filters.NumberFilter(
        field_name="score_0_1", lookup_expr="gte", min_value=0, max_value=1
    )
    scored_after = MomentFilter(field_name="scored_at", lookup_expr="gt")
    is_latest = django_filters.BooleanFilter()


class ScoreViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Score]):
    """Scores, present and past. ``is_latest=true`` leaves the present ones."""

    permission_classes = (IsAuthenticated, ScorePermission)
    serializer_class = ScoreSerializer
    filterset_class = ScoreFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "scored_at", "score_0_1")
    default_ordering = "-id"

    def get_queryset(self) -> ScoreQuerySet:
        """Those of the records that the person may see.

        Raises:
            ModuleOffError: predictions are off.
        """
        if getattr(self, "swagger_fake_view", False):
            return Score.objects.none()
        require_module(Module.PREDICTIONS)
        return Score.objects.visible_to(person_of(self.request))

    @extend_schema(responses=ExplanationSerializer)
    @action(detail=True, methods=["get"])
    def explanation(self, request: Request, pk: str) -> Response:
        """Why the record scores as it does now."""
        refuse_parameters(request)
        score = self.get_object()
        why = explain_score(Prediction(score.prediction), score.record_id, timezone.now())
        if why is None:
            raise NothingToExplainError()
        return Response(ExplanationSerializer(why).data)
