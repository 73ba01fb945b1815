"""Suggestions in the API: reading them and deciding on them. What a decision does is in services."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.suggestions import services
from apps.suggestions.answer_bodies import (
    StoryItemSerializer,
    SuggestionDetailSerializer,
    SuggestionSerializer,
)
from apps.suggestions.decision_bodies import (
    ApproveSerializer,
    EditSerializer,
    MergeSerializer,
    ReassignSerializer,
    RejectSerializer,
    SnoozeSerializer,
    UndoSerializer,
)
from apps.suggestions.editions import edition_text, etag_of, is_as_read, read_edition
from apps.suggestions.enums import HeldBack, State, Verdict
from apps.suggestions.exceptions import (
    AssigneeRefusedError,
    ChangedSinceSeenError,
    EditionChangedError,
)
from apps.suggestions.facets import FACETS_BY_KEY
from apps.suggestions.models import Suggestion
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.shown import open_detail
from apps.suggestions.story import story_of
from apps.tenants.api import MomentFilter, StrictSerializer, refuse_parameters
from apps.triggers.enums import Severity
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.models import User
from apps.users.services import person_of


def _by_facet(key: str, help_text: str) -> django_filters.ChoiceFilter:
    """A filter that narrows as one of the page's does."""
    facet = FACETS_BY_KEY[key]

    def narrow(queryset: SuggestionQuerySet, name: str, value: str) -> SuggestionQuerySet:
        return queryset.filter(facet.condition(value))

    return django_filters.ChoiceFilter(choices=facet.options(), method=narrow, help_text=help_text)


class SuggestionFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list can be filtered by."""

    search = django_filters.CharFilter(
        method="search_words", max_length=100, help_text="Every word occurs in title or record."
    )
    state = django_filters.MultipleChoiceFilter(choices=State.choices)
    goal = django_filters.MultipleChoiceFilter(choices=Goal.choices)
    trigger = django_filters.CharFilter(help_text="The key of the trigger that led to it.")
    tool = django_filters.CharFilter()
    risk = django_filters.MultipleChoiceFilter(choices=Risk.choices)
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
    execution = django_filters.NumberFilter(
        field_name="execution_id", min_value=1, decimal_places=0, help_text="What it became."
    )
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte")
    confidence = _by_facet("confidence", "How often it is expected to be accepted.")
    value = _by_facet("value", "What is at stake, in units of the record's currency.")
    age = _by_facet("age", "When it was suggested.")

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


class SuggestionPermission(BasePermission):
    """The person's role allows to see suggestions; whether to decide is asked by the services."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission; who wants to decide is refused, on record, by the services."""
        return request.method not in SAFE_METHODS or services.may_view(person_of(request))


_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read, or a `refreshed_at` in quotes: what was refreshed or edited since"
    " is left alone (412).",
)
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: 304 while the answer would be the same.",
)
_ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="The edition, and a digest of the answer.",
)
_ETAG_OF_NEW = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[201], description="The edition, for `If-Match`."
)
_OF_DECISIONS = [_IF_MATCH, _ETAG]


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

    def paginate_queryset(self, queryset: Any) -> Any:
        """A page of them, without texts that the person may not read any more."""
        rows = super().paginate_queryset(queryset)
        return rows if rows is None else services.conceal(person_of(self.request), rows)

    @extend_schema(
        parameters=[_IF_NONE_MATCH, _ETAG],
        responses={
            200: SuggestionDetailSerializer,
            304: OpenApiResponse(description="It is as `If-None-Match` says."),
        },
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """One suggestion: what it would change, why, and what has changed since.

        Its ETag is for `If-Match`.
        """
        answer = self._answer(services.get_for(person_of(request), int(pk)))
        if is_as_read(request, answer.headers["ETag"]):
            return Response(status=304, headers={"ETag": answer.headers["ETag"]})
        return answer

    @extend_schema(
        request=MergeSerializer,
        responses={201: SuggestionDetailSerializer},
        parameters=[_ETAG_OF_NEW],
    )
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def merges(self, request: Request) -> Response:
        """Propose to merge two records, in your own queue. Nothing is merged before it is approved.

        It stands in the place of what waits to be merged with either of them. Whose values survive is chosen
        with `edit/`.
        """
        refuse_parameters(request)
        if not services.may_decide(person_of(request)):
            # Before a word of theirs is read; it goes on record.
            services.require_decider(person_of(request), Origin.API)
        wanted = MergeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        suggestion = services.propose_merge_of(
            keep=wanted.validated_data["keep"],
            other=wanted.validated_data["merge"],
            user=person_of(request),
            now=timezone.now(),
            origin=Origin.API,
        )
        answer = self._answer(services.get_for(person_of(request), suggestion.pk))
        answer.status_code = 201
        answer.headers["Location"] = self.reverse_action("detail", args=[suggestion.pk])
        return answer

    @extend_schema(responses=StoryItemSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def story(self, request: Request, pk: str) -> Response:
        """All that happened to it, from signal to undo, oldest first."""
        viewer = person_of(request)
        suggestion = services.get_for(viewer, int(pk))
        return Response(StoryItemSerializer(story_of(suggestion, viewer), many=True).data)

    @extend_schema(
        request=ApproveSerializer, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS
    )
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

    @extend_schema(
        request=EditSerializer, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS
    )
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

    @extend_schema(
        request=UndoSerializer, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def undo(self, request: Request, pk: str) -> Response:
        """Take back an applied one; what was edited since stays and is named in `closed_because`."""
        fields = self._read(UndoSerializer, pk, Verdict.UNDO)
        return self._answer(
            services.undo(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                seen_at=fields["seen_at"],
                despite=fields["despite"],
                origin=Origin.API,
            )
        )

    @extend_schema(
        request=RejectSerializer, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS
    )
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
                stop=fields["stop"],
                now=timezone.now(),
                seen_at=fields["seen_at"],
                origin=Origin.API,
            )
        )

    @extend_schema(
        request=SnoozeSerializer, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS
    )
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
                seen_at=fields["seen_at"],
                origin=Origin.API,
            )
        )

    @extend_schema(
        request=ReassignSerializer,
        responses=SuggestionDetailSerializer,
        parameters=_OF_DECISIONS,
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def reassign(self, request: Request, pk: str) -> Response:
        """Give it to somebody who may decide on it, or to nobody in particular; nothing is written."""
        fields = self._read(ReassignSerializer, pk, Verdict.REASSIGN)
        return self._answer(
            services.reassign(
                suggestion_id=int(pk),
                user=person_of(request),
                to=_person(fields["assignee"]),
                now=timezone.now(),
                seen_at=fields["seen_at"],
                origin=Origin.API,
            )
        )

    @extend_schema(request=None, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS)
    @action(detail=True, methods=["post"], filterset_class=None)
    def rebase(self, request: Request, pk: str) -> Response:
        """Bring a stale suggestion up to date, to be read and decided anew."""
        fields = self._read(None, pk, Verdict.REBASE)
        return self._answer(
            services.rebase(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                seen_at=fields["seen_at"],
                origin=Origin.API,
            )
        )

    @extend_schema(request=None, responses=SuggestionDetailSerializer, parameters=_OF_DECISIONS)
    @action(detail=True, methods=["post"], filterset_class=None)
    def reopen(self, request: Request, pk: str) -> Response:
        """Bring back what was rejected, withdrawn, expired or snoozed."""
        fields = self._read(None, pk, Verdict.REOPEN)
        return self._answer(
            services.reopen(
                suggestion_id=int(pk),
                user=person_of(request),
                now=timezone.now(),
                seen_at=fields["seen_at"],
                origin=Origin.API,
            )
        )

    def handle_exception(self, exc: Exception) -> Response:
        """What was refreshed since it was read is the failure of `If-Match`, where there is one."""
        if isinstance(exc, ChangedSinceSeenError) and "If-Match" in self.request.headers:
            found = self.get_queryset().filter(pk=int(self.kwargs["pk"]))
            now_there = found.values_list("refreshed_at", flat=True).first()
            exc = EditionChangedError(edition_text(now_there) if now_there else None)
        return super().handle_exception(exc)

    def _read(
        self, serializer_class: type[serializers.Serializer[Any]] | None, pk: str, verdict: Verdict
    ) -> dict[str, Any]:
        """The decision's fields and the edition that was read, None where the decision asks for none.

        Without a class the decision has no fields of its own.

        A suggestion that is not there comes before a field that is wrong.
        """
        services.decidable(person_of(self.request), int(pk), verdict, Origin.API)
        refuse_parameters(self.request)
        edition = read_edition(self.request)
        # No body is an empty one where there is nothing to say.
        said = self.request.data if serializer_class else self.request.data or {}
        serializer = (serializer_class or StrictSerializer)(data=said)
        serializer.is_valid(raise_exception=True)
        fields: dict[str, Any] = serializer.validated_data
        seen_at = fields.get("seen_at") or edition
        if edition is not None and seen_at != edition:
            raise ValidationError({"seen_at": ["It differs from the edition that If-Match names."]})
        if seen_at is None and "seen_at" in serializer.fields:
            raise ValidationError(
                {"seen_at": ["This field is required, unless If-Match names it."]}
            )
        return {**fields, "seen_at": seen_at}

    def _answer(self, suggestion: Suggestion) -> Response:
        context = {"detail": open_detail(suggestion, person_of(self.request), Origin.API)}
        body = SuggestionDetailSerializer(suggestion, context=context).data
        return Response(body, headers={"ETag": etag_of(body)})


def _person(person_id: int | None) -> User | None:
    """Who is meant; one that there is not is refused like one to whom nothing can be given."""
    if person_id is None:
        return None
    found = User.objects.filter(pk=person_id).first()
    if found is None:
        raise AssigneeRefusedError("You cannot give suggestions to this person.")
    return found
