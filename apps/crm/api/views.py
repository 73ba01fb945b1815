"""The endpoints of records. What may be written, and by whom, stands in ``apps.crm.services``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from django.db import IntegrityError
from django.http import Http404
from psycopg import errors
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.crm import filters
from apps.crm.api import serializers
from apps.crm.api.openapi import RecordSchema
from apps.crm.api.preconditions import Precondition, etag_of, read_precondition
from apps.crm.exceptions import (
    ExternalIdTakenError,
    LookAlikesFoundError,
    RecordChangedError,
    RecordConflictError,
    RecordMergedError,
)
from apps.crm.look_alikes import look_alikes
from apps.crm.models import (
    Account,
    Activity,
    Contact,
    Contract,
    Draft,
    Lead,
    Opportunity,
    Product,
    Record,
    Task,
)
from apps.crm.querysets import RecordQuerySet
from apps.crm.services import (
    RecordValues,
    all_records,
    change_record,
    create_record,
    refuse_merged,
    require_permission,
    visible_records,
)
from apps.tenants.api import refuse_parameters
from apps.users.api import Endpoint
from apps.users.enums import Scope

RecordT = TypeVar("RecordT", bound=Record)

VERBS = {"GET": "view", "HEAD": "view", "POST": "add", "PATCH": "change", "PUT": "change"}


class RecordPermission(BasePermission):
    """The person's role allows to view, add or change records of the kind."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Refuse, on record, before anything of the request is looked at."""
        verb = VERBS.get(request.method or "")
        if verb is not None:
            record_id = int(view.kwargs["pk"]) if "pk" in view.kwargs else None
            require_permission(request.user, verb, view.model, record_id, origin=Origin.API)  # type: ignore[arg-type]
        return True


class RecordReadViewSet(Endpoint, ListModelMixin, GenericViewSet[RecordT]):
    """A kind of record to be read."""

    model: ClassVar[type[Record]]
    ordering_fields: ClassVar[tuple[str, ...]]
    default_ordering: ClassVar[str]
    permission_classes = (IsAuthenticated, RecordPermission)
    lookup_value_regex = "[0-9]{1,18}"
    schema = RecordSchema()

    def get_queryset(self) -> RecordQuerySet[Any]:
        """The records that the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()  # type: ignore[return-value]
        return visible_records(self.request.user, self.model).for_list_page()  # type: ignore[arg-type]

    def retrieve(self, request: Request, pk: str) -> Response:
        """One record. Its ETag is for ``If-Match``. A merged one leads to its survivor."""
        try:
            return self._answer(self._find(pk=int(pk)))
        except RecordMergedError as error:
            return lead_to(error.survivor, request)

    def _find(self, **wanted: Any) -> Record:
        """The one record that the person may see.

        Raises:
            RecordMergedError: it was merged into another.
            Http404: there is none.
        """
        record: Record | None = self.get_queryset().filter(**wanted).first()
        if record is None:
            for merged_id in all_records(self.model).filter(**wanted).values_list("pk", flat=True):
                refuse_merged(self.request.user, self.model, merged_id)  # type: ignore[arg-type]
            raise Http404
        return record

    def _answer(self, record: Record, status: int = 200) -> Response:
        headers = {"ETag": etag_of(record)}
        if status == 201:
            headers["Location"] = self.reverse_action("detail", args=[record.pk])
        return Response(self.get_serializer(record).data, status=status, headers=headers)


class RecordViewSet(RecordReadViewSet[RecordT]):
    """What every kind of record that programs may write offers. There is no delete."""

    write_scope = Scope.RECORDS_WRITE

    def create(self, request: Request) -> Response:
        """Write a new record. Left out, its owner is the person who asks."""
        is_probed = _wants_probe(request)
        try:
            record = self._create(request.data, is_probed=is_probed)
        except IntegrityError as error:
            _raise_unless_taken(error)
            raise ExternalIdTakenError from error
        return self._answer(self.get_queryset().get(pk=record.pk), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the fields that are named and leave the others."""
        record = self._find(pk=int(pk))
        try:
            self._change(record, request.data, read_precondition(request), partial=True)
        except IntegrityError as error:
            _raise_unless_taken(error)
            raise ExternalIdTakenError from error
        return self._answer(self.get_queryset().get(pk=record.pk))

    @action(
        detail=False, url_path=r"by-external-id/(?P<source>[^/\x00]+)/(?P<external_id>[^\x00]+)"
    )
    def by_external_id(self, request: Request, source: str, external_id: str) -> Response:
        """One record, by the id that another system gave it. A merged one leads to its survivor."""
        try:
            return self._answer(self._find(source=source, external_id=external_id))
        except RecordMergedError as error:
            return lead_to(error.survivor, request)

    @by_external_id.mapping.put
    def upsert(self, request: Request, source: str, external_id: str) -> Response:
        """Create the record of another system's row, or change it; safe to send again.

        Fields that are left out of a change stay as they are. A record that was merged into another is left
        alone (409, ``record_merged``).
        """
        precondition, is_probed = read_precondition(request), _wants_probe(request)
        payload = _with_external_id(request.data, source, external_id)
        try:
            record, is_new = self._create_or_change(payload, precondition, is_probed)
        except IntegrityError as error:
            # Another request has just created it: now it is there to be changed.
            _raise_unless_taken(error)
            record, is_new = self._create_or_change(payload, precondition, is_probed)
        return self._answer(self.get_queryset().get(pk=record.pk), status=201 if is_new else 200)

    def _create_or_change(
        self, payload: dict[str, Any], precondition: Precondition, is_probed: bool
    ) -> tuple[Record, bool]:
        wanted = {name: payload[name] for name in ("source", "external_id")}
        held = all_records(self.model).filter(**wanted).values_list("pk", flat=True).first()
        if held is None:
            if precondition.must_exist:
                raise RecordConflictError(None)
            return self._create(payload, is_probed=is_probed), True
        record = self.get_queryset().filter(pk=held).first()
        if record is None:
            refuse_merged(self.request.user, self.model, held)  # type: ignore[arg-type]
            raise ExternalIdTakenError
        self._change(record, payload, precondition, partial=False)
        return record, False

    def _create(self, payload: Any, *, is_probed: bool = False) -> Record:
        serializer = self.get_serializer(data=payload)
        serializer.is_valid(raise_exception=True)
        if is_probed:
            self._refuse_look_alikes(serializer.validated_data)
        return create_record(
            user=self.request.user,  # type: ignore[arg-type]
            model=self.model,
            values=_values_of(serializer.validated_data),
            origin=Origin.API,
        )

    def _refuse_look_alikes(self, values: Mapping[str, Any]) -> None:
        found = look_alikes(self.request.user, self.model.kind, values)  # type: ignore[arg-type]
        if found.is_any:
            named = [
                {
                    "kind": like.record.kind.value,
                    "id": like.record.pk,
                    "label": str(like.record),
                    "probability": round(like.probability, 3),
                    "words": like.words,
                }
                for like in found.named
            ]
            raise LookAlikesFoundError(named, found.unseen)

    def _change(
        self, record: Record, payload: Any, precondition: Precondition, *, partial: bool
    ) -> None:
        serializer = self.get_serializer(record, data=payload, partial=partial)
        serializer.is_valid(raise_exception=True)
        try:
            change_record(
                user=self.request.user,  # type: ignore[arg-type]
                model=self.model,
                record_id=record.pk,
                revision=precondition.revision,
                values=_values_of(serializer.validated_data),
                origin=Origin.API,
            )
        except RecordChangedError as error:
            raise RecordConflictError(error.revision_now) from error


def lead_to(survivor: Record, request: Request) -> Response:
    """An answer without a body that leads from a merged record to its survivor."""
    address = reverse(f"{survivor.kind.value}-detail", args=[survivor.pk], request=request)
    return Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": address})


def _wants_probe(request: Request) -> bool:
    """Whether a new record is to be held against those there are; nothing else is asked in the address."""
    refuse_parameters(request, but={"probe"})
    wanted = request.query_params.get("probe", "false")
    if wanted not in {"true", "false"}:
        raise ValidationError({"probe": ["true or false."]})
    return wanted == "true"


def _values_of(validated: Mapping[str, Any]) -> RecordValues:
    fields = {name: value for name, value in validated.items() if name != "attributes"}
    return RecordValues(fields=fields, attributes=validated.get("attributes", {}))


def _with_external_id(payload: Any, source: str, external_id: str) -> dict[str, Any]:
    """The payload with the ids of the address; it may repeat them but not contradict."""
    if not isinstance(payload, Mapping):
        raise ValidationError("Send an object.")
    ids = {"source": source, "external_id": external_id}
    for name, value in ids.items():
        if payload.get(name, value) != value:
            raise ValidationError({name: ["It differs from the one in the address."]})
    return {**payload, **ids}


def _raise_unless_taken(error: IntegrityError) -> None:
    """Go on only if the external id was taken; any other constraint is a fault of ours."""
    cause = error.__cause__
    is_taken = isinstance(cause, errors.UniqueViolation) and str(
        cause.diag.constraint_name
    ).endswith("_per_external_id")
    if not is_taken:
        raise error


class LeadViewSet(RecordViewSet[Lead]):
    """Leads."""

    model = Lead
    serializer_class = serializers.LeadSerializer
    filterset_class = filters.LeadFilterSet
    ordering_fields = ("id", "created_at", "updated_at", "last_activity_at", "estimated_value")
    default_ordering = "-created_at"


class ContactViewSet(RecordViewSet[Contact]):
    """Contacts."""

    model = Contact
    serializer_class = serializers.ContactSerializer
    filterset_class = filters.ContactFilterSet
    ordering_fields = ("id", "last_name", "created_at", "updated_at", "last_activity_at")
    default_ordering = "id"


class AccountViewSet(RecordViewSet[Account]):
    """Accounts."""

    model = Account
    serializer_class = serializers.AccountSerializer
    filterset_class = filters.AccountFilterSet
    ordering_fields = ("id", "name", "created_at", "updated_at", "last_activity_at")
    default_ordering = "name"


class OpportunityViewSet(RecordViewSet[Opportunity]):
    """Deals."""

    model = Opportunity
    serializer_class = serializers.OpportunitySerializer
    filterset_class = filters.OpportunityFilterSet
    ordering_fields = (
        "id", "created_at", "updated_at", "amount", "expected_close_on", "stage_entered_at",
        "last_activity_at",
    )  # fmt: skip
    default_ordering = "-created_at"


class ActivityViewSet(RecordViewSet[Activity]):
    """Activities."""

    model = Activity
    serializer_class = serializers.ActivitySerializer
    filterset_class = filters.ActivityFilterSet
    ordering_fields = ("id", "occurred_at", "created_at", "updated_at")
    default_ordering = "-occurred_at"


class TaskViewSet(RecordViewSet[Task]):
    """Tasks."""

    model = Task
    serializer_class = serializers.TaskSerializer
    filterset_class = filters.TaskFilterSet
    ordering_fields = ("id", "due_on", "priority", "created_at", "updated_at")
    default_ordering = "due_on"


class ContractViewSet(RecordViewSet[Contract]):
    """Contracts."""

    model = Contract
    serializer_class = serializers.ContractSerializer
    filterset_class = filters.ContractFilterSet
    ordering_fields = ("id", "renews_on", "value", "created_at", "updated_at")
    default_ordering = "renews_on"


class ProductViewSet(RecordViewSet[Product]):
    """Products."""

    model = Product
    serializer_class = serializers.ProductSerializer
    filterset_class = filters.ProductFilterSet
    ordering_fields = ("id", "name", "price", "created_at", "updated_at")
    default_ordering = "name"


class DraftViewSet(RecordReadViewSet[Draft]):
    """E-mail drafts."""

    model = Draft
    serializer_class = serializers.DraftSerializer
    filterset_class = filters.DraftFilterSet
    ordering_fields = ("id", "created_at", "updated_at")
    default_ordering = "-created_at"
