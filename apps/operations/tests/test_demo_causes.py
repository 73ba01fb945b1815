"""What goes on behind the demo's records: forgotten mails and customers, renewals, and who comes back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from apps.operations.tests.test_demo_simulation import NOW, globex, whole_acme


def test_mails_that_were_passed_over_are_mails_of_the_other_side() -> None:
    for world in (whole_acme(), globex()):
        rows = {row.key: row for row in world.activities}
        passed_over = world.causes.forgotten_mails
        assert {rows[key].occurred_at == at for key, at in passed_over.items()} == {True}
        assert {(rows[key].kind, rows[key].direction) for key in passed_over} == {
            ("email", "inbound")
        }
        received = sum(row.direction == "inbound" and row.kind == "email" for row in rows.values())
        assert 0 < len(passed_over) / received < 0.05


def test_some_write_again_about_a_deal_that_was_lost_months_ago() -> None:
    world = whole_acme()
    rows = {row.key: row for row in world.activities}
    deals = {deal.key: deal for deal in world.deals}
    for key, at in world.causes.comebacks.items():
        deal = deals[rows[key].deal]
        assert (deal.stage, rows[key].occurred_at) == ("lost", at)
        assert at - deal.stage_entered_at > timedelta(days=45)
    assert 0 < len(world.causes.comebacks) < 50


def test_most_renewals_are_prepared_and_the_causes_name_the_others() -> None:
    for world in (whole_acme(), globex()):
        titles = Counter(
            (task.account, task.title.removeprefix("Prepare the renewal: "))
            for task in world.tasks
            if task.title.startswith("Prepare the renewal: ")
        )
        near = [
            contract
            for contract in world.contracts
            if contract.outcome == "open" and contract.renews_on < NOW.date() + timedelta(days=30)
        ]
        prepared = {row.key for row in near if titles[row.account, row.name]}
        unplanned = set(world.causes.unplanned_renewals)
        assert {row.key for row in near} - prepared <= unplanned
        assert len(prepared) > len(near) / 2


def test_forgotten_customers_have_heard_nothing_since() -> None:
    world = globex()
    check_ins = [row for row in world.activities if row.account and not row.deal]
    for account, since in world.causes.forgotten_accounts.items():
        later = [
            row.occurred_at
            for row in check_ins
            if row.account == account and row.direction != "inbound" and row.occurred_at > since
        ]
        # A recap or a word of thanks belongs to the check-in itself.
        assert [at for at in later if at > since + timedelta(days=40)] == []
    assert 0 < len(world.causes.forgotten_accounts) < len(world.accounts) / 2


def test_what_is_logged_in_a_week_grows_moderately() -> None:
    weeks = Counter((NOW - row.occurred_at).days // 7 for row in whole_acme().activities)
    lately = sum(weeks[week] for week in range(4))
    formerly = sum(weeks[week] for week in range(18, 22))
    assert 1 < lately / formerly < 5


def test_one_rep_has_lost_sight_of_the_list_of_tasks() -> None:
    for world in (whole_acme(), globex()):
        backlogs = Counter(rep.backlog > 1 for rep in world.causes.reps.values())
        assert backlogs[True] == 1
