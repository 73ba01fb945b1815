"""The company's working days: the use case and its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.services import Entry, record_event
from apps.audit.tests.chains import WRITER
from apps.conftest import Cast, TenantClient, make_cast
from apps.tenants.models import Tenant
from apps.tenants.services import current_tenant
from apps.tenants.tests.threads import at_once
from apps.triggers.exceptions import (
    SettingPermissionError,
    TooManyHolidaysError,
    WorkingWeekChangedError,
)
from apps.triggers.services import moment_at
from apps.triggers.working_days import change_working_days, describe_week
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

PAGE = "/triggers/working-days/"
CHRISTMAS, BOXING_DAY, NEW_YEAR = date(2126, 12, 25), date(2126, 12, 26), date(2127, 1, 1)
MONDAY_TO_FRIDAY = "12345"


@pytest.fixture
def acme(acme: Tenant) -> Tenant:
    """The tenant; it and the others work from Monday to Friday."""
    Tenant.objects.update(working_week=MONDAY_TO_FRIDAY)
    acme.refresh_from_db()
    return acme


def change(user: User, **wanted: Any) -> bool:
    wanted = {"week": MONDAY_TO_FRIDAY, "week_read": MONDAY_TO_FRIDAY, **wanted}
    return change_working_days(user=user, **wanted)


def working_days() -> tuple[str, list[date]]:
    tenant = current_tenant()
    return tenant.working_week, tenant.holidays


def entries() -> list[dict[str, Any]]:
    found = AuditEntry.objects.filter(event="settings.changed").order_by("id")
    return [entry.details for entry in found]


def test_a_change_is_kept_and_on_record(cast: Cast) -> None:
    assert change(cast.manager, add=[NEW_YEAR, CHRISTMAS])
    assert change(cast.manager, week="1234", add=[BOXING_DAY], remove=[CHRISTMAS])
    assert working_days() == ("1234", [BOXING_DAY, NEW_YEAR])
    assert entries() == [
        {
            "setting": "working_days",
            "before": {"working_week": "12345"},
            "after": {"working_week": "12345"},
            "holidays_added": ["2126-12-25", "2127-01-01"],
            "holidays_removed": [],
        },
        {
            "setting": "working_days",
            "before": {"working_week": "12345"},
            "after": {"working_week": "1234"},
            "holidays_added": ["2126-12-26"],
            "holidays_removed": ["2126-12-25"],
        },
    ]
    assert AuditEntry.objects.filter(actor_id=cast.manager.pk).count() == 2


def test_scans_count_with_it(cast: Cast) -> None:
    friday = datetime(2126, 12, 27, 11, tzinfo=UTC)
    before = moment_at(current_tenant(), friday).working_days_ago(2)
    change(cast.manager, add=[CHRISTMAS, BOXING_DAY])
    after = moment_at(current_tenant(), friday).working_days_ago(2)
    assert before - after == timedelta(days=2)


def test_what_is_so_already_leaves_no_trace(cast: Cast) -> None:
    change(cast.manager, add=[CHRISTMAS])
    assert not change(cast.manager, add=[CHRISTMAS], remove=[BOXING_DAY])
    assert len(entries()) == 1


def test_a_day_that_is_removed_and_added_stays(cast: Cast) -> None:
    change(cast.manager, add=[CHRISTMAS])
    assert not change(cast.manager, add=[CHRISTMAS], remove=[CHRISTMAS])
    assert working_days()[1] == [CHRISTMAS]


def test_more_days_off_than_are_kept_are_refused(cast: Cast) -> None:
    change(cast.manager, add=[CHRISTMAS - timedelta(days=n) for n in range(200)])
    with pytest.raises(TooManyHolidaysError, match="That would be 201 days off; 200 are kept"):
        change(cast.manager, add=[BOXING_DAY])
    assert len(working_days()[1]) == 200


def test_two_people_add_days_at_once(committed_tenant: Tenant) -> None:
    cast = make_cast()
    works = [
        partial(change, person, add=[day])
        for person, day in ((cast.manager, CHRISTMAS), (cast.admin, NEW_YEAR))
    ]
    assert at_once(committed_tenant, works) == [True, True]
    assert working_days()[1] == [CHRISTMAS, NEW_YEAR]


def test_a_week_that_two_people_change_is_settled_by_the_second(cast: Cast) -> None:
    change(cast.admin, week="1234")
    # Who left the week alone changes nothing about it.
    change(cast.manager, add=[CHRISTMAS])
    assert working_days() == ("1234", [CHRISTMAS])
    with pytest.raises(WorkingWeekChangedError, match="it is Monday to Thursday now"):
        change(cast.manager, week="123456")
    change(cast.manager, week="123456", week_read="1234")
    assert working_days()[0] == "123456"


def test_a_rep_changes_nothing(cast: Cast, client_for: ClientFor) -> None:
    with pytest.raises(SettingPermissionError):
        change(cast.rep, add=[CHRISTMAS])
    client = client_for(cast.rep)
    page = client.get(PAGE)
    assert (page.status_code, "<textarea" in page.content.decode()) == (200, False)
    assert client.post(PAGE, posted(add="2126-12-25")).status_code == 403
    assert (working_days(), entries()) == (("12345", []), [])


def test_who_has_no_role_does_not_look(cast: Cast, client_for: ClientFor) -> None:
    cast.rep.groups.clear()
    assert client_for(cast.rep).get(PAGE).status_code == 403


def posted(**changes: Any) -> dict[str, Any]:
    return {"week": list(MONDAY_TO_FRIDAY), "week_read": MONDAY_TO_FRIDAY, **changes}


def test_the_page_names_the_triggers_that_count_working_days(
    cast: Cast, client_for: ClientFor
) -> None:
    assert client_for(cast.rep).get(PAGE).context["counting"] == [
        "Account at risk",
        "Contact with an account has changed",
        "Mail without an answer",
        "Contact has changed",
        "No next step after a talk",
        "Promise not kept",
    ]


def test_the_page_takes_a_week_a_list_and_removals(cast: Cast, client_for: ClientFor) -> None:
    change(cast.admin, add=[CHRISTMAS])
    answer = client_for(cast.manager).post(
        PAGE,
        posted(
            week=["1", "2", "3", "4", "6"],
            add="26 December 2126\n1.1.2127",
            remove=["2126-12-25"],
        ),
        follow=True,
    )
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Working days saved. The next scan counts with them." in answer.content.decode()
    assert working_days() == ("12346", [BOXING_DAY, NEW_YEAR])
    coming = [(year, [row.day for row in rows]) for year, rows in answer.context["coming"]]
    assert coming == [(2126, [BOXING_DAY]), (2127, [NEW_YEAR])]
    record_event(WRITER, Entry(Event.SETTINGS_CHANGED, details={"setting": "working_days"}))
    (latest, _) = client_for(cast.manager).get(PAGE).context["past_changes"]
    assert (latest.who, latest.week_before, latest.week_after, latest.added, latest.removed) == (
        cast.manager.display_name,
        "Monday to Friday",
        "Monday, Tuesday, Wednesday, Thursday, Saturday",
        (BOXING_DAY, NEW_YEAR),
        (CHRISTMAS,),
    )


def test_days_off_that_are_past_are_apart_and_those_off_anyway_marked(
    cast: Cast, client_for: ClientFor
) -> None:
    saturday, long_past = date(2126, 12, 28), date(2020, 12, 25)
    change(cast.manager, add=[CHRISTMAS, saturday, long_past])
    context = client_for(cast.rep).get(PAGE).context
    assert [row.day for _, rows in context["past"] for row in rows] == [long_past]
    assert [(row.day, row.is_in_week) for _, rows in context["coming"] for row in rows] == [
        (CHRISTMAS, True),
        (saturday, False),
    ]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"week": []}, {"week": ["Choose at least one day."]}),
        (
            {"week": ["8"]},
            {"week": ["Select a valid choice. 8 is not one of the available choices."]},
        ),
        ({"week_read": "531"}, {"week_read": ["Enter a valid value."]}),
        ({"week_read": ""}, {"week_read": ["This field is required."]}),
        (
            {"add": "2126-12-24\nsoon"},
            {"add": ["“soon” is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026."]},
        ),
        (
            {"remove": ["yesterday"]},
            {"remove": ["Select a valid choice. yesterday is not one of the available choices."]},
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field_and_kept(
    cast: Cast, client_for: ClientFor, changes: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = client_for(cast.manager).post(PAGE, posted(**changes))
    assert answer.status_code == 422
    form = answer.context["form"]
    assert form.errors == errors
    assert form["add"].value() == changes.get("add")
    assert (working_days(), entries()) == (("12345", []), [])


def test_too_many_days_are_refused_at_the_list(cast: Cast, client_for: ClientFor) -> None:
    change(cast.manager, add=[CHRISTMAS - timedelta(days=n) for n in range(200)])
    answer = client_for(cast.manager).post(PAGE, posted(add="2126-12-31"))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "add": ["That would be 201 days off; 200 are kept. Remove those that are long past."]
    }


def test_who_was_slower_with_the_week_keeps_what_they_chose(
    cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.manager)
    change(cast.admin, week="1234")
    answer = client.post(PAGE, posted(week=["6", "7"], add="2126-12-25"))
    assert answer.status_code == 409
    form = answer.context["form"]
    assert "it is Monday to Thursday now" in form.non_field_errors()[0]
    assert (form["week"].value(), form["week_read"].value(), form["add"].value()) == (
        ["6", "7"],
        "1234",
        "2126-12-25",
    )
    assert working_days() == ("1234", [])
    client.post(PAGE, posted(week=["6", "7"], week_read="1234", add="2126-12-25"))
    assert working_days() == ("67", [CHRISTMAS])


def test_the_page_costs_the_same_with_one_day_off_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for days in ([CHRISTMAS], [BOXING_DAY, NEW_YEAR]):
        change(cast.manager, add=days)
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    assert counts == [9, 9]


def test_a_change_needs_a_post_with_its_token(cast: Cast, client_for: ClientFor) -> None:
    strict = TenantClient("acme.localhost", enforce_csrf_checks=True)
    strict.force_login(cast.manager)
    assert strict.post(PAGE, posted(add="2126-12-25")).status_code == 403
    assert client_for(cast.manager).put(PAGE).status_code == 405
    assert working_days()[1] == []


def test_each_tenant_has_its_own(
    cast: Cast, globex: Tenant, globex_cast: Cast, client_for: ClientFor
) -> None:
    with globex:
        change(globex_cast.manager, week="12", add=[CHRISTMAS])
    page = client_for(cast.rep).get(PAGE)
    assert (page.context["week"], page.context["coming"], page.context["past_changes"]) == (
        "Monday to Friday",
        [],
        [],
    )


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ("12345", "Monday to Friday"),
        ("7", "Sunday"),
        ("67", "Saturday, Sunday"),
        ("1245", "Monday, Tuesday, Thursday, Friday"),
        ("1234567", "Monday to Sunday"),
        ("", "no day"),
    ],
)
def test_a_week_is_told_in_words(week: str, words: str) -> None:
    assert describe_week(week) == words
