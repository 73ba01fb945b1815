"""Addresses that a tenant may name for its language model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import LazySettings

from apps.audit.schemas import Actor
from apps.brain.addresses import check_address
from apps.brain.enums import Goal, Mode, Provider
from apps.brain.exceptions import AddressRefusedError
from apps.brain.models import ONLY_ROW, BrainCall, BrainSettings
from apps.brain.services import think
from apps.brain.tests.factories import NOW
from apps.brain.tests.questions import QUESTIONS
from apps.crm.enums import RecordKind
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from stubs.openai_server.testing import RunningStandIn

PRIVATE = "This host stands in a private network. Only the operator can allow it."
NOT_HTTPS = "The key and the facts travel to this address: it has to begin with https://."
NO_ADDRESS = "This is no address: it begins with https:// and a host."


def refusal(url: str) -> str:
    with pytest.raises(AddressRefusedError) as refused:
        check_address(url)
    return refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/v1",
        "https://127.0.0.1:8443/v1",
        "https://127.1/v1",
        "https://2130706433/v1",
        "https://0x7f000001/v1",
        "https://0x7f.1/v1",
        "https://0177.0.0.1/v1",
        "https://0.0.0.0/v1",
        "https://10.0.0.1/v1",
        "https://172.16.3.4/v1",
        "https://192.168.1.1/v1",
        "https://100.64.0.1/v1",
        "https://169.254.169.254/latest/meta-data",
        "https://0xa9fea9fe/latest",
        "https://224.0.0.1/v1",
        "https://255.255.255.255/v1",
        "https://[::1]/v1",
        "https://[::]/v1",
        "https://[fe80::1]/v1",
        "https://[fd00::1]/v1",
        "https://[ff0e::1]/v1",
        "https://[::ffff:127.0.0.1]/v1",
        "https://[::ffff:a9fe:a9fe]/v1",
        "https://[2002:7f00:1::]/v1",
        "https://[64:ff9b::a00:1]/v1",
        "https://[64:ff9b:1::a00:1]/v1",
        "https://[::10.0.0.1]/v1",
        "https://[::ffff:0:10.0.0.1]/v1",
        "https://[fec0::1]/v1",
        "https://192.0.0.8/v1",
    ],
)
def test_an_address_inside_the_network_is_refused_in_every_spelling(url: str) -> None:
    assert refusal(url) == PRIVATE


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8/v1", "https://[2606:4700::1111]/v1", "https://[64:ff9b::808:808]/v1"]
)
def test_an_address_of_the_public_internet_is_taken(url: str) -> None:
    check_address(url)


def test_plain_http_is_refused_outside_listed_hosts(settings: LazySettings) -> None:
    assert refusal("http://8.8.8.8/v1") == NOT_HTTPS
    settings.BRAIN_PRIVATE_HOSTS = ["localhost", "llm.internal"]
    check_address("http://localhost:11434/v1")
    # Listed by name: the name need not be known here.
    check_address("http://LLM.internal/v1")
    # The list names hosts, not what they lead to.
    assert refusal("https://127.0.0.1/v1") == PRIVATE
    assert refusal("http://llm.internal.example/v1") == NOT_HTTPS


@pytest.mark.parametrize(
    "url", ["", "localhost", "ftp://8.8.8.8/", "https://", "file:///etc/passwd"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert refusal(url) == NO_ADDRESS


@pytest.mark.parametrize("url", ["https://[::1/v1", "https://8.8.8.8:99999/v1"])
def test_what_cannot_be_read_is_refused(url: str) -> None:
    assert refusal(url) == "This is no address."


@pytest.mark.parametrize(
    "url",
    ["https://user:secret@8.8.8.8/", "https://8.8.8.8/?key=secret", "https://8.8.8.8/#part"],
)
def test_an_address_carries_nothing_else(url: str) -> None:
    assert "the key has its own field" in refusal(url)


def test_a_host_that_is_not_known_is_refused() -> None:
    assert refusal("https://nowhere.invalid/v1") == "There is no host of this name."
    # Longer than a name may be.
    assert refusal(f"https://{'a' * 70}.example/v1") == "There is no host of this name."


def test_an_address_is_looked_over_again_before_it_is_asked(
    acme: Tenant, stand_in: RunningStandIn, settings: LazySettings
) -> None:
    """A name may lead elsewhere than when it was saved, and the operator may take a host off the list."""
    BrainSettings.objects.create(
        pk=ONLY_ROW,
        provider=Provider.OPENAI,
        base_url=stand_in.base_url,
        model="stand-in",
        sealed_key=seal(stand_in.key),
    )
    settings.BRAIN_PRIVATE_HOSTS = []
    task = replace(QUESTIONS[Goal.REVIVE_LEAD, RecordKind.LEAD], tools=("create_followup",))
    (answer,) = think([task], Mode.PROPOSE_ACTIONS, actor=Actor.for_system("tests"), now=NOW)
    assert (answer.call.provider, answer.call.fell_back_because) == ("rules", "address_refused")
    assert (stand_in.requests(), BrainCall.objects.count()) == ([], 1)
