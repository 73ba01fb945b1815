"""Working days: weekends, holidays and changing clocks, counted back from a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from apps.tenants.calendar import MONDAY_TO_FRIDAY, WorkingCalendar
from apps.tenants.models import Tenant

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = WorkingCalendar()
# Good Friday and Easter Monday of 2026.
EASTER = WorkingCalendar(holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)}))
EVERY_DAY = WorkingCalendar(weekdays=frozenset(range(1, 8)))
NEVER_OPEN = WorkingCalendar(weekdays=frozenset())


def local(text: str) -> datetime:
    """A moment by the clock in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def clock(moment: datetime) -> str:
    """What the clock in Berlin shows."""
    return moment.astimezone(UTC).astimezone(BERLIN).strftime("%a %Y-%m-%d %H:%M")


def test_the_tenant_s_week_and_holidays_are_read() -> None:
    tenant = Tenant(working_week="1246", holidays=[date(2026, 12, 25)])
    assert tenant.calendar == WorkingCalendar(
        frozenset({1, 2, 4, 6}), frozenset({date(2026, 12, 25)})
    )
    assert Tenant().calendar == OFFICE == WorkingCalendar(MONDAY_TO_FRIDAY, frozenset())


@pytest.mark.parametrize("week", ["", "8", "21", "11", "0", "1 2"])
def test_a_week_that_is_none_is_refused(week: str) -> None:
    with pytest.raises(ValidationError):
        Tenant._meta.get_field("working_week").clean(week, None)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 3, 6), True),
        (date(2026, 3, 7), False),
        (date(2026, 3, 8), False),
        (date(2026, 3, 9), True),
        (date(2026, 4, 3), False),
        (date(2026, 4, 6), False),
        (date(2026, 4, 7), True),
    ],
    ids=["Friday", "Saturday", "Sunday", "Monday", "Good Friday", "Easter Monday", "Tuesday after"],
)
def test_working_days(day: date, works: bool) -> None:
    assert EASTER.is_working_day(day) is works


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 3, 5), date(2026, 3, 6)),
        (date(2026, 3, 6), date(2026, 3, 9)),
        (date(2026, 3, 7), date(2026, 3, 9)),
        (date(2026, 4, 2), date(2026, 4, 7)),
        (date(2026, 12, 31), date(2027, 1, 1)),
    ],
    ids=["Thursday", "Friday", "Saturday", "before Easter", "over the year"],
)
def test_the_next_working_day(day: date, following: date) -> None:
    assert EASTER.next_working_day(day) == following


@pytest.mark.parametrize(
    ("day", "count", "earlier"),
    [
        (date(2026, 3, 11), 0, date(2026, 3, 11)),
        (date(2026, 3, 11), 1, date(2026, 3, 10)),
        (date(2026, 3, 9), 1, date(2026, 3, 6)),
        (date(2026, 3, 8), 1, date(2026, 3, 6)),
        (date(2026, 3, 9), 6, date(2026, 2, 27)),
        (date(2026, 4, 7), 1, date(2026, 4, 2)),
        (date(2026, 4, 7), 2, date(2026, 4, 1)),
    ],
)
def test_so_many_working_days_before(day: date, count: int, earlier: date) -> None:
    assert EASTER.days_before(day, count) == earlier


@pytest.mark.parametrize(
    ("moment", "days", "since"),
    [
        ("2026-03-11 10:30", 0, "Wed 2026-03-11 10:30"),
        ("2026-03-11 10:30", 1, "Tue 2026-03-10 10:30"),
        ("2026-03-11 10:30", 2, "Mon 2026-03-09 10:30"),
        ("2026-03-11 10:30", 3, "Fri 2026-03-06 10:30"),
        ("2026-03-09 10:30", 1, "Fri 2026-03-06 10:30"),
        ("2026-03-09 10:30", 5, "Mon 2026-03-02 10:30"),
        ("2026-03-09 00:00", 1, "Fri 2026-03-06 00:00"),
        # On days off the clock stands still.
        ("2026-03-07 15:00", 1, "Fri 2026-03-06 00:00"),
        ("2026-03-08 23:59", 1, "Fri 2026-03-06 00:00"),
        ("2026-03-08 15:00", 2, "Thu 2026-03-05 00:00"),
    ],
)
def test_moments_across_weekends(moment: str, days: int, since: str) -> None:
    assert clock(OFFICE.moment_before(local(moment), days, BERLIN)) == since


@pytest.mark.parametrize(
    ("moment", "days", "since"),
    [
        ("2026-04-07 09:00", 1, "Thu 2026-04-02 09:00"),
        ("2026-04-08 09:00", 1, "Tue 2026-04-07 09:00"),
        ("2026-04-08 09:00", 2, "Thu 2026-04-02 09:00"),
        ("2026-04-06 09:00", 1, "Thu 2026-04-02 00:00"),
    ],
)
def test_moments_across_holidays(moment: str, days: int, since: str) -> None:
    assert clock(EASTER.moment_before(local(moment), days, BERLIN)) == since


def test_what_came_on_saturday_is_as_old_as_what_came_late_on_friday() -> None:
    late_on_friday, on_saturday = local("2026-03-06 23:59:59.999999"), local("2026-03-07 12:00")
    on_sunday, monday_begins = local("2026-03-08 23:59"), local("2026-03-09 00:00")
    # All of them are a working day old when Monday is over, and not a moment before.
    before = OFFICE.moment_before(local("2026-03-09 23:59:59.999998"), 1, BERLIN)
    after = OFFICE.moment_before(local("2026-03-10 00:00"), 1, BERLIN)
    assert [moment <= before for moment in (late_on_friday, on_saturday, on_sunday)] == [False] * 3
    assert [moment <= after for moment in (late_on_friday, on_saturday, on_sunday)] == [True] * 3
    assert after == monday_begins


@pytest.mark.parametrize(
    ("moment", "since"),
    [
        # Clocks go forward on Sunday 29 March 2026 and back on Sunday 25 October.
        ("2026-03-30 10:00", "Fri 2026-03-27 10:00"),
        ("2026-10-26 10:00", "Fri 2026-10-23 10:00"),
    ],
)
def test_a_weekend_on_which_the_clocks_change(moment: str, since: str) -> None:
    assert clock(OFFICE.moment_before(local(moment), 1, BERLIN)) == since


def test_a_working_day_on_which_the_clocks_change_is_a_day_like_any_other() -> None:
    forward = EVERY_DAY.moment_before(local("2026-03-30 02:30"), 1, BERLIN)
    # 02:30 on the 29th does not exist; it is an hour later by the clock.
    assert clock(forward) == "Sun 2026-03-29 03:30"
    assert clock(EVERY_DAY.moment_before(local("2026-03-29 12:00"), 1, BERLIN)) == (
        "Sat 2026-03-28 12:00"
    )
    back = EVERY_DAY.moment_before(local("2026-10-26 02:30"), 1, BERLIN)
    # 02:30 on the 25th exists twice; the first one is meant.
    assert back.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    hour_repeated = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert clock(EVERY_DAY.moment_before(hour_repeated, 1, BERLIN)) == "Sat 2026-10-24 02:30"


def test_the_answer_is_in_the_zone_of_the_question() -> None:
    moment = datetime(2026, 3, 9, 9, 30, 0, 125, tzinfo=UTC)
    since = OFFICE.moment_before(moment, 1, BERLIN)
    assert (since, since.tzinfo) == (datetime(2026, 3, 6, 9, 30, 0, 125, tzinfo=UTC), UTC)


def test_the_day_is_the_zone_s() -> None:
    # Friday 23:30 in UTC is Saturday in Berlin: Friday is over there, and counts whole.
    moment = datetime(2026, 3, 6, 23, 30, tzinfo=UTC)
    assert clock(OFFICE.moment_before(moment, 1, BERLIN)) == "Fri 2026-03-06 00:00"
    assert OFFICE.moment_before(moment, 1, ZoneInfo("UTC")) == moment - timedelta(days=1)


def test_a_company_without_working_days_comes_to_an_end() -> None:
    moment = local("2026-03-11 10:30")
    assert moment - NEVER_OPEN.moment_before(moment, 3, BERLIN) > timedelta(days=366)
    assert NEVER_OPEN.days_before(date(2026, 3, 11), 3) < date(2025, 3, 11)
    assert NEVER_OPEN.next_working_day(date(2026, 3, 11)) == date(2026, 3, 12)


def test_a_company_that_closes_for_the_summer_counts_across_it() -> None:
    august = frozenset(date(2026, 8, 1) + timedelta(days=number) for number in range(31))
    closed = WorkingCalendar(holidays=august)
    moment = local("2026-09-01 09:00")
    assert clock(closed.moment_before(moment, 1, BERLIN)) == "Fri 2026-07-31 09:00"
    assert closed.days_before(date(2026, 9, 1), 1) == date(2026, 7, 31)
    assert closed.next_working_day(date(2026, 7, 31)) == date(2026, 9, 1)


calendars = st.builds(
    WorkingCalendar,
    weekdays=st.frozensets(st.integers(1, 7)),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=20),
)
zones = st.sampled_from([BERLIN, ZoneInfo("America/Chicago"), ZoneInfo("Pacific/Apia")])
clocks = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1))
counts = st.integers(0, 30)


@given(calendar=calendars, zone=zones, at=clocks, days=counts)
def test_the_moment_is_never_later_than_now(
    calendar: WorkingCalendar, zone: ZoneInfo, at: datetime, days: int
) -> None:
    moment = at.replace(tzinfo=UTC)
    since = calendar.moment_before(moment, days, zone)
    assert since <= moment
    # A day is 23 hours at least, and working days are days.
    assert moment - since >= timedelta(hours=23) * min(days, 1)


@given(calendar=calendars, zone=zones, one=clocks, other=clocks, days=counts)
@example(calendar=OFFICE, zone=BERLIN, one=datetime(2026, 3, 8), other=datetime(2026, 3, 9), days=1)
def test_a_later_clock_never_leads_to_an_earlier_one(
    calendar: WorkingCalendar, zone: ZoneInfo, one: datetime, other: datetime, days: int
) -> None:
    earlier, later = sorted((one, other))
    since = [
        calendar.moment_before(at.replace(tzinfo=zone), days, zone)
        .astimezone(zone)
        .replace(tzinfo=None)
        for at in (earlier, later)
    ]
    assert since[0] <= since[1]


@given(calendar=calendars, zone=zones, at=clocks, days=st.integers(0, 29))
def test_one_working_day_more_never_leads_to_a_later_moment(
    calendar: WorkingCalendar, zone: ZoneInfo, at: datetime, days: int
) -> None:
    moment = at.replace(tzinfo=zone)
    assert calendar.moment_before(moment, days + 1, zone) <= calendar.moment_before(
        moment, days, zone
    )
