"""What there is to discover in the demo: promises, buyers, changed rhythms, departures, twins."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from apps.operations.bench.discovery.comparing import Finding
from apps.operations.bench.discovery.truths import truths_of
from apps.operations.demo.causes import Resemblance
from apps.operations.tests.test_demo_simulation import NOW, globex, whole_acme


def test_promises_that_were_forgotten_name_their_day_and_lie_before_it() -> None:
    for world in (whole_acme(), globex()):
        rows = {row.key: row for row in world.activities}
        for key, day in world.causes.forgotten_promises.items():
            assert timedelta(0) < day - rows[key].occurred_at.date() <= timedelta(days=11)
            assert rows[key].direction != "inbound" or rows[key].kind == "call"
    assert len(whole_acme().causes.forgotten_promises) > 50


def test_who_means_to_buy_has_said_so_in_a_mail() -> None:
    world = whole_acme()
    said = {(row.lead, row.occurred_at) for row in world.activities if row.direction == "inbound"}
    assert {(key, at) in said for key, at in world.causes.intents.items()} == {True}
    assert not set(world.causes.lookalike_leads) & {
        key for key, at in world.causes.intents.items() if at > NOW - timedelta(days=6)
    }


def test_about_three_of_a_hundred_contacts_are_somebody_whom_one_knows_already() -> None:
    for world in (whole_acme(), globex()):
        pairs = [pair for pair in world.causes.look_alikes if pair.are_same]
        contacts = [p for p in pairs if p.one[0] == p.other[0] == "contact"]
        assert 0.02 <= len(contacts) / len(world.contacts) <= 0.04
        assert set(Resemblance) == {pair.resemblance for pair in world.causes.look_alikes}
        known = {("contact", row.key) for row in world.contacts}
        known |= {("lead", row.key) for row in world.leads}
        known |= {("account", row.key) for row in world.accounts}
        assert {side in known for pair in pairs for side in (pair.one, pair.other)} == {True}


def test_what_was_imported_at_once_was_entered_within_a_minute() -> None:
    entered = Counter(row.entered_at for row in globex().activities if row.entered_at)
    assert entered
    assert min(entered.values()) > 1


def test_there_is_something_of_every_kind_to_find() -> None:
    acme, other = (truths_of(world, NOW) for world in (whole_acme(), globex()))
    # Acme has few customers who leave, and globex few leads.
    assert {f for f in Finding if not acme[f].holds} <= {Finding.CHURN}
    assert {f for f in Finding if not other[f].holds} <= {Finding.HOT_LEAD}


def test_the_same_seed_makes_the_same_causes() -> None:
    assert globex().causes.departures == globex.__wrapped__().causes.departures
