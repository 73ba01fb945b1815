"""Webhooks in the API: endpoints, their secrets, and what became of their messages."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.crm.api.preconditions import read_precondition
from apps.crm.exceptions import RecordConflictError
from apps.suggestions.webhooks import settings as endpoints
from apps.suggestions.webhooks.enums import TEST, DeliveryState, EventKind
from apps.suggestions.webhooks.exceptions import EndpointChangedError
from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.webhooks.posting import MESSAGES
from apps.tenants.api import ApiModelSerializer, MomentFilter, StrictSerializer, refuse_parameters
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of

_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: a webhook that has changed since is left alone (412).",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The revision."
)


class WebhookPermission(BasePermission):
    """Administrators; whether they may change something is asked by the use case again."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(endpoints.CHANGE_PERMISSION)


class WebhookEndpointSerializer(StrictSerializer, ApiModelSerializer[WebhookEndpoint]):
    """An endpoint. Its secret is told once, when it is made."""

    events = serializers.ListField(
        child=serializers.ChoiceField(EventKind.choices), allow_empty=False
    )

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id", "name", "url", "events", "is_enabled", "off_because", "off_at", "failing_since",
            "delivered_at", "former_secret_until", "created_by", "created_at", "revision",
        )  # fmt: skip
        read_only_fields = (
            "off_because", "off_at", "failing_since", "delivered_at", "former_secret_until",
            "created_by", "created_at", "revision",
        )  # fmt: skip
        extra_kwargs = {
            "is_enabled": {"help_text": "False switches it off; what waits is given up."}
        }


class NewSecretSerializer(WebhookEndpointSerializer):
    """An endpoint with its new secret, on this answer alone."""

    secret = serializers.SerializerMethodField(help_text="Told this once: keep it.")

    class Meta(WebhookEndpointSerializer.Meta):
        fields = (*WebhookEndpointSerializer.Meta.fields, "secret")  # type: ignore[assignment]

    def get_secret(self, row: WebhookEndpoint) -> str:
        """The secret, from whoever made it."""
        return str(self.context["secret"])


class WebhookDeliverySerializer(ApiModelSerializer[WebhookDelivery]):
    """One message to one endpoint, and what became of it."""

    message_id = serializers.CharField(read_only=True, help_text="The header `webhook-id`.")
    error = serializers.SerializerMethodField(help_text="What went wrong at the last attempt.")

    class Meta:
        model = WebhookDelivery
        fields = (
            "id", "message_id", "endpoint", "kind", "suggestion_id", "execution_id", "record_kind",
            "record_id", "tool", "occurred_at", "state", "attempts", "next_attempt_at",
            "last_attempt_at", "last_status", "error_code", "error", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_error(self, row: WebhookDelivery) -> str:
        """In words; empty when nothing went wrong."""
        return MESSAGES.get(row.error_code, "")


class WebhookEndpointViewSet(
    Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[WebhookEndpoint]
):
    """Who is told of what happens to suggestions and their executions."""

    permission_classes = (IsAuthenticated, WebhookPermission)
    write_scope = Scope.SETTINGS_WRITE
    # Two of them hold a secret.
    keeps_answers = False
    serializer_class = WebhookEndpointSerializer
    queryset = WebhookEndpoint.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "name")
    default_ordering = "id"

    @extend_schema(responses=WebhookEndpointSerializer, parameters=[_ETAG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One endpoint. Its ETag is for ``If-Match``."""
        refuse_parameters(request)
        return self._answer(self.get_object())

    @extend_schema(request=WebhookEndpointSerializer, responses={201: NewSecretSerializer})
    def create(self, request: Request) -> Response:
        """A new endpoint, switched on; the answer alone has its secret."""
        refuse_parameters(request)
        serializer = WebhookEndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = {name: serializer.validated_data[name] for name in endpoints.NAMES}
        made = endpoints.add_endpoint(
            user=person_of(request), now=timezone.now(), origin=Origin.API, **values
        )
        return self._tell_secret(made, status.HTTP_201_CREATED)

    @extend_schema(
        request=WebhookEndpointSerializer,
        responses=WebhookEndpointSerializer,
        parameters=[_IF_MATCH, _ETAG],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is named and leave the rest; ``is_enabled`` switches it on or off."""
        refuse_parameters(request)
        row = self.get_object()
        serializer = WebhookEndpointSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        user = person_of(request)
        row = endpoints.change_endpoint(
            user=user,
            endpoint_id=row.pk,
            values=values,
            revision_read=self._revision_read(request, row),
            origin=Origin.API,
        )
        if "is_enabled" in values:
            row = endpoints.switch(
                user=user,
                endpoint_id=row.pk,
                is_on=values["is_enabled"],
                now=timezone.now(),
                origin=Origin.API,
            )
        return self._answer(row)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an endpoint with all its messages."""
        refuse_parameters(request)
        endpoints.remove_endpoint(
            user=person_of(request), endpoint_id=self.get_object().pk, origin=Origin.API
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=NewSecretSerializer)
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str) -> Response:
        """Make a new secret. For a day messages are signed with the former one, too."""
        refuse_parameters(request)
        made = endpoints.replace_secret(
            user=person_of(request),
            endpoint_id=self.get_object().pk,
            now=timezone.now(),
            origin=Origin.API,
        )
        return self._tell_secret(made, status.HTTP_200_OK)

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Queue a message of the kind ``test``, which is tried once; ask again what became of it."""
        refuse_parameters(request)
        delivery = endpoints.queue_test(
            user=person_of(request), endpoint_id=self.get_object().pk, now=timezone.now()
        )
        told = WebhookDeliverySerializer(delivery).data
        return Response(told, status=status.HTTP_202_ACCEPTED)

    def _answer(self, row: WebhookEndpoint) -> Response:
        return Response(WebhookEndpointSerializer(row).data, headers={"ETag": f'"{row.revision}"'})

    def _tell_secret(self, made: endpoints.NewSecret, status_code: int) -> Response:
        told = NewSecretSerializer(made.endpoint, context={"secret": made.secret})
        return Response(told.data, status=status_code, headers={"Cache-Control": "no-store"})

    def _revision_read(self, request: Request, row: WebhookEndpoint) -> int | None:
        try:
            return read_precondition(request).revision
        except RecordConflictError as error:
            raise EndpointChangedError(row.revision) from error


class WebhookDeliveryFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of messages can be filtered by."""

    endpoint = django_filters.NumberFilter(
        field_name="endpoint_id", min_value=1, decimal_places=0, help_text="A webhook's id."
    )
    state = django_filters.MultipleChoiceFilter(choices=DeliveryState.choices)
    kind = django_filters.MultipleChoiceFilter(choices=[*EventKind.choices, (TEST, "Test")])
    occurred_from = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")


class WebhookDeliveryViewSet(
    Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[WebhookDelivery]
):
    """Messages to endpoints."""

    permission_classes = (IsAuthenticated, WebhookPermission)
    write_scope = Scope.SETTINGS_WRITE
    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilterSet
    queryset = WebhookDelivery.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "occurred_at")
    default_ordering = "-id"

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def again(self, request: Request, pk: str) -> Response:
        """Queue a message that was given up, under the same id."""
        refuse_parameters(request)
        delivery = endpoints.send_again(
            user=person_of(request), delivery_id=self.get_object().pk, now=timezone.now()
        )
        return Response(WebhookDeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)
