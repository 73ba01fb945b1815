"""The table of triggers in the docs is that of the registry: trigger → goal → tools → discovers."""

from __future__ import annotations

import re
from pathlib import Path

from apps.brain.enums import Goal
from apps.triggers.rules import registry

ARCHITECTURE_PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"
ROW = re.compile(
    r"^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \| ((?:`[a-z_]+`(?:, )?)+) \| ([^|]+) \|$", re.MULTILINE
)


def test_the_docs_table_names_every_trigger_with_its_goal_tools_and_discovery() -> None:
    _, _, section = ARCHITECTURE_PAGE.read_text().partition("\n## Triggers, goals, tools\n")
    section, _, _ = section.partition("\n## ")
    table = {
        key: (goal, tuple(re.findall(r"`([a-z_]+)`", tools)), discovers)
        for key, _, goal, tools, discovers in ROW.findall(section)
    }
    wanted = {
        trigger.key: (
            _in_a_sentence(Goal(trigger.goal).label),
            tuple(trigger.tools),
            _in_a_sentence(trigger.discovers.label) if trigger.discovers else "–",
        )
        for trigger in registry.all()
    }
    assert table == wanted
    assert list(table) == sorted(table)


def _in_a_sentence(label: str) -> str:
    return label[0].lower() + label[1:]
