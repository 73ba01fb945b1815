"""The ways from records and their lists to a scan of them: ``{% load scan_links %}``."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.http import QueryDict
from django.urls import reverse

from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.triggers.scopes import SCANNED

register = template.Library()


@register.simple_tag
def record_scan_url(record: Record) -> str:
    """Where one asks for a scan of a record; empty for kinds that are not scanned by themselves."""
    return _url(record.kind, record_id=str(record.pk))


@register.simple_tag
def list_scan_url(kind: RecordKind, query: QueryDict) -> str:
    """Where one asks for a scan of all that a list shows for a query."""
    asked = query.copy()
    asked.pop("page", None)
    return _url(kind, query=asked.urlencode())


def _url(kind: RecordKind, **scope: str) -> str:
    if kind not in SCANNED:
        return ""
    return f"{reverse('triggers:scan_ask')}?{urlencode({'record_kind': kind.value, **scope})}"
