"""How records look in the API, and what may be written. Who may write is decided in the views."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.validators import RegexValidator
from rest_framework import serializers

from apps.crm.api.fields import AttributesField, OwnerField, VisibleRecordField
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
    Stage,
    Task,
)
from apps.tenants.api import ApiModelSerializer, StrictSerializer
from apps.users.models import User

RecordT = TypeVar("RecordT", bound=Record)

COMMON_FIELDS = (
    "id", "label", "owner", "source", "external_id", "attributes", "revision", "created_at",
    "updated_at",
)  # fmt: skip
READ_ONLY_FIELDS = ("revision", "created_at", "updated_at", "last_activity_at")

currency_code = RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD.")


class RecordSerializer(StrictSerializer, ApiModelSerializer[RecordT]):
    """What every kind of record shows."""

    label = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="The record's name, for reading."
    )
    owner = OwnerField(
        queryset=User.objects.none(), required=False, allow_null=True,
        help_text="The id of the person who owns it. Left out of a new record: you.",
    )  # fmt: skip
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=60, required=False, allow_blank=True,
        help_text="The system that the row came from.",
    )  # fmt: skip
    external_id = serializers.CharField(
        max_length=120, required=False, allow_blank=True, help_text="The row's id in that system."
    )
    attributes = AttributesField(required=False, help_text="Custom fields, by key.")

    def get_label(self, record: Record) -> str:
        """The record's name."""
        return str(record)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An external id means nothing without the system that gave it."""
        held = {"source": "", "external_id": ""}
        if self.instance is not None:
            held = {name: getattr(self.instance, name) for name in held}
        merged = held | {name: attrs[name] for name in held if name in attrs}
        if merged["external_id"] and not merged["source"]:
            raise serializers.ValidationError({"source": ["An external id needs its source."]})
        return attrs


class LeadSerializer(RecordSerializer[Lead]):
    """A lead."""

    converted_contact = VisibleRecordField(
        queryset=Contact.objects.all(), required=False, allow_null=True
    )
    converted_opportunity = VisibleRecordField(
        queryset=Opportunity.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Lead
        fields = (
            *COMMON_FIELDS, "first_name", "last_name", "company", "title", "email", "phone",
            "status", "lead_source", "estimated_value", "currency", "do_not_contact", "notes",
            "converted_contact", "converted_opportunity", "last_activity_at",
        )  # fmt: skip
        read_only_fields = READ_ONLY_FIELDS
        extra_kwargs = {"currency": {"validators": [currency_code]}}
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A lead must be recognisable by something."""
        attrs = super().validate(attrs)
        if not any(attrs.get(name, getattr(self.instance, name, "")) for name in Lead.called_by):
            raise serializers.ValidationError(
                {"last_name": ["Give at least one of first name, last name, company and e-mail."]}
            )
        return attrs


class ContactSerializer(RecordSerializer[Contact]):
    """A contact."""

    account = VisibleRecordField(queryset=Account.objects.all(), required=False, allow_null=True)

    class Meta:
        model = Contact
        fields = (
            *COMMON_FIELDS, "account", "first_name", "last_name", "title", "email", "email_status",
            "phone", "do_not_contact", "notes", "last_activity_at",
        )  # fmt: skip
        read_only_fields = READ_ONLY_FIELDS
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A contact must be recognisable by something."""
        attrs = super().validate(attrs)
        if not any(attrs.get(name, getattr(self.instance, name, "")) for name in Contact.called_by):
            raise serializers.ValidationError(
                {"last_name": ["Give at least one of first name, last name and e-mail."]}
            )
        return attrs


class AccountSerializer(RecordSerializer[Account]):
    """An account."""

    parent = VisibleRecordField(  # type: ignore[assignment]
        queryset=Account.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Account
        fields = (
            *COMMON_FIELDS, "name", "website", "sector", "employees", "annual_revenue", "currency",
            "location", "phone", "parent", "notes", "last_activity_at",
        )  # fmt: skip
        read_only_fields = READ_ONLY_FIELDS
        extra_kwargs = {"currency": {"validators": [currency_code]}}
        validators: list[Any] = []

    def validate_parent(self, parent: Account | None) -> Account | None:
        """An account is not its own parent, and not that of one above it."""
        if parent is not None and self.instance is not None and self.instance.is_above(parent):
            raise serializers.ValidationError("An account cannot belong to itself.")
        return parent


class OpportunitySerializer(RecordSerializer[Opportunity]):
    """A deal. ``outcome`` and ``stage_entered_at`` follow the stage."""

    account = VisibleRecordField(queryset=Account.objects.all(), required=False, allow_null=True)
    contact = VisibleRecordField(queryset=Contact.objects.all(), required=False, allow_null=True)
    product = VisibleRecordField(queryset=Product.objects.all(), required=False, allow_null=True)
    stage = serializers.SlugRelatedField(
        slug_field="key", queryset=Stage.objects.all(), help_text="The stage's key."
    )

    class Meta:
        model = Opportunity
        fields = (
            *COMMON_FIELDS, "name", "account", "contact", "product", "stage", "outcome",
            "stage_entered_at", "amount", "currency", "opened_on", "expected_close_on", "closed_on",
            "next_step", "lost_reason", "notes", "last_activity_at",
        )  # fmt: skip
        read_only_fields = (*READ_ONLY_FIELDS, "outcome", "stage_entered_at")
        extra_kwargs = {"currency": {"validators": [currency_code]}}
        validators: list[Any] = []


class StatedDetailsSerializer(serializers.Serializer[Any]):
    """Contact fields that a mail itself states, as in its signature."""

    phone = serializers.CharField(max_length=50, required=False, allow_blank=True)
    title = serializers.CharField(max_length=150, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class ActivitySerializer(RecordSerializer[Activity]):
    """An activity; it may hang on several records, or on none yet."""

    lead = VisibleRecordField(queryset=Lead.objects.all(), required=False, allow_null=True)
    contact = VisibleRecordField(queryset=Contact.objects.all(), required=False, allow_null=True)
    account = VisibleRecordField(queryset=Account.objects.all(), required=False, allow_null=True)
    opportunity = VisibleRecordField(
        queryset=Opportunity.objects.all(), required=False, allow_null=True
    )
    stated_details = StatedDetailsSerializer(required=False)

    class Meta:
        model = Activity
        fields = (
            *COMMON_FIELDS, "activity_kind", "direction", "occurred_at", "subject", "body", "lead",
            "contact", "account", "opportunity", "counterpart_address", "counterpart_name",
            "delivery", "stated_details",
        )  # fmt: skip
        read_only_fields = READ_ONLY_FIELDS
        validators: list[Any] = []


class TaskSerializer(RecordSerializer[Task]):
    """A task; its owner is the one who does it. Completing it dates it."""

    lead = VisibleRecordField(queryset=Lead.objects.all(), required=False, allow_null=True)
    contact = VisibleRecordField(queryset=Contact.objects.all(), required=False, allow_null=True)
    account = VisibleRecordField(queryset=Account.objects.all(), required=False, allow_null=True)
    opportunity = VisibleRecordField(
        queryset=Opportunity.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Task
        fields = (
            *COMMON_FIELDS, "title", "description", "due_on", "status", "priority", "lead",
            "contact", "account", "opportunity", "completed_at",
        )  # fmt: skip
        read_only_fields = (*READ_ONLY_FIELDS, "completed_at")
        validators: list[Any] = []


class ContractSerializer(RecordSerializer[Contract]):
    """A contract."""

    account = VisibleRecordField(queryset=Account.objects.all())

    class Meta:
        model = Contract
        fields = (
            *COMMON_FIELDS, "account", "name", "value", "currency", "starts_on", "renews_on",
            "outcome", "outcome_on",
        )  # fmt: skip
        read_only_fields = READ_ONLY_FIELDS
        extra_kwargs = {"currency": {"validators": [currency_code]}}
        validators: list[Any] = []


class DraftSerializer(RecordSerializer[Draft]):
    """An e-mail draft: to be read. A person sends it from their own mail program."""

    class Meta:
        model = Draft
        fields = (
            *COMMON_FIELDS, "to_address", "subject", "body", "status", "sent_at", "lead", "contact",
            "account", "opportunity",
        )  # fmt: skip
        read_only_fields = fields
        validators: list[Any] = []


class ProductSerializer(RecordSerializer[Product]):
    """A product."""

    class Meta:
        model = Product
        fields = (*COMMON_FIELDS, "name", "series", "price", "currency", "is_active")
        read_only_fields = READ_ONLY_FIELDS
        extra_kwargs = {"currency": {"validators": [currency_code]}}
        validators: list[Any] = []
