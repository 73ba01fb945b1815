"""Triggers and their settings by the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import JsonValue
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.tests.factories import LeadFactory
from apps.tenants.models import Tenant
from apps.triggers.distribution import DistributionRow
from apps.triggers.models import Baseline, Scan, Signal, TriggerSetting
from apps.triggers.rules import registry
from apps.triggers.rules.leads import LeadInactive, LeadInactiveParameters
from apps.triggers.settings import change_setting
from apps.triggers.tests.test_trigger_pages import firing
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

LIST = "/api/v1/triggers/"
PAGE = "/api/v1/triggers/lead_inactive/"
NOW = timezone.now()
DEFAULTS = {"silent_days": 14, "past_reviving_days": 120}


def test_a_trigger_says_what_it_is_and_within_which_bounds_it_may_be_set(
    cast: Cast, api_for: ApiFor
) -> None:
    firing()
    answer = api_for(cast.rep).get(PAGE)
    assert (answer.status_code, answer["ETag"]) == (200, '"0"')
    assert answer.json() == {
        "key": "lead_inactive",
        "label": "Lead gone quiet",
        "summary": "An open lead with no call, mail or meeting for some time and nothing planned.",
        "record_kind": "lead",
        "goal": "revive_lead",
        "severity": 2,
        "discovers": "missing_followup",
        "tools": ["create_followup"],
        "is_enabled": True,
        "parameters": DEFAULTS,
        "declared": [
            {
                "name": "silent_days",
                "label": "Silent for",
                "unit": "days",
                "lowest": 1,
                "highest": 365,
                "default": 14,
                "help": "Since the last call, mail or meeting, or since the lead was entered.",
            },
            {
                "name": "past_reviving_days",
                "label": "Past reviving after",
                "unit": "days",
                "lowest": 2,
                "highest": 1095,
                "default": 120,
                "help": "Leads that are silent for longer are left alone.",
            },
        ],
        "revision": 0,
        "changed_by": None,
        "changed_at": None,
        "firing": 1,
        "distribution": [],
        "measured_on": None,
    }


def test_all_triggers_stand_on_one_page(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.rep)
    body = client.get(LIST).json()
    assert body["next"] is None
    assert [row["key"] for row in body["results"]] == [t.key for t in registry.all()]
    refused = client.get(LIST, {"page": 2})
    assert (refused.status_code, refused.json()["errors"]) == (
        400,
        {"page": ["There is no such parameter."]},
    )


def test_the_list_costs_the_same_with_one_signal_and_with_three(
    cast: Cast, api_for: ApiFor
) -> None:
    client, counts = api_for(cast.rep), []
    client.get(LIST)
    for total in (1, 3):
        while Signal.objects.count() < total:
            firing()
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts == [7, 7]


def test_put_sets_it_whole_and_patch_in_part(
    cast: Cast,
    api_for: ApiFor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = api_for(cast.manager)
    with django_capture_on_commit_callbacks() as queued:
        put = client.send("PUT", PAGE, {"is_enabled": False, "parameters": {"silent_days": 7}})
        patched = client.send("PATCH", PAGE, {"parameters": {"past_reviving_days": 90}})
        back = client.send("PUT", PAGE, {"is_enabled": True, "parameters": {}})
    seen = [
        (a.status_code, a["ETag"], a.json()["is_enabled"], a.json()["parameters"])
        for a in (put, patched, back)
    ]
    assert seen == [
        (200, '"1"', False, {"silent_days": 7, "past_reviving_days": 120}),
        (200, '"2"', False, {"silent_days": 7, "past_reviving_days": 90}),
        (200, '"3"', True, DEFAULTS),
    ]
    assert put.json()["changed_by"] == cast.manager.pk
    entries = AuditEntry.objects.filter(event="settings.changed").order_by("id")
    assert [(entry.origin, entry.actor_id) for entry in entries] == [("api", cast.manager.pk)] * 3
    # The first scan still waits when the others are asked for; each change is a line of the log, too.
    assert (Scan.objects.count(), len(queued)) == (1, 3 + 3)


def test_what_was_read_can_be_sent_back_changed(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    read = client.get(PAGE).json()
    answer = client.send("PUT", PAGE, {**read, "is_enabled": False})
    assert (answer.status_code, answer.json()["is_enabled"]) == (200, False)


def test_if_match_holds_against_a_newer_change(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    change_setting(user=cast.admin, key="lead_inactive", now=NOW, is_enabled=False)
    body = {"is_enabled": True}
    stale = client.send("PATCH", PAGE, body, If_Match='"0"')
    senseless = client.send("PATCH", PAGE, body, If_Match="yesterday")
    for answer in (stale, senseless):
        assert (answer.status_code, answer.json()["code"], answer.json()["revision"]) == (
            412,
            "setting_changed",
            1,
        )
    assert client.send("PATCH", PAGE, body, If_Match='"1"').status_code == 200
    assert client.send("PATCH", PAGE, {"is_enabled": False}, If_Match="*").status_code == 200


@pytest.mark.parametrize(
    ("parameters", "errors"),
    [
        ({"silent_days": 0}, {"silent_days": ["A whole number from 1 to 365."]}),
        ({"silent_days": "7"}, {"silent_days": ["A whole number from 1 to 365."]}),
        ({"silent_days": 7.5}, {"silent_days": ["A whole number from 1 to 365."]}),
        ({"silent_days": True}, {"silent_days": ["A whole number from 1 to 365."]}),
        ({"days": 7}, {"days": ["There is no such parameter."]}),
        (
            {"silent_days": 120},
            {"non_field_errors": ["past_reviving_days must be greater than silent_days."]},
        ),
    ],
)
def test_parameters_that_do_not_fit_are_a_422(
    cast: Cast, api_for: ApiFor, parameters: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = api_for(cast.manager).send("PATCH", PAGE, {"parameters": parameters})
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "invalid_parameters")
    assert body["errors"] == {"parameters": errors}
    assert TriggerSetting.objects.count() == 0


@pytest.mark.parametrize(
    ("method", "body", "errors"),
    [
        ("PUT", {"is_enabled": True}, {"parameters": ["This field is required."]}),
        ("PUT", {"parameters": {}}, {"is_enabled": ["This field is required."]}),
        ("PATCH", {"is_enabled": "perhaps"}, {"is_enabled": ["Must be a valid boolean."]}),
        ("PATCH", {"enabled": True}, {"enabled": ["There is no such field."]}),
        (
            "PATCH",
            {"parameters": [7]},
            {"parameters": ['Expected a dictionary of items but got type "list".']},
        ),
    ],
)
def test_a_body_that_is_not_as_it_should_be_is_a_400(
    cast: Cast, api_for: ApiFor, method: str, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = api_for(cast.manager).send(method, PAGE, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"] == errors


def test_a_list_is_no_body(cast: Cast, api_for: ApiFor) -> None:
    answer = api_for(cast.manager).send("PATCH", PAGE, [])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_an_unknown_trigger_is_a_404(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    for method in ("GET", "PUT", "PATCH"):
        answer = client.send(method, "/api/v1/triggers/lead_inactve/", {"is_enabled": False})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_trigger")


def test_a_rep_reads_a_stranger_does_not(
    cast: Cast, api_for: ApiFor, anonymous_client: TenantClient
) -> None:
    client = api_for(cast.rep)
    for method in ("PUT", "PATCH"):
        answer = client.send(method, PAGE, {"is_enabled": False, "parameters": {}})
        assert (answer.status_code, answer.json()["code"]) == (403, "setting_permission")
    assert TriggerSetting.objects.count() == 0
    cast.teammate.groups.clear()
    stranger = api_for(cast.teammate)
    for path in (LIST, PAGE):
        assert client.get(path).status_code == 200
        assert anonymous_client.get(path).status_code == 401
        assert stranger.get(path).status_code == 403
    assert client.send("DELETE", PAGE).status_code == 405


def test_each_tenant_reads_its_own(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    with globex:
        LeadFactory()
        firing()
        change_setting(user=globex_cast.manager, key="lead_inactive", now=NOW, is_enabled=False)
    body = api_for(cast.manager).get(PAGE).json()
    assert (body["is_enabled"], body["revision"], body["firing"]) == (True, 0, 0)


class MeasuredLeadInactive(LeadInactive):
    """The trigger, measuring how long leads are silent."""

    def distribution(
        self, figures: Mapping[str, JsonValue], parameters: LeadInactiveParameters
    ) -> tuple[DistributionRow, ...]:
        return (
            DistributionRow("Web", 40, 5, 12.5, 12.5, "days"),
            DistributionRow("Fair", 3, None, None, parameters.silent_days, "days"),
        )


def test_own_figures_come_with_their_distribution(
    cast: Cast, api_for: ApiFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._triggers, "lead_inactive", MeasuredLeadInactive())
    for day in ("2026-03-01", "2026-03-02"):
        Baseline.objects.create(trigger="lead_inactive", version=day, measured_at=NOW)
    body = api_for(cast.rep).get(PAGE).json()
    assert body["measured_on"] == "2026-03-02"
    assert body["distribution"] == [
        {"label": "Web", "count": 40, "p50": 5, "p80": 12.5, "threshold": 12.5, "unit": "days"},
        {"label": "Fair", "count": 3, "p50": None, "p80": None, "threshold": 14, "unit": "days"},
    ]
