"""Statements that are prepared by name."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, transaction

from apps.tenants.models import Tenant
from apps.users.statements import Prepared


def test_what_goes_wrong_is_told_as_of_any_other_statement(acme: Tenant) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        Prepared("aisha_nowhere", "SELECT id FROM nowhere").call_for(None)
