"""The features of leads, each with and without something to tell, and what became of leads."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from apps.crm.models import Lead
from apps.crm.tests.factories import CustomFieldFactory, LeadFactory, TaskFactory, merge
from apps.predictions.enums import Prediction
from apps.predictions.features import population, read_rows
from apps.predictions.tests.features.stories import (
    Story,
    day,
    examples_by,
    features_on,
)
from apps.users.tests.factories import UserFactory

LEADS = Prediction.LEAD_CONVERSION
NOTHING = {
    "mails_in_7": 0.0, "mails_in_30": 0.0, "mails_in_90": 0.0,
    "mails_out_7": 0.0, "mails_out_30": 0.0, "mails_out_90": 0.0,
    "calls_in_7": 0.0, "calls_in_30": 0.0, "calls_in_90": 0.0,
    "calls_out_7": 0.0, "calls_out_30": 0.0, "calls_out_90": 0.0,
    "meetings_7": 0.0, "meetings_30": 0.0, "meetings_90": 0.0,
    "answers": 0.0, "open_tasks": 0.0,
    "days_since_contact": None, "days_since_inbound": None, "days_to_first_touch": None,
}  # fmt: skip


def test_a_lead_of_which_nothing_is_known(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(0) as now:
        lead = LeadFactory(status="new", company="", email="", currency="", created_at=now)
    assert features_on(LEADS, 10, lead.pk) == NOTHING | {
        "lead_source": None, "status": "new", "age": 10.0, "value": None, "currency": None,
        "owner": None, "has_title": "no", "has_phone": "no", "has_email": "no",
        "has_company_email": None, "has_company": "no", "do_not_contact": "no", "has_history": "yes",
    }  # fmt: skip


def test_a_lead_of_which_much_is_known_as_it_was_on_the_day(story: Story) -> None:
    story.begin_to_write_down()
    rep = UserFactory(username="rita")
    with story.on(0) as now:
        lead = LeadFactory(
            status="new", lead_source="Referral", title="CFO", phone="+1 555", email="lee@works.example",
            company="Works", estimated_value=Decimal("5000.50"), owner=rep, created_at=now,
        )  # fmt: skip
        other = LeadFactory(created_at=now)
    story.touch(2, "email", "outbound", lead=lead)
    story.touch(3, "email", "inbound", lead=lead)
    story.touch(4, "call", "inbound", lead=lead)
    story.touch(5, "call", "outbound", lead=lead)
    story.touch(30, "meeting", "none", lead=lead)
    story.touch(31, "note", "none", lead=lead)
    moved = story.touch(32, "email", "inbound", lead=lead)
    with story.on(20) as now:
        task = TaskFactory(lead=lead, created_at=now)
    # What comes after the day that is asked about.
    story.change(34, lead, status="working", estimated_value=None, title="", email="lee@gmail.com")
    story.change(35, task, status="done", completed_at=day(35))
    story.change(36, moved, lead=other)
    story.change(37, lead, owner=None, do_not_contact=True, lead_source="Event")

    assert features_on(LEADS, 33, lead.pk) == {
        "lead_source": "Referral", "status": "new", "age": 33.0, "value": 5000.5, "currency": "USD",
        "owner": "rita", "has_title": "yes", "has_phone": "yes", "has_email": "yes",
        "has_company_email": "yes", "has_company": "yes", "do_not_contact": "no", "has_history": "yes",
        "mails_in_7": 1.0, "mails_in_30": 1.0, "mails_in_90": 2.0,
        "mails_out_7": 0.0, "mails_out_30": 0.0, "mails_out_90": 1.0,
        "calls_in_7": 0.0, "calls_in_30": 1.0, "calls_in_90": 1.0,
        "calls_out_7": 0.0, "calls_out_30": 1.0, "calls_out_90": 1.0,
        "meetings_7": 1.0, "meetings_30": 1.0, "meetings_90": 1.0,
        "answers": 2.0, "open_tasks": 1.0,
        "days_since_contact": 1.0, "days_since_inbound": 1.0, "days_to_first_touch": 2.0,
    }  # fmt: skip
    after = features_on(LEADS, 40, lead.pk)
    assert after is not None
    assert {name: after[name] for name in ("status", "value", "owner", "has_company_email")} == {
        "status": "working", "value": None, "owner": None, "has_company_email": "no",
    }  # fmt: skip
    assert [after[name] for name in ("mails_in_90", "open_tasks", "do_not_contact", "lead_source")] == [
        1.0, 0.0, "yes", "Event",
    ]  # fmt: skip


def test_what_was_written_down_later_was_not_known_unless_another_system_knew_it(
    story: Story,
) -> None:
    story.begin_to_write_down()
    with story.on(0) as now:
        lead = LeadFactory(created_at=now)
    mail = story.touch(8, "email", "inbound", lead=lead)
    synced = story.touch(8, "call", "inbound", lead=lead, source="phone", external_id="1")
    for activity in (mail, synced):
        type(activity).objects.filter(pk=activity.pk).update(occurred_at=day(3))
    # The log has no change of the moments: they are those of the entry.
    story.owner.execute("TRUNCATE race.crm_changelog")
    row = features_on(LEADS, 5, lead.pk)
    assert row is not None
    assert (row["mails_in_7"], row["calls_in_7"]) == (0.0, 1.0)


def test_who_is_asked_about_and_what_became_of_them(story: Story) -> None:
    with story.on(0) as now:
        converted, lost, quiet = (LeadFactory(status="new", created_at=now) for _ in range(3))
    with story.on(50) as now:
        late = LeadFactory(status="new", created_at=now)
    story.change(40, lost, status="unqualified")
    story.change(100, converted, status="converted")
    everyone = sorted([converted.pk, lost.pk, quiet.pk])
    assert population(LEADS, day(39)) == everyone
    assert population(LEADS, day(60)) == [converted.pk, quiet.pk, late.pk]
    assert population(LEADS, day(101)) == [quiet.pk, late.pk]

    found = examples_by(LEADS, 150)
    assert {key: outcome for key, (outcome, _) in found.items()} == {
        (converted.pk, 0): False, (converted.pk, 30): True, (converted.pk, 60): True,
        (lost.pk, 0): False, (lost.pk, 30): False,
        (quiet.pk, 0): False, (quiet.pk, 30): False, (quiet.pk, 60): False,
        (late.pk, 60): False,
    }  # fmt: skip
    assert found[late.pk, 60][1]["age"] == 10.0
    assert {row["status"] for _, row in found.values()} == {"new"}


def test_a_merged_lead_is_asked_about_at_no_moment_and_is_no_example(story: Story) -> None:
    with story.on(0) as now:
        kept, merged = (LeadFactory(status="new", created_at=now) for _ in range(2))
        imported = LeadFactory(status="converted", source="erp", external_id="1", created_at=now)
    assert population(LEADS, day(39)) == [kept.pk, merged.pk]
    story.change(100, merged, status="converted")
    assert {record_id for record_id, _ in examples_by(LEADS, 150)} == {
        kept.pk, merged.pk, imported.pk
    }  # fmt: skip
    with story.on(140):
        merge(merged, kept)
        merge(imported, kept)
    for moment in (day(39), timezone.now()):
        assert population(LEADS, moment) == [kept.pk]
        assert read_rows(LEADS, moment, ids=[kept.pk, merged.pk]).ids == [kept.pk]
    assert {record_id for record_id, _ in examples_by(LEADS, 150)} == {kept.pk}


def test_what_came_in_at_its_end_is_one_example_without_history(story: Story) -> None:
    story.begin_to_write_down()
    with story.on(100):
        kept = {"source": "old CRM", "created_at": day(5), "lead_source": "Event"}
        converted = LeadFactory(status="converted", external_id="1", **kept)
        lost = LeadFactory(status="unqualified", external_id="2", **kept)
        waiting = LeadFactory(status="working", external_id="3", **kept)
    found = examples_by(LEADS, 250)
    assert {key: outcome for key, (outcome, _) in found.items()} == {
        (converted.pk, 5): True, (lost.pk, 5): False,
        # From when the log watched it.
        (waiting.pk, 100): False, (waiting.pk, 130): False, (waiting.pk, 160): False,
    }  # fmt: skip
    row = found[converted.pk, 5][1]
    assert (row["has_history"], row["lead_source"], row["age"]) == ("no", "Event", 0.0)
    unknown = ("status", "mails_in_30", "answers", "open_tasks", "days_to_first_touch")
    assert [row[name] for name in unknown] == [None] * 5
    watched = found[waiting.pk, 100][1]
    assert (watched["has_history"], watched["status"], watched["mails_in_30"]) == (
        "no",
        "working",
        None,
    )
    story.change(165, waiting, status="qualified")
    later = features_on(LEADS, 170, waiting.pk)
    assert later is not None
    assert (later["has_history"], later["mails_in_30"]) == ("yes", 0.0)


def test_custom_fields_with_believable_values_are_features(story: Story) -> None:
    for key, field_type in (
        ("seats", "number"), ("trial_on", "date"), ("is_partner", "boolean"), ("tier", "choice"),
        ("region", "text"), ("remark", "text"),
    ):  # fmt: skip
        CustomFieldFactory(key=key, label=key, field_type=field_type)
    CustomFieldFactory(key="gone", field_type="choice", is_active=False)
    with story.on(0) as now:
        lead = LeadFactory(
            created_at=now,
            attributes={
                "seats": 12, "trial_on": "2024-01-03", "is_partner": False, "tier": "x" * 300,
                "region": "North", "remark": "r", "gone": "x",
            },
        )  # fmt: skip
        for number in range(60):
            LeadFactory(created_at=now, attributes={"remark": f"remark {number}"})
    story.change(5, lead, attributes={"seats": "1e999", "trial_on": "0001-01-01", "tier": " "})

    def custom(number: float) -> dict[str, object]:
        row = features_on(LEADS, number, lead.pk)
        assert row is not None
        return {name: value for name, value in row.items() if name.startswith("custom_")}

    assert custom(4) == {
        "custom_seats": 12.0, "custom_trial_on": 2.0, "custom_is_partner": "no",
        "custom_tier": "x" * 200, "custom_region": "North",
    }  # fmt: skip
    assert custom(6) == dict.fromkeys(
        ("custom_seats", "custom_trial_on", "custom_is_partner", "custom_tier", "custom_region")
    )
    story.change(7, lead, attributes={"seats": 10**400, "trial_on": ["x"], "is_partner": "perhaps"})
    assert custom(8)["custom_seats"] is None


def test_a_value_that_is_no_number_and_a_day_that_is_none_are_not_known(story: Story) -> None:
    with story.on(0) as now:
        lead = LeadFactory(created_at=now)
    story.owner.execute(
        "UPDATE race.crm_lead SET estimated_value = 'NaN', created_at = '0001-01-01 00:00:00+00'"
    )
    row = features_on(LEADS, 5, lead.pk)
    assert row is not None
    assert (row["value"], row["age"]) == (None, None)


def test_what_happened_before_activities_were_on_file_is_not_known(story: Story) -> None:
    with story.on(0) as now:
        lead, other = LeadFactory(created_at=now), LeadFactory(created_at=now)
    story.touch(10, "email", "inbound", lead=other)
    story.touch(12, "email", "inbound", lead=lead)

    def mails_on(number: float, who: Lead) -> list[object]:
        row = features_on(LEADS, number, who.pk)
        assert row is not None
        return [row[f"mails_in_{days}"] for days in (7, 30, 90)]

    assert mails_on(9, lead) == [None, None, None]
    assert mails_on(16, lead) == [None, None, None]
    assert mails_on(17, lead) == [1.0, None, None]
    assert mails_on(40, lead) == [0.0, 1.0, None]
    assert mails_on(100, lead) == [0.0, 0.0, 1.0]
    # Nothing happened with somebody who came in later.
    with story.on(20) as now:
        young = LeadFactory(created_at=now)
    assert mails_on(22, young) == [0.0, 0.0, 0.0]
