"""Of the demo's texts only those that are meant to be are taken for instructions to an AI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from apps.brain.hostile import reads_like_orders
from apps.operations.demo.simulation.acme import simulate_acme
from apps.operations.demo.simulation.globex import simulate_globex
from apps.operations.demo.texts import HOSTILE_LEAD_NOTES, HOSTILE_MAIL, HOSTILE_NOTE
from apps.operations.tests.test_demo_simulation import NOW

HOSTILE = {HOSTILE_NOTE[1]: "role_marks", HOSTILE_MAIL[1]: "orders", HOSTILE_LEAD_NOTES: "markup"}


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from texts_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_in(getattr(value, field.name))


def test_only_the_hostile_ones_read_like_orders() -> None:
    worlds = simulate_acme(now=NOW, seed=1, share=0.1), simulate_globex(now=NOW, seed=1)
    texts = {text for world in worlds for text in texts_in(world)}
    assert len(texts) > 20_000
    found = {text: code for text in texts if (code := reads_like_orders(text))}
    assert found == HOSTILE
