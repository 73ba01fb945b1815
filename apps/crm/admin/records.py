"""Admin pages of the eight kinds of record. What is saved here goes through the records' own services."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.crm import services
from apps.crm.admin.forms import form_for
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
from apps.tenants.admin import NOT_SET, AishaAdmin
from apps.tenants.templatetags.aisha_ui import money
from apps.users.services import person_of


class RecordAdmin(AishaAdmin):
    """A kind of record: list, search, filters and a form.

    Who may do what, whose rows are seen, the revision that was read and the name in the change log are
    all matters of ``apps.crm.services``. Nothing is deleted here.
    """

    money_field: ClassVar[str] = ""
    show_add_link = True
    readonly_fields = ("revision_now", "source", "external_id", "created_at", "updated_at")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """The same fields as on the pages."""
        fields: tuple[str, ...] = self.model.search_fields
        return fields

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Search as the pages do."""
        return (queryset.search(search_term) if search_term.strip() else queryset), False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Record | None:
        """The record; who asks for a merged one is led to where it lives on."""
        found: Record | None = super().get_object(request, object_id, from_field)
        if found is None and object_id.isdecimal():
            services.refuse_merged(person_of(request), self.model, int(object_id))
        return found

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kw: Any
    ) -> type[forms.ModelForm[Any]]:
        """The record's own form, for this person."""
        return form_for(self.model, person_of(request), request.tenant.currency)  # type: ignore[attr-defined]

    def get_fieldsets(self, request: HttpRequest, obj: Record | None = None) -> Any:
        """The form's fields in its own order, custom ones apart, then where the row comes from."""
        form = self.get_form(request, obj)(instance=obj)
        custom = {f"custom_{field.key}" for field in form.custom_fields}  # type: ignore[attr-defined]
        own = [name for name in form.fields if name not in custom]
        fieldsets: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": own})]
        if custom:
            ordered = [name for name in form.fields if name in custom]
            fieldsets.append(("Custom fields", {"fields": ordered}))
        if obj is not None:
            fieldsets.append(("Origin", {"fields": self.readonly_fields}))
        return fieldsets

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: records are not deleted here."""
        return False

    def save_model(self, request: HttpRequest, obj: Record, form: Any, change: bool) -> None:
        """Write through the service, in this person's name."""
        user, values = person_of(request), form.read_values()
        if change:
            written = services.change_record(
                user=user,
                model=self.model,
                record_id=obj.pk,
                revision=form.cleaned_data["revision"],
                values=values,
            )
        else:
            written = services.create_record(user=user, model=self.model, values=values)
        obj.pk = written.pk

    def log_addition(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Nothing besides: the change log has it, with the person's name."""

    def log_change(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Nothing besides: the change log has it, with the person's name."""

    @admin.display(description="Name")
    def name_text(self, record: Record) -> str:
        """What the record is called."""
        return str(record)

    @admin.display(description="Revision")
    def revision_now(self, record: Record) -> int:
        """How often it has been changed; the form carries the same number."""
        return record.revision

    @admin.display(description="Amount")
    def amount_text(self, record: Record) -> str:
        """The sum with its currency."""
        value = getattr(record, self.money_field)
        return NOT_SET if value is None else str(money(value, getattr(record, "currency", "")))


class LeadAdmin(RecordAdmin):
    """Leads."""

    money_field = "estimated_value"
    list_display = (
        "name_text", "company", "email", "status", "owner", "amount_text", "last_activity_at",
    )  # fmt: skip
    list_filter = ("status", "owner", "do_not_contact")
    list_select_related = ("owner",)


class ContactAdmin(RecordAdmin):
    """Contacts."""

    list_display = (
        "name_text", "account", "title", "email", "email_status", "owner", "last_activity_at",
    )  # fmt: skip
    list_filter = ("email_status", "owner", "do_not_contact")
    list_select_related = ("account", "owner")


class AccountAdmin(RecordAdmin):
    """Accounts."""

    money_field = "annual_revenue"
    list_display = (
        "name", "sector", "location", "employees", "amount_text", "owner", "last_activity_at",
    )  # fmt: skip
    list_filter = ("sector", "owner")
    list_select_related = ("owner",)


class OpportunityAdmin(RecordAdmin):
    """Deals."""

    money_field = "amount"
    list_display = (
        "name", "account", "stage", "amount_text", "expected_close_on", "owner", "last_activity_at",
    )  # fmt: skip
    list_filter = ("outcome", "stage", "owner", "product")
    list_select_related = ("account", "stage", "owner")


class ActivityAdmin(RecordAdmin):
    """Calls, mails, meetings and notes."""

    list_display = (
        "name_text", "activity_kind", "direction", "occurred_at", "lead", "contact", "opportunity",
        "counterpart_address", "owner",
    )  # fmt: skip
    list_filter = ("activity_kind", "direction", "delivery", "owner")
    list_select_related = ("lead", "contact", "opportunity", "owner")


class TaskAdmin(RecordAdmin):
    """Tasks."""

    list_display = (
        "title", "due_on", "status", "priority", "lead", "contact", "opportunity", "owner",
    )  # fmt: skip
    list_filter = ("status", "priority", "owner")
    list_select_related = ("lead", "contact", "opportunity", "owner")


class ContractAdmin(RecordAdmin):
    """Contracts."""

    money_field = "value"
    list_display = ("name", "account", "amount_text", "starts_on", "renews_on", "outcome", "owner")
    list_filter = ("outcome", "owner")
    list_select_related = ("account", "owner")


class DraftAdmin(RecordAdmin):
    """E-mail drafts."""

    list_display = (
        "subject", "to_address", "status", "lead", "contact", "opportunity", "owner", "sent_at",
    )  # fmt: skip
    list_filter = ("status", "owner")
    list_select_related = ("lead", "contact", "opportunity", "owner")


class ProductAdmin(RecordAdmin):
    """Products."""

    money_field = "price"
    list_display = ("name", "series", "amount_text", "is_active")
    list_filter = ("is_active", "series")


RECORD_ADMINS: dict[type[Record], type[RecordAdmin]] = {
    Lead: LeadAdmin,
    Contact: ContactAdmin,
    Account: AccountAdmin,
    Opportunity: OpportunityAdmin,
    Activity: ActivityAdmin,
    Task: TaskAdmin,
    Contract: ContractAdmin,
    Product: ProductAdmin,
    Draft: DraftAdmin,
}
