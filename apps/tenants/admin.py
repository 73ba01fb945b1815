"""What all admin pages share: cheap lists, object-level visibility, and changes that go on record.

The two admin sites (``aisha.sites``) offer ``record_change``; a page tells it what was changed, because
this app stands above the audit log and cannot write to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin as DjangoModelAdmin
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, URLResolver, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from apps.tenants.exceptions import AishaError

NOT_SET = "—"


@dataclass(frozen=True, slots=True)
class AdminChange:
    """One change made on an admin page: what was done to which row, and to which of its fields."""

    verb: str
    model: str
    row_id: int
    fields: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class RecordingSite(Protocol):
    """An admin site that writes changes to the audit log."""

    def record_change(self, request: HttpRequest, change: AdminChange) -> None:
        """Write one change, in the caller's transaction."""


class AishaAdmin(ModelAdmin):  # type: ignore[misc]
    """The base of every page.

    Changes are written to our audit log instead of Django's own log of admin actions: one log, append-only,
    and nothing rests on Django's cache of content types, which all tenants of a process share.
    """

    list_per_page = 50
    list_select_related: ClassVar[tuple[str, ...]] = ()
    empty_value_display = NOT_SET
    # Pages of rows that show everybody's work are for those who may see everybody's work.
    needs_sight_of_all: ClassVar[bool] = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """The rows that this person may see."""
        rows = super().get_queryset(request)
        visible_to = getattr(rows, "visible_to", None)
        return visible_to(request.user) if visible_to else rows  # type: ignore[no-any-return]

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """As the role says, and for some pages only with sight of all rows."""
        if self.needs_sight_of_all and not getattr(request.user, "sees_all", False):
            return False
        return bool(super().has_view_permission(request, obj))

    def view_on_site(self, obj: models.Model) -> str | None:
        """The row's own page in the application, where it has one."""
        address = getattr(obj, "get_absolute_url", None)
        return address() if address else None

    def get_view_on_site_url(self, obj: models.Model | None = None) -> str | None:
        """The same, without the detour by way of content types."""
        return self.view_on_site(obj) if obj is not None else None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Every route but Django's own history, which is not kept."""
        return [url for url in super().get_urls() if not _is_named(url, "_history")]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a refusal of ours above the form; the transaction has been rolled back."""
        try:
            answer: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except AishaError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(error.goes_on_at or request.get_full_path())
        return answer

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[str]:
        """The names of the fields that were changed, those of rows below with their model's name."""
        changed = list(form.changed_data)
        for formset in formsets or []:
            name = formset.model._meta.model_name
            rows = [fields for _, fields in formset.changed_objects]
            rows += [row.changed_data for row in formset.extra_forms if row.has_changed()]
            changed += [f"{name}.{field}" for fields in rows for field in fields]
        return list(dict.fromkeys(changed))

    def log_addition(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Put a new row on record."""
        self._record(request, "added", obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: list[str]) -> None:
        """Put a change on record, if there was one."""
        if message:
            self._record(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Put removed rows on record."""
        for obj in queryset:
            self._record(request, "deleted", obj, [])

    def details_of(self, obj: models.Model) -> Mapping[str, Any]:
        """What is put on record besides the names of the changed fields: codes and numbers."""
        return {}

    def _record(
        self, request: HttpRequest, verb: str, obj: models.Model, fields: list[str]
    ) -> None:
        label = obj._meta.label_lower
        change = AdminChange(verb, label, obj.pk, tuple(fields), self.details_of(obj))
        site: RecordingSite = self.admin_site
        site.record_change(request, change)


class ReadOnlyAdmin(AishaAdmin):
    """A page to look at: nobody adds, changes or deletes here, whatever their permissions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False


class SharedReadOnlyAdmin(ReadOnlyAdmin):
    """A page of rows in the public schema, to look at from a tenant's admin.

    Permissions on such models are the operator's; here everybody who sees the company's work may look.
    """

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whoever may see everybody's work."""
        return bool(getattr(request.user, "sees_all", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same."""
        return self.has_view_permission(request)


class ReadOnlyInline(TabularInline):  # type: ignore[misc]
    """Rows that belong to the one above, to look at."""

    hide_title = True
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whoever sees the row above."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False


class KeptInline(TabularInline):  # type: ignore[misc]
    """Rows that belong to the one above; they may be changed and added but not removed."""

    hide_title = True
    extra = 0
    can_delete = False


def link_to_record(kind: str, record_id: int | None, label: str = "") -> SafeString | str:
    """Return a link to a record's page in the application, or its name where there is none."""
    if record_id is None:
        return label or NOT_SET
    text = label or f"{kind.capitalize()} {record_id}"
    try:
        address = reverse(f"crm:{kind}_detail", args=[record_id])
    except NoReverseMatch:
        return text
    return format_html('<a class="admin-link" href="{}">{}</a>', address, text)


def link_to_page(page: str, row_id: int | None, label: str) -> SafeString | str:
    """Return a link to a row's admin page, or the label where this site has no such page.

    ``page`` is the app's and the model's name, as in ``audit_auditentry``.
    """
    if row_id is None:
        return NOT_SET
    try:
        address = reverse(f"admin:{page}_change", args=[row_id])
    except NoReverseMatch:
        return label
    return format_html('<a class="admin-link" href="{}">{}</a>', address, label)


def link_to_list(page: str, label: str, **filters: object) -> SafeString | str:
    """Return a link to a list in the admin, narrowed by the filters, or the label where there is none."""
    try:
        address = f"{reverse(f'admin:{page}_changelist')}?{urlencode(filters)}"
    except NoReverseMatch:
        return label
    return format_html('<a class="admin-link" href="{}">{}</a>', address, label)


def listed(links: Iterable[SafeString | str]) -> SafeString | str:
    """Return links one under the other, or a dash."""
    lines = format_html_join("", "<p>{}</p>", ((link,) for link in links))
    return lines or NOT_SET


def find_row(page: DjangoModelAdmin[Any], request: HttpRequest, row_id: int) -> Any:
    """Return a row that this person may see on this page.

    Raises:
        Http404: there is none.
    """
    row = page.get_queryset(request).filter(pk=row_id).first()
    if row is None:
        raise Http404
    return row


def _is_named(url: URLPattern | URLResolver, ending: str) -> bool:
    return isinstance(url, URLPattern) and (url.name or "").endswith(ending)
