"""Setting a trigger: within bounds, on record, against nobody's change, with a scan after it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.services import Detail, Entry, record_event
from apps.audit.tests.chains import WRITER
from apps.conftest import Cast, make_cast
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import (
    InvalidParametersError,
    SettingChangedError,
    SettingPermissionError,
    UnknownTriggerError,
)
from apps.triggers.ledger import request_scan
from apps.triggers.models import Scan, TriggerSetting
from apps.triggers.rules import registry
from apps.triggers.settings import (
    Change,
    change_setting,
    past_changes,
    read_setting,
    read_settings,
)
from apps.triggers.tests.test_scans import another_worker_scanning
from apps.users.models import User

NOW = timezone.now()
DEFAULTS = {"silent_days": 14, "past_reviving_days": 120}


def set_lead_inactive(user: User, **wanted: Any) -> Change:
    return change_setting(user=user, key="lead_inactive", now=NOW, **wanted)


def entries() -> list[dict[str, Any]]:
    found = AuditEntry.objects.filter(event="settings.changed").order_by("id")
    return [entry.details for entry in found]


def test_what_nobody_has_set_is_on_with_its_defaults(acme: Tenant) -> None:
    setting = read_setting("lead_inactive")
    assert (setting.choice.is_enabled, setting.choice.parameters) == (True, DEFAULTS)
    assert (setting.revision, setting.changed_by, setting.changed_at) == (0, None, None)
    assert (setting.is_default, setting.is_misfit) == (True, False)
    assert [row.trigger.key for row in read_settings()] == [row.key for row in registry.all()]


def test_a_change_is_stored_and_on_record_with_both_editions(cast: Cast) -> None:
    change = set_lead_inactive(cast.manager, is_enabled=False, parameters={"silent_days": 3})
    row = TriggerSetting.objects.get()
    assert (row.trigger, row.is_enabled, row.revision) == ("lead_inactive", False, 1)
    assert row.parameters == {"silent_days": 3, "past_reviving_days": 120}
    assert change.setting == read_setting("lead_inactive")
    assert (change.setting.changed_by, change.setting.own_parameters) == (
        cast.manager,
        ["silent_days"],
    )
    assert entries() == [
        {
            "trigger": "lead_inactive",
            "before": {"is_enabled": True, "parameters": DEFAULTS},
            "after": {"is_enabled": False, "parameters": {**DEFAULTS, "silent_days": 3}},
        }
    ]
    entry = AuditEntry.objects.get(event="settings.changed")
    assert (entry.actor_id, entry.actor_name, entry.origin) == (
        cast.manager.pk,
        cast.manager.display_name,
        "person",
    )


def test_a_scan_of_the_trigger_is_queued(cast: Cast) -> None:
    change = set_lead_inactive(cast.manager, is_enabled=False)
    scan = Scan.objects.get()
    assert change.scan == scan
    assert (scan.kind, scan.status, scan.triggers, scan.requested_by) == (
        "manual",
        "queued",
        ["lead_inactive"],
        cast.manager,
    )


def test_a_queued_scan_with_the_trigger_will_do(cast: Cast) -> None:
    waiting = request_scan(user=cast.rep, now=NOW)
    assert set_lead_inactive(cast.manager, is_enabled=False).scan == waiting


def test_a_running_scan_will_not_do_because_it_may_have_passed_the_trigger(
    cast: Cast, acme: Tenant
) -> None:
    running = Scan.objects.create(
        kind=ScanKind.FULL,
        status=ScanStatus.RUNNING,
        triggers=["lead_inactive"],
        heartbeat_at=timezone.now(),
    )
    with another_worker_scanning(acme):
        scan = set_lead_inactive(cast.manager, is_enabled=False).scan
    running.refresh_from_db()
    assert scan is not None
    assert (running.status, scan.pk != running.pk, scan.status) == ("running", True, "queued")


def test_a_scan_of_one_trigger_does_not_stand_for_one_of_all(cast: Cast) -> None:
    of_one = set_lead_inactive(cast.manager, is_enabled=False).scan
    of_all = request_scan(user=cast.rep, now=NOW)
    assert of_one is not None
    assert of_all.pk != of_one.pk
    assert of_all.triggers == [trigger.key for trigger in registry.all()]
    # The other way round it does: the one of all has not begun.
    assert request_scan(user=cast.rep, now=NOW) == of_all


def test_what_is_so_already_leaves_no_trace(cast: Cast) -> None:
    set_lead_inactive(cast.manager, parameters={"silent_days": 3})
    Scan.objects.all().delete()
    again = set_lead_inactive(cast.admin, is_enabled=True, parameters={"silent_days": 3})
    assert (again.scan, again.setting.revision, again.setting.changed_by) == (None, 1, cast.manager)
    assert (len(entries()), Scan.objects.count()) == (1, 0)


def test_parameters_left_out_take_their_defaults_or_stay(cast: Cast) -> None:
    set_lead_inactive(cast.manager, parameters={"silent_days": 3, "past_reviving_days": 60})
    kept = set_lead_inactive(cast.manager, parameters={"silent_days": 5}, keeps_others=True)
    assert kept.setting.choice.parameters == {"silent_days": 5, "past_reviving_days": 60}
    off = set_lead_inactive(cast.manager, is_enabled=False)
    assert off.setting.choice.parameters == {"silent_days": 5, "past_reviving_days": 60}
    fresh = set_lead_inactive(cast.manager, parameters={"silent_days": 5})
    assert fresh.setting.choice.parameters == {"silent_days": 5, "past_reviving_days": 120}
    assert fresh.setting.choice.is_enabled is False


def test_the_defaults_are_not_stored_so_that_they_may_change(cast: Cast) -> None:
    set_lead_inactive(cast.manager, parameters={"silent_days": 3})
    change = set_lead_inactive(cast.manager, parameters={})
    row = TriggerSetting.objects.get()
    assert (row.parameters, row.revision, change.setting.is_default) == ({}, 2, True)
    assert entries()[1]["after"] == {"is_enabled": True, "parameters": DEFAULTS}


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ({"silent_days": 0}, [("silent_days", "A whole number from 1 to 365.")]),
        ({"silent_days": "3"}, [("silent_days", "A whole number from 1 to 365.")]),
        ({"silent_days": None}, [("silent_days", "A whole number from 1 to 365.")]),
        ({"quiet_days": 3}, [("quiet_days", "There is no such parameter.")]),
        (
            {"silent_days": 200},
            [("", "past_reviving_days must be greater than silent_days.")],
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(
    cast: Cast, parameters: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidParametersError) as caught:
        set_lead_inactive(cast.manager, parameters=parameters)
    assert [(found.name, found.message) for found in caught.value.problems] == problems
    assert (TriggerSetting.objects.count(), Scan.objects.count(), entries()) == (0, 0, [])


def test_a_rep_changes_nothing(cast: Cast) -> None:
    with pytest.raises(SettingPermissionError):
        set_lead_inactive(cast.rep, is_enabled=False)
    assert (TriggerSetting.objects.count(), entries()) == (0, [])


def test_an_unknown_trigger_is_named(cast: Cast) -> None:
    with pytest.raises(UnknownTriggerError):
        change_setting(user=cast.manager, key="lead_inactve", now=NOW, is_enabled=False)
    with pytest.raises(UnknownTriggerError):
        read_setting("lead_inactve")


def test_over_a_newer_revision_nothing_is_written(cast: Cast) -> None:
    set_lead_inactive(cast.admin, is_enabled=False)
    with pytest.raises(SettingChangedError) as caught:
        set_lead_inactive(cast.manager, parameters={"silent_days": 3}, revision_read=0)
    assert caught.value.extras == {"revision": 1}
    assert read_setting("lead_inactive").choice.parameters == DEFAULTS
    set_lead_inactive(cast.manager, parameters={"silent_days": 3}, revision_read=1)
    assert read_setting("lead_inactive").choice.parameters["silent_days"] == 3


def test_what_no_longer_fits_shows_defaults_and_is_put_right_by_saving(cast: Cast) -> None:
    TriggerSetting.objects.create(
        trigger="lead_inactive", parameters={"forgotten_days": 3}, revision=1
    )
    setting = read_setting("lead_inactive")
    assert (setting.is_misfit, setting.is_default, setting.choice.parameters) == (
        True,
        False,
        DEFAULTS,
    )
    change = set_lead_inactive(cast.manager, parameters=DEFAULTS)
    assert (change.setting.is_misfit, TriggerSetting.objects.get().parameters) == (False, {})


def test_of_two_who_read_the_same_revision_one_is_told(committed_tenant: Tenant) -> None:
    cast = make_cast()
    works = [
        partial(set_lead_inactive, person, parameters={"silent_days": days}, revision_read=0)
        for person, days in ((cast.manager, 3), (cast.admin, 5))
    ]
    results = at_once(committed_tenant, works)
    (refusal,) = [result for result in results if isinstance(result, SettingChangedError)]
    (done,) = [result for result in results if isinstance(result, Change)]
    assert refusal.extras == {"revision": 1}
    assert read_setting("lead_inactive") == done.setting
    assert len(entries()) == 1


def test_past_changes_are_told_in_words_newest_first(cast: Cast) -> None:
    set_lead_inactive(cast.manager, parameters={"silent_days": 3})
    set_lead_inactive(cast.admin, is_enabled=False, origin=Origin.API)
    change_setting(user=cast.admin, key="task_overdue", now=NOW, is_enabled=False)
    told = past_changes(registry.get("lead_inactive"), limit=10)
    assert [
        (change.who, change.origin, [(v.label, v.before, v.after) for v in change.values])
        for change in told
    ] == [
        (cast.admin.display_name, "API", [("State", "on", "off")]),
        (cast.manager.display_name, "Person", [("Silent for", "14 days", "3 days")]),
    ]
    assert len(past_changes(registry.get("lead_inactive"), limit=1)) == 1
    odds: list[Detail] = ["now", ["now"], {"parameters": 7}]
    for odd in odds:
        details: dict[str, Detail] = {"trigger": "lead_inactive", "before": odd}
        record_event(WRITER, Entry(Event.SETTINGS_CHANGED, details=details))
    assert past_changes(registry.get("lead_inactive"), limit=10) == told
