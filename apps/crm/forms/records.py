"""The forms of records: typed, with custom fields, carrying the revision that was read."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from apps.crm.enums import ActivityKind, Direction, DraftStatus, RecordKind
from apps.crm.forms.custom_fields import PREFIX, field_for, initial_for, stored_value
from apps.crm.forms.fields import (
    AmountField,
    DayField,
    MomentField,
    OwnerField,
    ReferenceField,
)
from apps.crm.models import (
    Account,
    Activity,
    Contact,
    Contract,
    CustomField,
    Draft,
    Lead,
    Opportunity,
    Product,
    Record,
    Task,
)
from apps.crm.presentation import label_of
from apps.crm.services import AttributeValue, RecordValues
from apps.users.models import User

CURRENCY = RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD.")


class RecordForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form of one record; subclasses name its fields and check what concerns several.

    ``revision`` is what the person read, and is compared when the change is written. The form itself
    writes nothing: ``read_values`` is handed to ``apps.crm.services``.
    """

    has_custom_fields: ClassVar[bool] = True

    revision = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        viewer: User,
        instance: Record,
        currency: str = "",
        **options: Any,
    ) -> None:
        super().__init__(data, instance=instance, **options)
        self.viewer = viewer
        self.custom_fields: list[CustomField] = []
        for name in self._meta.fields or ():
            self._fit_field(name, instance)
        if self.has_custom_fields:
            self._add_custom_fields(instance)
        if "currency" in self.fields and not instance.pk:
            self.initial["currency"] = currency
        self.initial["revision"] = instance.revision if instance.pk else None

    def _fit_field(self, name: str, instance: Record) -> None:
        """Give a field its word, and the widget that suits what it holds."""
        model_field = cast("models.Field[Any, Any]", instance._meta.get_field(name))
        field = self.fields[name]
        options: dict[str, Any] = {
            "required": field.required,
            "label": label_of(type(instance), name),
            "help_text": field.help_text,
        }
        related: Any = model_field.related_model
        if related is User:
            self.fields[name] = OwnerField(viewer=self.viewer, owner_id=instance.owner_id)
            if not instance.pk:
                self.initial[name] = self.viewer.pk
        elif isinstance(related, type) and issubclass(related, Record):
            held = getattr(instance, name) if getattr(instance, f"{name}_id") else None
            self.fields[name] = ReferenceField(
                model=related, viewer=self.viewer, held=held, **options
            )
            self.initial[name] = held
        elif isinstance(model_field, models.DecimalField):
            digits = {"max_digits": model_field.max_digits, "decimal_places": 2}
            self.fields[name] = AmountField(**digits, **options)
        elif isinstance(model_field, models.DateTimeField):
            self.fields[name] = MomentField(**options)
        elif isinstance(model_field, models.DateField):
            self.fields[name] = DayField(**options)
        else:
            field.label = options["label"]
            if isinstance(field, forms.TypedChoiceField):
                choices: Any = field.choices
                field.choices = [(value, word if value else "–") for value, word in choices]
        if isinstance(field, forms.ModelChoiceField) and related is not User:
            field.empty_label = "–"

    def _add_custom_fields(self, instance: Record) -> None:
        defined = CustomField.objects.filter(record_kind=instance.kind, is_active=True)
        for custom_field in defined:
            name = PREFIX + custom_field.key
            self.custom_fields.append(custom_field)
            self.fields[name] = field_for(custom_field)
            self.initial[name] = initial_for(
                custom_field, instance.attributes.get(custom_field.key)
            )

    def clean_currency(self) -> str:
        """Accept small letters; refuse what is not a code."""
        code = str(self.cleaned_data["currency"]).strip().upper()
        if code:
            CURRENCY(code)
        return code

    @property
    def own_fields(self) -> list[forms.BoundField]:
        """The fields of the record itself, and the hidden ones."""
        return [field for field in self if not field.name.startswith(PREFIX)]

    @property
    def tenant_fields(self) -> list[forms.BoundField]:
        """The custom fields."""
        return [field for field in self if field.name.startswith(PREFIX)]

    def read_values(self) -> RecordValues:
        """Return what was typed, typed. Custom fields that were left alone are not among it."""
        fields = {name: self.cleaned_data[name] for name in self._meta.fields or ()}
        attributes: dict[str, AttributeValue] = {}
        for custom_field in self.custom_fields:
            name = PREFIX + custom_field.key
            if name in self.changed_data:
                attributes[custom_field.key] = stored_value(custom_field, self.cleaned_data[name])
        return RecordValues(fields, attributes)


class LeadForm(RecordForm):
    """A lead needs something to call it by."""

    class Meta:
        model = Lead
        fields = (
            "first_name", "last_name", "company", "title", "email", "phone", "status",
            "lead_source", "estimated_value", "currency", "owner", "do_not_contact", "notes",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for a name, a company or an address."""
        return _require_any(self, Lead.called_by)


class ContactForm(RecordForm):
    """A contact needs a name or an address."""

    class Meta:
        model = Contact
        fields = (
            "first_name", "last_name", "account", "title", "email", "email_status", "phone",
            "owner", "do_not_contact", "notes",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for a name or an address."""
        return _require_any(self, Contact.called_by)


class AccountForm(RecordForm):
    """An account cannot be its own parent, nor that of one above it."""

    class Meta:
        model = Account
        fields = (
            "name", "website", "phone", "sector", "location", "employees", "annual_revenue",
            "currency", "parent", "owner", "notes",
        )  # fmt: skip

    def clean_parent(self) -> Account | None:
        """Refuse the account itself and those below it."""
        parent: Account | None = self.cleaned_data["parent"]
        if parent is not None and self.instance.pk is not None and self.instance.is_above(parent):
            raise ValidationError("An account is not its own parent.")
        return parent


class OpportunityForm(RecordForm):
    """A deal."""

    class Meta:
        model = Opportunity
        fields = (
            "name", "account", "contact", "product", "stage", "amount", "currency", "opened_on",
            "expected_close_on", "closed_on", "next_step", "lost_reason", "owner", "notes",
        )  # fmt: skip
        help_texts = {"closed_on": "Set by itself when the deal is won or lost."}


class ActivityForm(RecordForm):
    """Something that happened."""

    class Meta:
        model = Activity
        fields = (
            "activity_kind", "direction", "occurred_at", "subject", "lead", "contact", "account",
            "opportunity", "counterpart_name", "counterpart_address", "owner", "body",
        )  # fmt: skip

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        if not self.instance.pk:
            self.initial["occurred_at"] = timezone.localtime()


class TaskForm(RecordForm):
    """Something to do."""

    class Meta:
        model = Task
        fields = (
            "title", "due_on", "priority", "status", "lead", "contact", "account", "opportunity",
            "owner", "description",
        )  # fmt: skip


class ContractForm(RecordForm):
    """A contract renews after it starts."""

    class Meta:
        model = Contract
        fields = (
            "name", "account", "value", "currency", "starts_on", "renews_on", "outcome",
            "outcome_on", "owner",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Compare the two days."""
        cleaned = self.cleaned_data
        starts_on, renews_on = cleaned.get("starts_on"), cleaned.get("renews_on")
        if starts_on and renews_on and renews_on < starts_on:
            self.add_error("renews_on", "This is before the contract starts.")
        return cleaned


class ProductForm(RecordForm):
    """A product of the price list."""

    class Meta:
        model = Product
        fields = ("name", "series", "price", "currency", "is_active")


class DraftForm(RecordForm):
    """An e-mail that waits to be sent; what is sent stays as it was."""

    has_custom_fields = False

    class Meta:
        model = Draft
        fields = (
            "to_address", "subject", "body", "lead", "contact", "account", "opportunity", "owner",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Refuse to change what has left the house."""
        if self.instance.pk and self.instance.status != DraftStatus.DRAFT:
            word = self.instance.get_status_display().lower()
            raise ValidationError(f"This draft is {word}: it stays as it was.")
        return self.cleaned_data


class LogActivityForm(ActivityForm):
    """The short form on a record's page: what was just said or written, a call more often than not."""

    has_custom_fields = False

    class Meta:
        model = Activity
        fields = ("activity_kind", "direction", "occurred_at", "subject", "body")

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.initial["activity_kind"] = ActivityKind.CALL
        self.initial["direction"] = Direction.OUTBOUND


class AddTaskForm(TaskForm):
    """The short form on a record's page: what to do next."""

    has_custom_fields = False

    class Meta:
        model = Task
        fields = ("title", "due_on", "priority", "owner")


FORMS: dict[RecordKind, type[RecordForm]] = {
    RecordKind.LEAD: LeadForm,
    RecordKind.CONTACT: ContactForm,
    RecordKind.ACCOUNT: AccountForm,
    RecordKind.OPPORTUNITY: OpportunityForm,
    RecordKind.ACTIVITY: ActivityForm,
    RecordKind.TASK: TaskForm,
    RecordKind.CONTRACT: ContractForm,
    RecordKind.PRODUCT: ProductForm,
    RecordKind.DRAFT: DraftForm,
}


def _require_any(form: RecordForm, names: tuple[str, ...]) -> dict[str, Any]:
    cleaned = form.cleaned_data
    # A box that is wrong in itself is not empty: its own message is enough.
    if not any(cleaned.get(name) or name in form.errors for name in names):
        words = [str(form.fields[name].label).lower() for name in names]
        raise ValidationError(f"Give at least one of: {', '.join(words)}.")
    return cleaned
