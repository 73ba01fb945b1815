"""Suggestions in the API: reading them and deciding on them. What a decision does is in services."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Event, Origin
from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.enums import ValueKind
from apps.suggestions import services
from apps.suggestions.decision_bodies import (
    ApproveSerializer,
    EditSerializer,
    RejectSerializer,
    SnoozeSerializer,
    UndoSerializer,
)
from apps.suggestions.enums import HeldBack, State, Verdict
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import Detail
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.shown import open_detail
from apps.suggestions.story import story_of
from apps.tenants.api import ApiModelSerializer, MomentFilter, UtcDateTimeField
from apps.triggers.enums import Severity
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class SuggestionFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list can be filtered by."""

    search = django_filters.CharFilter(
        method="search_words", max_length=100, help_text="Every word occurs in title or record."
    )
    state = django_filters.MultipleChoiceFilter(choices=State.choices)
    goal = django_filters.MultipleChoiceFilter(choices=Goal.choices)
    tool = django_filters.CharFilter()
    urgency = django_filters.MultipleChoiceFilter(choices=Severity.choices)
    record_kind = django_filters.ChoiceFilter(choices=RecordKind.choices)
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    assignee = django_filters.NumberFilter(
        field_name="assignee_id", min_value=1, decimal_places=0, help_text="A person's id."
    )
    unassigned = django_filters.BooleanFilter(field_name="assignee", lookup_expr="isnull")
    is_held_back = django_filters.BooleanFilter(
        method="filter_held_back", help_text="Whether it waits behind the person's queue."
    )
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte")

    def search_words(
        self, queryset: SuggestionQuerySet, name: str, value: str
    ) -> SuggestionQuerySet:
        """Search as the page does."""
        return queryset.search(value)

    def filter_held_back(
        self, queryset: SuggestionQuerySet, name: str, value: bool
    ) -> SuggestionQuerySet:
        """Held back, whatever the reason, or in the queue."""
        in_queue = models.Q(held_back=HeldBack.NO)
        return queryset.filter(~in_queue if value else in_queue)


class SuggestionSerializer(ApiModelSerializer[Suggestion]):
    """A suggestion as the list shows it."""

    class Meta:
        model = Suggestion
        fields: tuple[str, ...] = (
            "id", "state", "title", "reason", "goal", "record_kind", "record_id", "record_label",
            "assignee", "tool", "risk", "value_at_stake", "currency", "urgency", "confidence",
            "confidence_n", "rank", "held_back", "origin", "provider", "created_at",
            "refreshed_at", "queued_at", "expires_at", "snoozed_until",
            "snoozed_until_change_since", "reviewed_at",
            "reviewed_by", "applied_at", "closed_because",
        )  # fmt: skip
        read_only_fields = fields


class FactSerializer(serializers.Serializer[Any]):
    """A numbered fact that the evidence cites."""

    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    occurred_at = UtcDateTimeField(allow_null=True)


class ClaimSerializer(serializers.Serializer[Any]):
    """One sentence of the evidence with its facts."""

    text = serializers.CharField()
    facts = FactSerializer(many=True)


class ChangeSinceSerializer(serializers.Serializer[Any]):
    """One value that has changed since the suggestion was made."""

    label = serializers.CharField()  # type: ignore[assignment]
    seen = serializers.CharField(source="seen_text")
    now = serializers.CharField(source="now_text")
    changed_by = serializers.CharField()
    changed_at = UtcDateTimeField(allow_null=True)


class SegmentSerializer(serializers.Serializer[Any]):
    """A run of words of a long text that stays, goes or comes."""

    op = serializers.ChoiceField(["equal", "delete", "insert"])
    text = serializers.CharField()


class FieldDiffSerializer(serializers.Serializer[Any]):
    """One field before and after."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(ValueKind.choices)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    before_text = serializers.CharField()
    after_text = serializers.CharField()
    origin = serializers.CharField(help_text="`proposed`, `edited` or `left out`.")
    edited_by = serializers.CharField(help_text="Who edited this field or left it out.")
    segments = SegmentSerializer(many=True, help_text="Long texts alone: word by word.")


# Built by a call, because a class cannot have a member named ``fields``.
DIFF = inline_serializer(
    "Diff",
    {
        "tool": serializers.CharField(),
        "tool_label": serializers.CharField(),
        "record_kind": serializers.ChoiceField(RecordKind.choices),
        "record_label": serializers.CharField(),
        "is_creation": serializers.BooleanField(),
        "fields": FieldDiffSerializer(many=True),
        "left_out": FieldDiffSerializer(
            many=True, help_text="What was proposed and a person left out."
        ),
        "edited_by": serializers.CharField(
            help_text="Who edited it last; empty unless a person did. Each field says by whom."
        ),
        "side_effects": serializers.ListField(child=serializers.CharField()),
    },
    allow_null=True,
)


class SuggestionDetailSerializer(SuggestionSerializer):
    """A suggestion with what it would change, why, and whether it can be decided."""

    diff = serializers.SerializerMethodField(
        help_text="Null when the change can no longer be made."
    )
    evidence = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField(
        help_text="Not empty where a text of the record reads like instructions to an AI."
    )
    triggers = serializers.SerializerMethodField()
    changes_since = serializers.SerializerMethodField(
        help_text="What has changed in the record since: an approval would be refused as stale."
    )
    can_decide = serializers.SerializerMethodField()
    refusal = serializers.SerializerMethodField(help_text="Why you cannot decide on it.")
    takes_parts = serializers.SerializerMethodField(
        help_text="Whether single fields may be approved (`fields_accepted`)."
    )
    undoable_until = serializers.SerializerMethodField(
        help_text="Until when it can be undone; null when it cannot."
    )
    execution = serializers.IntegerField(
        source="execution_id", read_only=True, allow_null=True, help_text="What it became."
    )

    class Meta(SuggestionSerializer.Meta):
        fields = (
            *SuggestionSerializer.Meta.fields, "arguments", "proposed_arguments", "edited_by",
            "edited_at", "diff", "evidence", "notice", "triggers", "changes_since", "can_decide", "refusal",
            "takes_parts", "undoable_until", "execution",
        )  # fmt: skip
        read_only_fields = fields

    @property
    def shown(self) -> Detail:
        """What the page shows of it, put together once."""
        detail: Detail = self.context["detail"]
        return detail

    @extend_schema_field(DIFF)
    def get_diff(self, suggestion: Suggestion) -> dict[str, Any] | None:
        """Before and after, field by field."""
        return self.shown.diff.as_json() if self.shown.diff else None

    @extend_schema_field(ClaimSerializer(many=True))
    def get_evidence(self, suggestion: Suggestion) -> Any:
        """The claims and the facts that they cite."""
        return ClaimSerializer(self.shown.evidence, many=True).data

    def get_notice(self, suggestion: Suggestion) -> str:
        """Empty as a rule."""
        return self.shown.notice

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_triggers(self, suggestion: Suggestion) -> list[str]:
        """The labels of the triggers behind it."""
        return list(self.shown.trigger_labels)

    @extend_schema_field(ChangeSinceSerializer(many=True))
    def get_changes_since(self, suggestion: Suggestion) -> Any:
        """Empty as long as the record stands as it was seen."""
        changes = self.shown.stale.changes if self.shown.stale else ()
        return ChangeSinceSerializer(changes, many=True).data

    def get_can_decide(self, suggestion: Suggestion) -> bool:
        """Whether this person may decide on it."""
        return self.shown.can_decide

    def get_refusal(self, suggestion: Suggestion) -> str:
        """Empty when they may."""
        return self.shown.refusal

    def get_takes_parts(self, suggestion: Suggestion) -> bool:
        """Whether fields stand for themselves."""
        return self.shown.takes_parts

    @extend_schema_field(UtcDateTimeField(allow_null=True))
    def get_undoable_until(self, suggestion: Suggestion) -> Any:
        """Null for what is not applied, too old, or cannot be taken back."""
        until = self.shown.undoable_until
        return UtcDateTimeField().to_representation(until) if until else None


class StoryChangeSerializer(serializers.Serializer[Any]):
    """One value that was written."""

    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField()
    after = serializers.CharField()


class StoryItemSerializer(serializers.Serializer[Any]):
    """One thing that happened."""

    occurred_at = UtcDateTimeField()
    event = serializers.ChoiceField(Event.choices)
    wording = serializers.CharField()
    who = serializers.CharField()
    origin = serializers.ChoiceField(Origin.choices)
    request_id = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())
    changes = StoryChangeSerializer(many=True)


class SuggestionPermission(BasePermission):
    """The person's role allows to see suggestions; whether to decide is asked by the services."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission; who wants to decide is refused, on record, by the services."""
        return request.method not in SAFE_METHODS or services.may_view(person_of(request))


class SuggestionViewSet(Endpoint, ListModelMixin, GenericViewSet[Suggestion]):
    """Suggestions: read, approve, reject, snooze."""

    write_scope = Scope.SUGGESTIONS_DECIDE
    permission_classes = (IsAuthenticated, SuggestionPermission)
    serializer_class = SuggestionSerializer
    filterset_class = SuggestionFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("rank", "id", "created_at", "value_at_stake", "reviewed_at", "expires_at")
    default_ordering = "-rank"

    def get_queryset(self) -> SuggestionQuerySet:
        """The suggestions that the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return Suggestion.objects.none()
        return Suggestion.objects.visible_to(person_of(self.request))

    @extend_schema(responses=SuggestionDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One suggestion: what it would change, why, and what has changed since."""
        return self._answer(services.get_for(person_of(request), int(pk)))

    @extend_schema(responses=StoryItemSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def story(self, request: Request, pk: str) -> Response:
        """All that happened to it, from signal to undo, oldest first."""
        viewer = person_of(request)
        suggestion = services.get_for(viewer, int(pk))
        return Response(StoryItemSerializer(story_of(suggestion, viewer), many=True).data)

    @extend_schema(request=ApproveSerializer, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def approve(self, request: Request, pk: str) -> Response:
        """Apply the change, in your name. Once: a second approval is a 409."""
        fields = self._read(ApproveSerializer, pk, Verdict.APPROVE)
        return self._answer(
            services.approve(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                seen_at=fields["seen_at"],
                fields=fields["fields_accepted"],
                origin=Origin.API,
            )
        )

    @extend_schema(request=EditSerializer, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def edit(self, request: Request, pk: str) -> Response:
        """Change what it would change; both versions are kept, and it waits for your approval."""
        fields = self._read(EditSerializer, pk, Verdict.EDIT)
        return self._answer(
            services.edit(
                suggestion_id=int(pk),
                user=person_of(request),
                arguments=fields["arguments"],
                seen_at=fields["seen_at"],
                now=timezone.now(),
                origin=Origin.API,
            )
        )

    @extend_schema(request=UndoSerializer, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def undo(self, request: Request, pk: str) -> Response:
        """Take back an applied one; what was edited since stays and is named in `closed_because`."""
        fields = self._read(UndoSerializer, pk, Verdict.UNDO)
        return self._answer(
            services.undo(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                despite=fields["despite"],
                origin=Origin.API,
            )
        )

    @extend_schema(request=RejectSerializer, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def reject(self, request: Request, pk: str) -> Response:
        """Close it, with a reason; it is not made again for a while."""
        fields = self._read(RejectSerializer, pk, Verdict.REJECT)
        return self._answer(
            services.reject(
                suggestion_id=int(pk),
                user=person_of(request),
                reason=fields["reason"],
                note=fields["note"],
                now=timezone.now(),
                origin=Origin.API,
            )
        )

    @extend_schema(request=SnoozeSerializer, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def snooze(self, request: Request, pk: str) -> Response:
        """Put it away until a moment."""
        fields = self._read(SnoozeSerializer, pk, Verdict.SNOOZE)
        return self._answer(
            services.snooze(
                suggestion_id=int(pk),
                user=person_of(request),
                until=fields["until"],
                wakes_on_change=fields["wakes_on_change"],
                now=timezone.now(),
                origin=Origin.API,
            )
        )

    @extend_schema(request=None, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def rebase(self, request: Request, pk: str) -> Response:
        """Bring a stale suggestion up to date, to be read and decided anew."""
        return self._answer(
            services.rebase(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                origin=Origin.API,
            )
        )

    @extend_schema(request=None, responses=SuggestionDetailSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def reopen(self, request: Request, pk: str) -> Response:
        """Bring back what was rejected, withdrawn, expired or snoozed."""
        return self._answer(
            services.reopen(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                origin=Origin.API,
            )
        )

    def _read(
        self, serializer_class: type[serializers.Serializer[Any]], pk: str, verdict: Verdict
    ) -> dict[str, Any]:
        """The decision's fields; a suggestion that is not there comes before a field that is wrong."""
        services.decidable(person_of(self.request), int(pk), verdict, Origin.API)
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        fields: dict[str, Any] = serializer.validated_data
        return fields

    def _answer(self, suggestion: Suggestion) -> Response:
        context = {"detail": open_detail(suggestion, person_of(self.request), Origin.API)}
        return Response(SuggestionDetailSerializer(suggestion, context=context).data)
