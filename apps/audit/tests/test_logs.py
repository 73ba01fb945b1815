"""Log lines name tenant, person and request, whichever thread writes them."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.test import RequestFactory
from django.utils.module_loading import import_string

from apps.audit.logs import ContextFilter
from apps.tenants.context import begin_request, note_person
from apps.tenants.models import Tenant


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """The record as the production format writes it."""
    options = dict(settings.LOGGING["formatters"]["json"])
    formatter: logging.Formatter = import_string(options.pop("()"))(**options)
    ContextFilter().filter(record)
    line: dict[str, Any] = json.loads(formatter.format(record))
    return line


def make_record(**extra: object) -> logging.LogRecord:
    return logging.getLogger("tests").makeRecord(
        "tests", logging.WARNING, __file__, 1, "refused", (), None, extra=extra
    )


def test_a_line_is_json_with_tenant_person_and_request(acme: Tenant) -> None:
    begin_request("request-12345")
    note_person(7)
    line = line_of(make_record(code="stale"))
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "tests", "refused")
    assert (line["tenant"], line["person_id"], line["request_id"], line["code"]) == (
        "acme", 7, "request-12345", "stale",
    )  # fmt: skip


def test_outside_a_request_it_says_so(acme: Tenant) -> None:
    line = line_of(make_record())
    assert (line["person_id"], line["tenant"]) == (None, "acme")


def test_a_line_about_a_request_names_its_tenant_from_any_thread(globex: Tenant) -> None:
    request = RequestFactory().get("/leads/")
    request.tenant = globex  # type: ignore[attr-defined]
    with ThreadPoolExecutor(1) as other:
        line = other.submit(line_of, make_record(request=request)).result()
    assert line["tenant"] == "globex"
