"""How realtime voice is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.realtime.models import RealtimeSettings
from apps.users.models import User

PAGE = "/realtime/settings/"
ClientFor = Callable[[User], TenantClient]


def posted(**changes: Any) -> dict[str, Any]:
    form = {
        "model": "",
        "voice": "marin",
        "longest_session_min": "15",
        "longest_idle_s": "120",
        "session_limit_usd": "2.00",
        "month_limit_usd": "50.00",
        "telemetry_days": "14",
        "session_days": "365",
        "revision": "0",
    }
    return form | changes


def test_an_administrator_changes_it_on_record(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    assert client.get(PAGE).status_code == 200
    answer = client.post(PAGE, posted(longest_idle_s="60", month_limit_usd="9.50"))
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    row = RealtimeSettings.objects.get()
    assert (row.longest_idle_s, str(row.month_limit_usd), row.revision) == (60, "9.50", 1)
    (entry,) = AuditEntry.objects.filter(event=Event.SETTINGS_CHANGED)
    assert entry.details == {
        "setting": "realtime",
        "before": {"longest_idle_s": 120, "month_limit_usd": "50.00"},
        "after": {"longest_idle_s": 60, "month_limit_usd": "9.50"},
    }


def test_what_is_so_already_is_not_written(cast: Cast, client_for: ClientFor) -> None:
    client_for(cast.admin).post(PAGE, posted())
    assert RealtimeSettings.objects.get().revision == 0
    assert not AuditEntry.objects.filter(event=Event.SETTINGS_CHANGED).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"longest_session_min": "61"},
        {"longest_session_min": "0"},
        {"longest_idle_s": "3"},
        {"session_limit_usd": "-1"},
        {"telemetry_days": "91"},
        {"session_days": "99"},
        {"voice": ""},
        {"voice": "x" * 41},
        {"revision": "x"},
    ],
)
def test_what_is_out_of_bounds_is_refused(
    cast: Cast, client_for: ClientFor, change: dict[str, str]
) -> None:
    assert client_for(cast.admin).post(PAGE, posted(**change)).status_code == 422
    assert not RealtimeSettings.objects.exists()


def test_of_two_who_change_it_the_second_is_told(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    client.post(PAGE, posted(voice="cedar"))
    answer = client.post(PAGE, posted(voice="ash"))
    assert answer.status_code == 409
    assert "changed these settings meanwhile" in answer.content.decode()
    assert RealtimeSettings.objects.get().voice == "cedar"


@pytest.mark.parametrize("who", ["rep", "manager"])
def test_nobody_else_sees_or_changes_it(cast: Cast, client_for: ClientFor, who: str) -> None:
    client = client_for(getattr(cast, who))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, posted(voice="ash")).status_code == 403
    assert not RealtimeSettings.objects.exists()


@pytest.mark.parametrize(("key", "count"), [("sk-stand-in-tests", 1), ("sk-proj-somebody", 0)])
def test_a_stand_in_is_labelled_whatever_its_model_is_called(
    cast: Cast, client_for: ClientFor, settings: LazySettings, key: str, count: int
) -> None:
    settings.REALTIME_API_KEY, settings.REALTIME_MODEL = key, "gpt-realtime"
    client = client_for(cast.admin)
    assert client.get(PAGE).content.decode().count("A stand-in answers") == count
    assert client.get("/realtime/voice/").content.decode().count("Nobody real answers") == count
