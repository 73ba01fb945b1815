"""The engagement of contacts: a formula whose parts can be told."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.crm.models import Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory
from apps.predictions.features import contact_engagement
from apps.predictions.features.reading import Engagement
from apps.predictions.tests.features.stories import Story, day
from apps.tenants.models import Tenant

KNOWN_FOR = timedelta(days=500)


def known_contact() -> Contact:
    contact: Contact = ContactFactory(created_at=timezone.now() - KNOWN_FOR)
    return contact


def present_of(contact: Contact) -> datetime:
    """The moment at which the contact was made: the present is read otherwise than a past of ten minutes."""
    return contact.created_at + KNOWN_FOR


def in_touch(contact: Contact, days: float, direction: str, kind: str = "email") -> None:
    ActivityFactory(
        contact=contact,
        activity_kind=kind,
        direction=direction,
        occurred_at=present_of(contact) - timedelta(days=days),
    )


def engagement(contact: Contact) -> Engagement:
    (found,) = contact_engagement(present_of(contact), ids=[contact.pk])
    return found


def test_nobody_was_in_touch(acme: Tenant) -> None:
    contact = known_contact()
    in_touch(contact, 1, "none", "note")
    in_touch(contact, -1, "inbound")
    in_touch(contact, 400, "inbound")
    assert engagement(contact) == Engagement(contact.pk, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_parts_are_those_of_the_formula(acme: Tenant) -> None:
    contact = known_contact()
    in_touch(contact, 30, "inbound")
    in_touch(contact, 60, "outbound")
    found = engagement(contact)
    assert (found.recency_0_1, found.frequency_0_1, found.reciprocity_0_1) == pytest.approx(
        (1 / 2, 0.75 / 4.75, (0.5 + 0.5) / (0.75 + 0.5))
    )
    assert found.score_0_1 == pytest.approx(math.cbrt(1 / 2 * 0.75 / 4.75 * 0.8))
    # Four weeks ago they had just answered: 2 and 32 days before.
    theirs, ours = 2 ** (-2 / 30), 2 ** (-32 / 30)
    before = (
        theirs * (theirs + ours) / (theirs + ours + 4) * (2 * ours + 0.5) / (theirs + ours + 0.5)
    )
    assert found.trend == pytest.approx(found.score_0_1 - math.cbrt(before))


def test_a_meeting_comes_from_both_sides(acme: Tenant) -> None:
    contact = known_contact()
    in_touch(contact, 0, "none", "meeting")
    found = engagement(contact)
    assert (found.recency_0_1, found.frequency_0_1, found.reciprocity_0_1) == (1.0, 2 / 6, 1.0)


def test_what_is_not_answered_counts_for_little(acme: Tenant) -> None:
    answered, ignored = known_contact(), known_contact()
    for days in range(12):
        in_touch(ignored, days, "outbound")
        in_touch(answered, days, "outbound" if days % 2 else "inbound")
    assert engagement(ignored).frequency_0_1 == engagement(answered).frequency_0_1
    assert engagement(ignored).score_0_1 < 0.4
    assert engagement(answered).score_0_1 > 0.85


def test_fault_27_a_score_nears_one_and_does_not_reach_it(acme: Tenant) -> None:
    contact = known_contact()
    for number in range(400):
        in_touch(contact, 0, "inbound" if number % 2 else "outbound")
    found = engagement(contact)
    assert found.score_0_1 == pytest.approx(math.cbrt(400 / 404))
    assert found.trend == found.score_0_1


def test_engagement_is_that_of_the_moment(story: Story) -> None:
    with story.on(0) as now:
        contact, other = ContactFactory(created_at=now), ContactFactory(created_at=now)
    mail = story.touch(10, "email", "inbound", contact=contact)
    story.change(20, mail, contact=other)
    weight = 2 ** (-10 / 30)
    scores = {
        number: [found.frequency_0_1 for found in contact_engagement(day(number))]
        for number in (9, 10, 20)
    }
    assert scores == {
        9: [0.0, 0.0],
        10: [0.2, 0.0],
        20: [0.0, pytest.approx(weight / (weight + 4))],
    }
