"""The operator's pages: tenants with their modules, host names, and the schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django_celery_beat.models import PeriodicTask
from django_tenants.utils import get_public_schema_name

from apps.tenants.admin import AishaAdmin, KeptInline, SharedReadOnlyAdmin
from apps.tenants.enums import Module
from apps.tenants.models import Domain, ModuleGate, Tenant

# Labels of letters, digits and hyphens, as DNS has them: browsers refuse cookies for names with underscores.
_HOST_NAME = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$")


class ModuleGateInline(KeptInline):
    """Which modules are on. A missing row means off."""

    model = ModuleGate
    fields = ("module", "is_on")
    max_num = len(Module)


class TenantAdmin(AishaAdmin):
    """The customer companies. Making one is a matter of ``manage.py create_tenant``; none is deleted."""

    list_display = ("name", "schema_name", "domain_text", "is_enabled", "suggestions_per_day")
    list_filter = ("is_enabled",)
    search_fields = ("name", "schema_name", "domains__domain")
    readonly_fields = ("schema_name", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "schema_name", "is_enabled", "created_at")}),
        ("Defaults", {"fields": ("time_zone", "currency")}),
        ("Limits", {"fields": ("suggestions_per_day", "silence_days", "undo_days")}),
    )
    inlines = (ModuleGateInline,)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Tenant]:
        """Tenants with their host names, in two queries."""
        return super().get_queryset(request).prefetch_related("domains")

    @admin.display(description="Host names")
    def domain_text(self, tenant: Tenant) -> str:
        """Every host name that leads to the tenant, the primary one first."""
        domains = sorted(tenant.domains.all(), key=lambda row: (not row.is_primary, row.domain))
        return ", ".join(row.domain for row in domains) or self.empty_value_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a schema is made with the owner's account, which no web process has."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: a tenant is switched off."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The operator's own host is not switched off: nobody could switch it on again."""
        fields = tuple(self.readonly_fields)
        return (*fields, "is_enabled") if _is_public(obj) else fields

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[type[KeptInline], ...]:
        """The operator's own host has no modules."""
        return () if _is_public(obj) else self.inlines

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """Which tenant, and its switches as they stand now."""
        tenant = Tenant.objects.get(pk=obj.pk)
        gates = ModuleGate.objects.filter(tenant=tenant).order_by("module")
        return {
            "schema": tenant.schema_name,
            "is_enabled": tenant.is_enabled,
            "suggestions_per_day": tenant.suggestions_per_day,
            "silence_days": tenant.silence_days,
            "undo_days": tenant.undo_days,
            "modules": {gate.module: gate.is_on for gate in gates},
        }


class DomainForm(forms.ModelForm):  # type: ignore[type-arg]
    """A host name, in small letters."""

    class Meta:
        model = Domain
        fields = ("domain", "tenant", "is_primary")

    def clean_domain(self) -> str:
        """Refuse what no browser would send as a host."""
        host = str(self.cleaned_data["domain"]).strip().lower()
        if len(host) > 253 or not _HOST_NAME.match(host):
            raise ValidationError(
                "A host name such as acme.example.com: letters, digits, hyphens and dots."
            )
        return host


class DomainAdmin(AishaAdmin):
    """Host names and the tenants they lead to."""

    form = DomainForm
    list_display = ("domain", "tenant", "is_primary")
    list_filter = ("is_primary",)
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A tenant keeps its primary host name."""
        if isinstance(obj, Domain) and obj.is_primary:
            return False
        return bool(super().has_delete_permission(request, obj))

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """Which host name leads to which tenant."""
        assert isinstance(obj, Domain)  # noqa: S101 - narrows the type
        return {"domain": obj.domain, "tenant_id": obj.tenant_id, "is_primary": obj.is_primary}


class PeriodicTaskAdmin(AishaAdmin):
    """What beat sends. Intervals stand in the code, each with its reason; a task can be paused here."""

    list_display = ("name", "task", "schedule_text", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    fields = ("name", "task", "schedule_text", "enabled", "last_run_at", "total_run_count")
    readonly_fields = ("name", "task", "schedule_text", "last_run_at", "total_run_count")

    @admin.display(description="Schedule")
    def schedule_text(self, task: PeriodicTask) -> str:
        """When it runs."""
        return str(task.scheduler) if task.scheduler else self.empty_value_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: the schedule stands in the code."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody: beat would make it again."""
        return False

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """Which task, and whether it is sent."""
        assert isinstance(obj, PeriodicTask)  # noqa: S101 - narrows the type
        return {"task": obj.task, "enabled": obj.enabled}


class OwnModuleAdmin(SharedReadOnlyAdmin):
    """Which modules a company has, for the company: switching them is the operator's matter."""

    list_display = ("module_label", "is_on")
    list_filter = ("is_on",)
    search_fields = ("module",)
    fields = ("module_label", "is_on", "meaning")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ModuleGate]:
        """Those of this company and no other."""
        gates: models.QuerySet[ModuleGate] = super().get_queryset(request)
        return gates.filter(tenant=request.tenant)  # type: ignore[attr-defined]

    @admin.display(description="Module", ordering="module")
    def module_label(self, gate: ModuleGate) -> str:
        """The module's name."""
        return gate.get_module_display()

    @admin.display(description="What it means")
    def meaning(self, gate: ModuleGate) -> str:
        """In words."""
        if gate.is_on:
            return "It works for this company. The operator of the installation can switch it off."
        return (
            "It does nothing for this company. The operator of the installation can switch it on."
        )


class ScheduleAdmin(SharedReadOnlyAdmin):
    """What the installation does by the clock, for the companies' managers: the operator can pause it."""

    list_display = ("name", "task", "schedule_text", "enabled", "last_run_at")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    fields = ("name", "task", "schedule_text", "enabled", "last_run_at")

    @admin.display(description="Schedule")
    def schedule_text(self, task: PeriodicTask) -> str:
        """When it runs."""
        return str(task.scheduler) if task.scheduler else self.empty_value_display


def _is_public(tenant: Tenant | None) -> bool:
    return tenant is not None and tenant.schema_name == get_public_schema_name()
