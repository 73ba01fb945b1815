"""Secrets of tenants are sealed before they are stored, and their keys can be changed."""

from __future__ import annotations

from typing import Any

import pytest

from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.secrets import reseal, seal, unseal

SECRET = "sk-a-key-of-a-tenant"


def test_a_sealed_secret_comes_back_and_does_not_show() -> None:
    sealed = seal(SECRET)
    assert unseal(sealed) == SECRET
    assert SECRET not in sealed
    assert seal(SECRET) != sealed


def test_a_new_key_opens_what_an_old_one_sealed_as_long_as_both_are_in_force(settings: Any) -> None:
    settings.SECRET_SEALING_KEYS = ["old"]
    sealed = seal(SECRET)
    settings.SECRET_SEALING_KEYS = ["new", "old"]
    assert unseal(sealed) == SECRET
    again = reseal(sealed)
    settings.SECRET_SEALING_KEYS = ["new"]
    assert unseal(again) == SECRET
    with pytest.raises(SecretUnreadableError):
        unseal(sealed)
    with pytest.raises(SecretUnreadableError):
        reseal(sealed)


@pytest.mark.parametrize("broken", ["", "not sealed", "gAAAAAB"])
def test_what_nobody_sealed_is_refused(broken: str) -> None:
    with pytest.raises(SecretUnreadableError, match="enter it again"):
        unseal(broken)
