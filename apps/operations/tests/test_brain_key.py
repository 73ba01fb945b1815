"""A tenant's key of a language model: in no page, file, answer of the API, log or entry of the audit log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from django.db import transaction

from apps.audit.models import AuditEntry
from apps.brain.models import BrainSettings
from apps.brain.settings import change_settings
from apps.conftest import Cast, TenantClient
from apps.operations.tests.routes import TENANT_MAP, walk_routes
from apps.operations.tests.test_routes import send
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

KEY = "sk-seen-by-nobody-5f3a9c"
# These would end the session of the walk.
LEFT_OUT = {"users:sign_out", "admin:logout"}


def test_no_address_answers_with_the_key_in_any_form(
    cast: Cast, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    change_settings(user=cast.admin, values={"model": "gpt-5"}, new_key=KEY)
    sealed = BrainSettings.objects.get().sealed_key
    client = client_for(cast.admin)
    told, answered = [], 0
    for route in walk_routes(TENANT_MAP):
        if route.name in LEFT_OUT:
            continue
        with transaction.atomic():
            answer = send(
                client, "GET", route.fill(url="x", app_label="brain", key="lead_inactive")
            )
            transaction.set_rollback(True)
        answered += answer.status_code == 200
        if KEY in answer.read_text or sealed in answer.read_text:
            told.append(route.name)
    assert (told, answered > 80) == ([], True)
    entries = json.dumps(list(AuditEntry.objects.values_list("details", flat=True)))
    for text in (entries, caplog.text):
        assert (KEY in text, sealed in text) == (False, False)
