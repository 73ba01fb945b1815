"""How predictions stand, and their models with their cards, in the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from apps.crm.enums import RecordKind
from apps.predictions.api.cards import DriftSerializer, ModelCardSerializer
from apps.predictions.enums import ModelState, Prediction, ServiceState
from apps.predictions.models import TrainedModel
from apps.predictions.schemas import Drift, ModelCard
from apps.predictions.service_states import read_services
from apps.predictions.services.standing import roll_back, unpin
from apps.predictions.tasks import send_scoring
from apps.predictions.views.access import VIEW_PERMISSION
from apps.tenants.api import ApiModelSerializer, refuse_parameters
from apps.tenants.services import current_tenant
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class PredictionsPermission(BasePermission):
    """The person's role allows to see predictions; whether to choose a model is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class PredictionSerializer(serializers.Serializer[Any]):
    """A prediction and whether it is in service."""

    prediction = serializers.ChoiceField(Prediction.choices, source="wording.prediction")
    record_kind = serializers.ChoiceField(RecordKind.choices, source="wording.record_kind")
    asks = serializers.CharField(source="wording.asks")
    state = serializers.ChoiceField(ServiceState.choices)
    reason = serializers.CharField(help_text="In words: why it is in service, or why not.")
    model = serializers.IntegerField(
        source="model.pk",
        default=None,
        allow_null=True,
        help_text="The id of the model in service, or of the newest where none is.",
    )
    run = serializers.IntegerField(
        source="under_way.pk",
        default=None,
        allow_null=True,
        help_text="The id of the run that waits or works.",
    )


class PredictionViewSet(Endpoint, ViewSet):
    """The predictions about records."""

    permission_classes = (IsAuthenticated, PredictionsPermission)

    @extend_schema(responses=PredictionSerializer(many=True))
    def list(self, request: Request) -> Response:
        """All of them, whether in service or not."""
        refuse_parameters(request)
        return Response(PredictionSerializer(read_services(current_tenant()), many=True).data)


class TrainedModelSerializer(ApiModelSerializer[TrainedModel]):
    """A trained model."""

    class Meta:
        model = TrainedModel
        fields: tuple[str, ...] = (
            "id", "prediction", "number", "version", "state", "state_reason", "is_pinned",
            "pinned_by", "rung", "outcomes", "base_rate_0_1", "trained_at", "served_from",
            "served_until",
        )  # fmt: skip
        read_only_fields = fields


class TrainedModelDetailSerializer(TrainedModelSerializer):
    """A trained model with its card."""

    card = serializers.SerializerMethodField()
    drift = serializers.SerializerMethodField(help_text="Null while no newer outcome is known.")

    class Meta:
        model = TrainedModel
        fields = (*TrainedModelSerializer.Meta.fields, "card", "drift")
        read_only_fields = fields

    @extend_schema_field(ModelCardSerializer())
    def get_card(self, model: TrainedModel) -> Any:
        """The account of the model."""
        return ModelCardSerializer(ModelCard.model_validate(model.card)).data

    @extend_schema_field(DriftSerializer(allow_null=True))
    def get_drift(self, model: TrainedModel) -> Any:
        """How it fares since."""
        return DriftSerializer(Drift.model_validate(model.drift)).data if model.drift else None


class TrainedModelFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of models can be filtered by."""

    prediction = django_filters.MultipleChoiceFilter(choices=Prediction.choices)
    state = django_filters.MultipleChoiceFilter(choices=ModelState.choices)


class TrainedModelViewSet(
    Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[TrainedModel]
):
    """Trained models."""

    write_scope = Scope.SETTINGS_WRITE
    permission_classes = (IsAuthenticated, PredictionsPermission)
    filterset_class = TrainedModelFilterSet
    queryset = TrainedModel.objects.without_document()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "trained_at")
    default_ordering = "-id"

    def get_serializer_class(self) -> Any:
        """Lists go without the cards, which are long."""
        return TrainedModelSerializer if self.action == "list" else TrainedModelDetailSerializer

    @extend_schema(request=None, responses=TrainedModelDetailSerializer)
    @action(detail=True, methods=["post"])
    def choose(self, request: Request, pk: str) -> Response:
        """Put a former model into service; it stays there until somebody lets go of it."""
        refuse_parameters(request)
        model, user = self.get_object(), person_of(request)
        prediction = Prediction(model.prediction)
        roll_back(prediction=prediction, number=model.number, user=user, now=timezone.now())
        send_scoring(prediction, user)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=TrainedModelDetailSerializer)
    @action(detail=True, methods=["post"], url_path="let-go")
    def let_go(self, request: Request, pk: str) -> Response:
        """Let go of the model that a person chose; the answer is the one that serves then."""
        refuse_parameters(request)
        user, prediction = person_of(request), Prediction(self.get_object().prediction)
        serving = unpin(prediction=prediction, user=user, now=timezone.now())
        send_scoring(prediction, user)
        return Response(self.get_serializer(serving).data)
