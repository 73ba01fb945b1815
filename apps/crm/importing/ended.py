"""What follows an import."""

from __future__ import annotations

from collections.abc import Callable

from apps.crm.enums import RecordKind

# Told the kind of the records, in the transaction that has written them.
ImportFollower = Callable[[RecordKind], None]
_followers: list[ImportFollower] = []


def register_import_follower(follower: ImportFollower) -> None:
    """Let ``follower`` hear of each import that has written records."""
    _followers.append(follower)


def tell_of_import(kind: RecordKind) -> None:
    """Tell all that were registered."""
    for follower in _followers:
        follower(kind)
