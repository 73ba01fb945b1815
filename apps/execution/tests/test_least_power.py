"""Who may take the role that writes, and who may ask policy: a walk over the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings


def modules() -> Iterator[tuple[str, Path]]:
    """Each of ours, tests and migrations apart."""
    for path in sorted((settings.BASE_DIR / "apps").rglob("*.py")):
        where = path.relative_to(settings.BASE_DIR).as_posix()
        if "/tests/" in where or "/migrations/" in where or where.endswith("conftest.py"):
            continue
        yield where, path


def calls_in(name: str) -> Iterator[str]:
    """Where a function of this name is called."""
    for where, path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                yield f"{where}: {ast.unparse(node)}"


def test_the_role_that_writes_is_taken_on_the_road_and_nowhere_else() -> None:
    taken = [call for call in calls_in("taking_role") if "Role.AI" not in call]
    assert taken == [
        "apps/execution/services/applying.py: taking_role(Role.APPLY, *locks, *sight.asked, savepoint=False)",
        # To lock the record, and to write; between them it is read what was executed.
        "apps/execution/services/undoing.py: taking_role(Role.APPLY)",
        "apps/execution/services/undoing.py: taking_role(Role.APPLY)",
    ]


def test_no_statement_takes_a_role_by_hand() -> None:
    taking = re.compile(r"set\s+(local\s+|session\s+)?role|set_config\('role'", re.IGNORECASE)
    by_hand = {
        f"{where}: {found.group()}"
        for where, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        # What is told in words of a class or a function is no statement.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "``" not in node.value
        for found in taking.finditer(node.value)
    }
    assert by_hand == {
        # Taken and given back by the one context manager.
        "apps/tenants/roles.py: set_config('role'",
        "apps/tenants/roles.py: SET LOCAL ROLE",
        # The measure writes the same by hand, in a tenant of its own.
        "apps/execution/bench.py: SET LOCAL ROLE",
    }


def test_policy_is_asked_on_the_road_and_nowhere_else() -> None:
    asked = [call for call in calls_in("decide") if "policy.decide" in call]
    assert asked == [
        "apps/execution/services/applying.py: policy.decide(change)",
        "apps/execution/services/recording.py: policy.decide(attempt)",
        "apps/execution/services/undoing.py: policy.decide(undo)",
    ]


def test_the_road_begins_at_a_persons_decision_and_nowhere_else() -> None:
    begun = [*calls_in("apply_change"), *calls_in("undo_change")]
    assert begun == [
        # The measure, in a tenant of its own.
        "apps/execution/bench.py: apply_change(change, now=now)",
        "apps/suggestions/services/approving.py: execution.apply_change(change, now=now, then=written)",
        "apps/suggestions/services/undoing.py: execution.undo_change(wish, now=now)",
    ]
