"""Setting the Brain: within bounds, on record, against nobody's change, and without a word about the key."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.services import Detail, Entry, record_event
from apps.audit.tests.chains import WRITER
from apps.brain import providers
from apps.brain.config import read_config
from apps.brain.enums import FallBack, Language, Provider, Tone
from apps.brain.exceptions import (
    InvalidSettingsError,
    SettingsChangedError,
    SettingsPermissionError,
)
from apps.brain.models import BrainSettings
from apps.brain.settings import Change, ChangedValue, change_settings, past_changes
from apps.brain.tests.factories import NOW
from apps.conftest import Cast
from apps.tenants.models import Tenant
from apps.users.models import User

KEY = "sk-tenants-own-key-9876"
OWN_ADDRESS = "https://8.8.8.8/v1"


def change(user: User, key: str = "", *, removes_key: bool = False, **values: Any) -> Change:
    return change_settings(user=user, values=values, new_key=key, removes_key=removes_key)


def details() -> list[dict[str, Any]]:
    found = AuditEntry.objects.filter(event="settings.changed").order_by("id")
    return [entry.details for entry in found]


def problems(user: User, key: str = "", *, removes_key: bool = False, **values: Any) -> Any:
    with pytest.raises(InvalidSettingsError) as refused:
        change(user, key, removes_key=removes_key, **values)
    return refused.value.problems


def test_a_change_is_stored_and_on_record_with_what_was_before(cast: Cast) -> None:
    made = change(
        cast.admin, provider=Provider.OPENAI, tone=Tone.FORMAL, hard_limit_usd=Decimal("75.50")
    )
    assert (made.is_changed, made.settings.revision) == (True, 1)
    row = BrainSettings.objects.get()
    assert (row.provider, row.tone, row.hard_limit_usd) == ("openai", "formal", Decimal("75.50"))
    assert details() == [
        {
            "setting": "brain",
            "before": {"provider": "rules", "tone": "plain", "hard_limit_usd": "50.00"},
            "after": {"provider": "openai", "tone": "formal", "hard_limit_usd": "75.50"},
        }
    ]
    entry = AuditEntry.objects.get(event="settings.changed")
    assert (entry.actor_name, entry.origin) == (str(cast.admin), Origin.PERSON)


def test_what_is_so_already_is_not_written(cast: Cast) -> None:
    made = change(cast.admin, tone="plain", language="English", concurrency=8)
    assert (made.is_changed, made.settings.revision, details()) == (False, 0, [])
    assert not change(cast.admin, removes_key=True).is_changed


def test_a_key_is_sealed_and_named_nowhere(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    change(cast.admin, KEY)
    row = BrainSettings.objects.get()
    assert (KEY in row.sealed_key, row.key_ends_in) == (False, "9876")
    assert read_config().api_key == KEY
    assert KEY not in repr(read_config())
    change(cast.admin, removes_key=True)
    row.refresh_from_db()
    assert (row.sealed_key, row.key_ends_in) == ("", "")
    assert details() == [
        {"setting": "brain", "before": {}, "after": {}, "key": "replaced"},
        {"setting": "brain", "before": {}, "after": {}, "key": "removed"},
    ]
    assert KEY not in json.dumps(details())
    assert KEY not in caplog.text


def test_of_a_short_key_no_character_is_kept_in_the_open(cast: Cast) -> None:
    change(cast.admin, "none-needed")
    assert BrainSettings.objects.get().key_ends_in == ""
    assert read_config().api_key == "none-needed"


def test_only_administrators_change_it(cast: Cast) -> None:
    for person in (cast.rep, cast.manager):
        with pytest.raises(SettingsPermissionError):
            change(person, tone=Tone.FORMAL)
    assert not BrainSettings.objects.exists()


def test_a_stale_change_is_refused(cast: Cast) -> None:
    change(cast.admin, tone=Tone.FORMAL)
    with pytest.raises(SettingsChangedError) as refused:
        change_settings(user=cast.admin, values={"tone": Tone.FRIENDLY}, revision_read=0)
    assert refused.value.extras == {"revision": 1}
    assert BrainSettings.objects.get().tone == Tone.FORMAL
    change_settings(user=cast.admin, values={"tone": Tone.FRIENDLY}, revision_read=1)
    assert BrainSettings.objects.get().tone == Tone.FRIENDLY


def test_values_out_of_bounds_are_refused_by_name(cast: Cast) -> None:
    found = problems(
        cast.admin,
        provider="oracle",
        tone="shouting",
        language="Klingon",
        connect_timeout_s=0,
        read_timeout_s=121,
        most_retries=6,
        concurrency=65,
        capture_days=91,
        hard_limit_usd=Decimal(-1),
        input_usd=Decimal("0.00001"),
    )
    assert sorted(found) == [
        "capture_days", "concurrency", "connect_timeout_s", "hard_limit_usd", "input_usd", "language",
        "most_retries", "provider", "read_timeout_s", "tone",
    ]  # fmt: skip
    assert problems(cast.admin, sealed_key="x") == {"sealed_key": ["There is no such setting."]}
    assert problems(cast.admin, revision=7) == {"revision": ["There is no such setting."]}
    assert not BrainSettings.objects.exists()


def test_what_does_not_fit_together_is_refused_at_its_place(cast: Cast) -> None:
    soft = ["The soft limit lies below the hard one, or at it."]
    assert problems(cast.admin, hard_limit_usd=Decimal(5), soft_limit_tokens=50_000_001) == {
        "soft_limit_usd": soft,
        "soft_limit_tokens": soft,
    }
    price = ["Give all three prices, or none for the list price."]
    assert problems(cast.admin, input_usd=Decimal(1)) == {"cached_usd": price, "output_usd": price}


def test_an_address_inside_the_network_is_refused(cast: Cast) -> None:
    assert problems(cast.admin, KEY, base_url="https://169.254.169.254/v1") == {
        "base_url": ["This host stands in a private network. Only the operator can allow it."]
    }
    assert problems(cast.admin, KEY, base_url="https://8.8.8.8/" + "a" * 300) == {
        "base_url": ["An address has at most 300 characters."]
    }


def test_a_stored_key_goes_to_no_address_that_it_was_not_typed_for(cast: Cast) -> None:
    change(cast.admin, KEY)
    another = ["The address is another: enter the key for it, or remove the one that is stored."]
    assert problems(cast.admin, base_url=OWN_ADDRESS) == {"key": another}
    change(cast.admin, KEY, base_url=OWN_ADDRESS)
    assert problems(cast.admin, base_url="") == {"key": another}
    change(cast.admin, base_url="", removes_key=True)
    assert read_config().api_key == ""


@pytest.mark.parametrize("key", ["two words", "schlüssel-0123456789", "line\nbreak", "x" * 501])
def test_what_is_no_key_is_refused(cast: Cast, key: str) -> None:
    assert list(problems(cast.admin, key)) == ["key"]


def test_a_key_is_replaced_or_removed(cast: Cast) -> None:
    assert list(problems(cast.admin, KEY, removes_key=True)) == ["key"]


def test_new_settings_are_tried_at_once(cast: Cast) -> None:
    providers.note_failures(9, NOW)
    providers.note_fall_back(FallBack.RESTING, NOW)
    assert providers.admit(NOW) == 0
    change(cast.admin, KEY)
    state = providers.state()
    assert (state.fell_back_because, state.fell_back_at, state.failures) == ("", None, 0)
    assert providers.admit(NOW) is None


def test_past_changes_are_told_in_words(cast: Cast) -> None:
    change(cast.admin, KEY, provider=Provider.OPENAI, captures_text=True, model="gpt-5")
    change(cast.admin, language=Language.GERMAN)
    newest, oldest = past_changes(10)
    assert newest.values == (ChangedValue("Language", "English", "German"),)
    assert (oldest.who, oldest.origin) == (str(cast.admin), "Person")
    assert oldest.values == (
        ChangedValue("Written by", "Built-in rules", "Language model"),
        ChangedValue("Model", "not set", "gpt-5"),
        ChangedValue("Keep prompts and answers", "off", "on"),
        ChangedValue("Key", "", "replaced"),
    )
    assert [len(past_changes(1)), len(past_changes(0))] == [1, 0]
    odd: dict[str, Detail] = {"setting": "brain", "before": "now", "after": 7}
    record_event(WRITER, Entry(Event.SETTINGS_CHANGED, details=odd))
    assert past_changes(10) == [newest, oldest]


def test_a_tenants_settings_are_its_own(cast: Cast, globex: Tenant) -> None:
    change(cast.admin, KEY, model="gpt-5")
    with globex:
        assert (read_config().api_key, read_config().model) == ("", "gpt-4.1-mini")
