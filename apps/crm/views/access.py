"""Who may see and do what on the pages of records."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey
from django.http import Http404, HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from apps.crm.layouts import Layout
from apps.crm.models import Record
from apps.crm.services import permission_name, refuse_merged, visible_records
from apps.users.models import User


def may(user: User, verb: str, layout: Layout) -> bool:
    """Return whether the person's role includes to view, add or change such records."""
    return user.has_perm(permission_name(verb, layout.model))


def require_view(user: User, layout: Layout) -> None:
    """Refuse a person whose role does not include to see such records.

    Raises:
        PermissionDenied: it does not.
    """
    if not may(user, "view", layout):
        raise PermissionDenied(f"Your role does not let you see {layout.nouns}.")


def read_record(user: User, layout: Layout, record_id: int) -> Record:
    """Return a record with all that its page shows of other records, in one query.

    Raises:
        RecordMergedError: it was merged into another.
        Http404: there is none, or not for this person; the two look alike from outside.
    """
    rows = visible_records(user, layout.model).select_related(*_reference_paths(layout))
    record = rows.filter(pk=record_id).first()
    if record is None:
        refuse_merged(user, layout.model, record_id)
        raise Http404
    return record


def _reference_paths(layout: Layout) -> list[str]:
    """Every reference of the kind, and the owner behind it: whether it is a link depends on them."""
    paths: list[str] = []
    for field in layout.model._meta.concrete_fields:
        if not isinstance(field, ForeignKey):
            continue
        related = field.related_model
        is_record = isinstance(related, type) and issubclass(related, Record)
        paths.append(f"{field.name}__owner" if is_record else field.name)
    return paths


def safe_next(request: HttpRequest, otherwise: str) -> str:
    """Return where the form asked to go on, if that is a page of this host."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else otherwise
