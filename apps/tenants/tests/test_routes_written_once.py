"""Addresses whose way is looked up once are those that Django finds."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.urls import NoReverseMatch, reverse

from apps.tenants.routes import address_if_any, address_of


@pytest.mark.parametrize("pk", [1, 41, 9_007_199_254_740_993])
def test_an_address_with_an_id_is_what_reverse_finds(pk: int) -> None:
    assert address_of("suggestions:undo", pk) == reverse("suggestions:undo", args=[pk])


def test_another_map_of_addresses_is_asked_itself() -> None:
    assert address_if_any("suggestions:queue") == reverse("suggestions:queue")

    with override_settings(ROOT_URLCONF="aisha.urls_public"):
        assert address_if_any("suggestions:queue") is None
        with pytest.raises(NoReverseMatch):
            address_of("suggestions:undo", 1)
