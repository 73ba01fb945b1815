"""What people do themselves: deciding, undoing, deleting, settings. AiSHA says where, and does none of it."""

from __future__ import annotations

import re

from apps.assistant.rules.heard import Heard, Topic
from apps.assistant.rules.wording import plain

_PARTS = re.compile(r"[,.;:!]+\s|\b(?:and|then|und|dann)\b", re.IGNORECASE)
_ACTS: tuple[tuple[Topic, re.Pattern[str]], ...] = tuple(
    (topic, re.compile(f"^(?:{verbs})\\b{rest}", re.IGNORECASE))
    for topic, verbs, rest in (
        (
            Topic.DECIDING,
            r"approve|reject|accept|apply|execute|confirm|snooze|dismiss|decline|genehmige?|bestätige?"
            r"|akzeptiere?"
            r"|führe?(?! mich)|wende?|lehne?|ignore|ignoriere?|disregard|forget (?:your|all|every)",
            r"(?! (?:it )?(?:for|to) me\b.*\?)",
        ),
        (Topic.UNDOING, r"undo|revert|roll back|take back|mache? .*rückgängig|nimm .*zurück", ""),
        (Topic.DELETING, r"delete|remove|erase|purge|wipe|drop|lösche?|entferne?", ""),
        (
            Topic.SETTING,
            r"(?:change|set|turn|switch|enable|disable|activate|deactivate|reset|give|grant|invite|add|create"
            r"|ändere?|stelle?|schalte?|aktiviere?|deaktiviere?|lade?)",
            r".*\b(?:settings?|password|permissions?|roles?|rights|user|colleague account|api (?:key"
            r"|token)|module"
            r"|triggers?|einstellung(?:en)?|passwort|rechte?|rollen?|benutzer\w*|nutzer\w*|modul\w*)\b",
        ),
    )
)  # fmt: skip


def hear(words: str) -> Heard | None:
    """An act that only people do, whichever part of the message orders it."""
    for part in _PARTS.split(words):
        said = plain(part)
        for topic, pattern in _ACTS:
            if pattern.search(said):
                return Heard(topic, words=said)
    return None
