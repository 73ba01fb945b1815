"""What was learned, in the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from apps.audit.enums import Origin
from apps.suggestions.enums import Segment
from apps.suggestions.learning.enums import FollowedDays, QuietBecause, ResetScope
from apps.suggestions.learning.insights import read_insights, resets_for
from apps.suggestions.learning.models import LearningReset
from apps.suggestions.learning.resets import (
    Scope,
    reset_learning,
    scope_of_key,
    scope_of_person,
)
from apps.suggestions.services import may_view
from apps.tenants.api import ApiModelSerializer, StrictSerializer, refuse_parameters
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.api import Endpoint
from apps.users.enums import Scope as TokenScope
from apps.users.services import person_of


class CountedSerializer(serializers.Serializer[Any]):
    """Plain numbers of decisions that count at present."""

    count = serializers.IntegerField()
    approved = serializers.IntegerField()
    edited = serializers.IntegerField(help_text="Approved after a person had edited it.")


class ExpectedSerializer(serializers.Serializer[Any]):
    """How likely you are to accept the next one."""

    estimate = serializers.FloatField(help_text="What ranking goes by, however little is known.")
    rate = serializers.FloatField(
        allow_null=True, help_text="The confidence that is shown; null below 20 decisions."
    )
    decided = serializers.IntegerField(help_text="The decisions behind it.")


class KindSerializer(serializers.Serializer[Any]):
    """A trigger, a tool and a segment."""

    trigger = serializers.CharField()
    tool = serializers.CharField()
    segment = serializers.ChoiceField(choices=Segment.choices)
    everybody = CountedSerializer()
    own = CountedSerializer()
    expected = ExpectedSerializer()
    is_quiet = serializers.BooleanField(help_text="Whether you get no more of it than trials.")


class QuietSerializer(serializers.Serializer[Any]):
    """A trigger and segment of which less is shown."""

    trigger = serializers.CharField()
    segment = serializers.ChoiceField(choices=Segment.choices)
    people = serializers.ListField(child=serializers.CharField(), help_text="For whom, by name.")
    because = serializers.ChoiceField(choices=QuietBecause.choices)
    count = serializers.IntegerField()
    approved = serializers.IntegerField()
    held_back = serializers.IntegerField(help_text="Suggestions that wait behind it.")


class ReasonSerializer(serializers.Serializer[Any]):
    """Why suggestions of a trigger were rejected."""

    trigger = serializers.CharField()
    by_reason = serializers.DictField(
        child=serializers.IntegerField(), help_text="A number for each reason."
    )


class LearnedPersonSerializer(serializers.Serializer[Any]):
    """From whom it was learned."""

    person = serializers.IntegerField(source="person.pk")
    name = serializers.CharField(source="person.display_name")
    counted = CountedSerializer()
    quiet_kinds = serializers.IntegerField()


class BandSerializer(serializers.Serializer[Any]):
    """Decisions at which a confidence within a fifth was shown, and what became of them."""

    count = serializers.IntegerField()
    shown_0_1 = serializers.FloatField()
    approved_0_1 = serializers.FloatField()


class ShareSerializer(serializers.Serializer[Any]):
    """So many of so many."""

    count = serializers.IntegerField()
    of = serializers.IntegerField(help_text="0 where there is nothing of the kind.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """What was to be seen some days after suggestions of a trigger were applied, or rejected."""

    trigger = serializers.CharField()
    days = serializers.ChoiceField(choices=FollowedDays.choices)
    is_applied = serializers.BooleanField()
    followed = serializers.IntegerField()
    answered = ShareSerializer(help_text="The customer was in touch.")
    moved = ShareSerializer(help_text="The deal went forward or was won, the lead towards a deal.")
    done = ShareSerializer(help_text="The task was done.")


class InsightsSerializer(serializers.Serializer[Any]):
    """What was learned, as you may see it."""

    total = CountedSerializer()
    kinds = KindSerializer(many=True)
    quiet = QuietSerializer(many=True)
    reasons = ReasonSerializer(many=True)
    people = LearnedPersonSerializer(many=True, help_text="Empty for who does not see everybody's.")
    bands = BandSerializer(many=True)
    outcomes = OutcomeSerializer(many=True)


class LearningResetSerializer(ApiModelSerializer[LearningReset]):
    """From when on a scope is learned anew."""

    class Meta:
        model = LearningReset
        fields = ("id", "scope", "key", "person", "reset_at", "reset_by")
        read_only_fields = fields


class ResetRequestSerializer(StrictSerializer):
    """What is to be learned anew."""

    scope = serializers.ChoiceField(choices=ResetScope.choices)
    key = serializers.CharField(
        required=False, max_length=60, help_text="Of a trigger or a tool, and of nothing else."
    )
    person = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Of a person, and of nothing else.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand what names the scope, and nothing else."""
        needs = {ResetScope.TENANT: None, ResetScope.PERSON: "person"}.get(attrs["scope"], "key")
        for name in ("key", "person"):
            if (name in attrs) != (name == needs):
                wrong = "Needed for this scope." if name == needs else "Not of this scope."
                raise serializers.ValidationError({name: [wrong]})
        return attrs

    def as_scope(self) -> Scope:
        """The scope that is named.

        Raises:
            UnknownScopeError: there is no such trigger, tool or person.
        """
        named = self.validated_data
        match named["scope"]:
            case ResetScope.TENANT:
                return Scope(ResetScope.TENANT)
            case ResetScope.PERSON:
                return scope_of_person(named["person"])
            case kind:
                return scope_of_key(ResetScope(kind), named["key"])


class LearningPermission(BasePermission):
    """The person's role allows to see suggestions."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission; whose scope may be reset is asked by the use case."""
        return may_view(person_of(request))


class LearningViewSet(Endpoint, ViewSet):
    """What people's decisions have taught."""

    permission_classes = (IsAuthenticated, LearningPermission)

    @extend_schema(responses=InsightsSerializer)
    def retrieve(self, request: Request) -> Response:
        """What was learned: by kind, what is quiet and why, from whom, and what came of it."""
        refuse_parameters(request)
        insights = read_insights(person_of(request), timezone.now())
        return Response(InsightsSerializer(insights).data)


class LearningResetViewSet(Endpoint, ListModelMixin, GenericViewSet[LearningReset]):
    """Learning a scope anew."""

    write_scope = TokenScope.SETTINGS_WRITE
    permission_classes = (IsAuthenticated, LearningPermission)
    serializer_class = LearningResetSerializer
    filterset_class = None
    ordering_fields = ("id",)
    default_ordering = "-id"

    def get_queryset(self) -> QuerySet[LearningReset]:
        """Those of scopes and of yourself; a manager's: all."""
        if getattr(self, "swagger_fake_view", False):
            return LearningReset.objects.none()
        return resets_for(person_of(self.request))

    @extend_schema(request=ResetRequestSerializer, responses={201: LearningResetSerializer})
    def create(self, request: Request) -> Response:
        """Let what was decided before now not count for a trigger, a tool, a person or everything."""
        refuse_parameters(request)
        require_module(Module.SUGGESTIONS)
        asked = ResetRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = reset_learning(
            scope=asked.as_scope(),
            user=person_of(request),
            now=timezone.now(),
            origin=Origin.API,
        )
        return Response(LearningResetSerializer(made).data, status=201)
