"""Pairs of records that may be the same, and looks for them, in the API."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.crm.api.serializers import AccountSerializer, ContactSerializer, LeadSerializer
from apps.crm.enums import RecordKind
from apps.crm.look_alikes import LookAlike
from apps.crm.services import permission_name, require_permission
from apps.duplicates.bands import Band, band_of
from apps.duplicates.enums import MATCHED_KINDS, Subject
from apps.duplicates.filters import PairFilterSet, RunFilterSet
from apps.duplicates.matching.fields import Field
from apps.duplicates.models import MatchRun, Pair
from apps.duplicates.querysets import RECORD_MODELS, PairQuerySet
from apps.duplicates.services import decisions, starting
from apps.duplicates.services.judging import current_document, explain
from apps.duplicates.services.probe import look_alikes
from apps.duplicates.services.records import row_of_values
from apps.duplicates.tasks import send_run
from apps.tenants.api import ApiModelSerializer, StrictSerializer, refuse_parameters
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.tenants.work.querysets import WorkQuerySet
from apps.tenants.work.runs import close_lost
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class PairPermission(BasePermission):
    """The person's role allows to see duplicates; what they may say of them is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(decisions.VIEW_PERMISSION)


class RunPermission(BasePermission):
    """The person's role allows to see looks; whether to start one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(starting.VIEW_PERMISSION)


class PairSerializer(ApiModelSerializer[Pair]):
    """Two records that may be the same; the survivor is the one that is proposed to be kept."""

    probability_0_1 = serializers.FloatField(source="probability", read_only=True)
    band = serializers.SerializerMethodField(help_text="How sure one is.")
    weights = serializers.DictField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="What each field says for (positive) or against, in bits, when they were compared last.",
    )
    cluster = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The same for all pairs of one group."
    )

    class Meta:
        model = Pair
        fields = (
            "id", "subject", "survivor_kind", "survivor_id", "duplicate_kind", "duplicate_id",
            "probability_0_1", "band", "is_likely", "has_conflict", "weights", "cluster", "state",
            "found_by", "found_at", "compared_at", "decided_by", "decided_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_band(self, pair: Pair) -> Band:
        """The band by its code."""
        return band_of(pair)


class FieldEvidenceSerializer(serializers.Serializer[Any]):
    """What one field says of a pair."""

    field = serializers.ChoiceField([(field.value, field.label) for field in Field])
    level = serializers.CharField(help_text="How alike, in words.")
    bits = serializers.FloatField(help_text="For (positive) or against.")


class PairComparisonSerializer(serializers.Serializer[Any]):
    """A pair compared as its records stand now; prior and evidence add up to the weight."""

    probability_0_1 = serializers.FloatField(source="probability")
    weight_bits = serializers.FloatField()
    prior_bits = serializers.FloatField(
        help_text="Of any two records, before anything is compared."
    )
    evidence = FieldEvidenceSerializer(many=True)


class PairViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Pair]):
    """Pairs of records that may be the same."""

    write_scope = Scope.SUGGESTIONS_DECIDE
    permission_classes = (IsAuthenticated, PairPermission)
    serializer_class = PairSerializer
    filterset_class = PairFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "probability", "found_at")
    default_ordering = "-probability"

    def get_queryset(self) -> PairQuerySet:
        """Those of which the person may see both records."""
        if getattr(self, "swagger_fake_view", False):
            return Pair.objects.none()
        return Pair.objects.visible_to(person_of(self.request))

    @extend_schema(responses=PairComparisonSerializer)
    @action(detail=True, methods=["get"])
    def explanation(self, request: Request, pk: str) -> Response:
        """What speaks for and against the pair, field by field."""
        refuse_parameters(request)
        pair = self.get_object()
        comparison = explain(pair, current_document(Subject(pair.subject)))
        if comparison is None:
            raise NotFound("One of the two records is no longer there.")
        return Response(PairComparisonSerializer(comparison).data)

    @extend_schema(request=None, responses=PairSerializer)
    @action(detail=True, methods=["post"], url_path="not-a-duplicate")
    def not_a_duplicate(self, request: Request, pk: str) -> Response:
        """Remember that the two are not the same, whatever is found later. Said again, it changes nothing."""
        refuse_parameters(request)
        pair = decisions.decide_not_duplicate(self.get_object(), person_of(request))
        return Response(self.get_serializer(pair).data)

    @extend_schema(request=None, responses=PairSerializer)
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str) -> Response:
        """Take back that the two are not the same: they are looked at again."""
        refuse_parameters(request)
        pair = decisions.reopen(self.get_object(), person_of(request))
        return Response(self.get_serializer(pair).data)


class ProbeRequestSerializer(StrictSerializer):
    """A record that is not written yet."""

    kind = serializers.ChoiceField(MATCHED_KINDS)
    values = serializers.DictField(
        help_text="Its fields, as where such a record is created; those that are known suffice."
    )


class LookAlikeSerializer(serializers.Serializer[Any]):
    """A record that may be the same."""

    kind = serializers.ChoiceField(MATCHED_KINDS, source="record.kind")
    id = serializers.IntegerField(source="record.pk")
    label = serializers.CharField(source="record.__str__")  # type: ignore[assignment]
    probability_0_1 = serializers.SerializerMethodField(help_text="How probably it is the same.")
    words = serializers.CharField(help_text="What the two have in common.")

    def get_probability_0_1(self, like: LookAlike) -> float:
        """To three digits: it is no surer than that."""
        return round(like.probability, 3)


class ProbeAnswerSerializer(serializers.Serializer[Any]):
    """The records that may be the same, the likeliest first."""

    matches = LookAlikeSerializer(many=True, source="named")
    unseen = serializers.IntegerField(help_text="How many more there are that you may not see.")


class ProbePermission(BasePermission):
    """The person's role includes seeing records of a kind that is compared; which, the body tells."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for one of them."""
        user = person_of(request)
        return any(
            user.has_perm(permission_name("view", RECORD_MODELS[kind])) for kind in _NEW_RECORDS
        )


class ProbeViewSet(Endpoint, GenericViewSet[Pair]):
    """What a new record would be a duplicate of."""

    # Nothing is written.
    write_scope = Scope.READ
    permission_classes = (IsAuthenticated, ProbePermission)
    serializer_class = ProbeRequestSerializer
    pagination_class = None

    @extend_schema(
        request=ProbeRequestSerializer,
        responses={200: ProbeAnswerSerializer},
        description="Would this new record be a duplicate? Nothing is written.",
    )
    def create(self, request: Request) -> Response:
        """Compare the given values with what is on file."""
        refuse_parameters(request)
        require_module(Module.DUPLICATES)
        wanted = ProbeRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        kind, user = RecordKind(wanted.validated_data["kind"]), person_of(request)
        require_permission(user, "view", RECORD_MODELS[kind], origin=Origin.API)
        values = _NEW_RECORDS[kind](
            data=wanted.validated_data["values"], partial=True, context={"request": request}
        )
        if not values.is_valid():
            problems: Any = values.errors
            raise ValidationError({"values": problems})
        found = look_alikes(row_of_values(kind, values.validated_data), kind, user)
        return Response(ProbeAnswerSerializer(found).data)


_NEW_RECORDS: dict[RecordKind, type[serializers.BaseSerializer[Any]]] = {
    RecordKind.LEAD: LeadSerializer,
    RecordKind.CONTACT: ContactSerializer,
    RecordKind.ACCOUNT: AccountSerializer,
}


class MatchRunSerializer(ApiModelSerializer[MatchRun]):
    """A look for duplicates, how far it is, and what came of it."""

    class Meta:
        model = MatchRun
        fields = (
            "id", "kind", "subject", "requested_by", "status", "is_cancel_requested", "stage",
            "steps_done", "steps_total", "queued_at", "started_at", "finished_at",
            "records_compared", "pairs_found", "pairs_gone", "message",
        )  # fmt: skip
        read_only_fields = fields


class MatchRunRequestSerializer(StrictSerializer):
    """What is to be looked through."""

    subject = serializers.ChoiceField(Subject.choices)


class MatchRunViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[MatchRun]):
    """Looks for duplicates."""

    write_scope = Scope.SCANS_START
    permission_classes = (IsAuthenticated, RunPermission)
    serializer_class = MatchRunSerializer
    filterset_class = RunFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    def get_queryset(self) -> WorkQuerySet:
        """All of them; those that no worker has any more are closed first."""
        if getattr(self, "swagger_fake_view", False):
            return MatchRun.objects.none()
        close_lost(timezone.now(), MatchRun)
        return MatchRun.objects.all()

    @extend_schema(request=MatchRunRequestSerializer, responses={202: MatchRunSerializer})
    def create(self, request: Request) -> Response:
        """Ask for a look at everything; while one waits or works, it is refused."""
        refuse_parameters(request)
        wanted = MatchRunRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            run = starting.start_run(Subject(wanted.validated_data["subject"]), person_of(request))
            send_run(run)
        return Response(
            self.get_serializer(run).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[run.pk])},
        )

    @extend_schema(request=None, responses=MatchRunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a look that waits or works."""
        refuse_parameters(request)
        run = self.get_object()
        starting.stop_run(run, person_of(request))
        run.refresh_from_db()
        return Response(self.get_serializer(run).data)
