"""Signs that nobody sees: the one judgement of what they are.

They are taken out of what a tool would write and of what a language model is told, named where a text is
shown, and refused in what a model has written. A zero-width space makes two words that look alike differ; a
sign that turns the direction of reading lets a text read otherwise than it stands. A reviewer must be tricked
by neither.
"""

from __future__ import annotations

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, with the interlinear marks and the blank of Braille.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# What is no text at all (controls, halves of signs, and what Unicode calls noncharacters), and line ends that
# hardly anybody knows. Signs of private use, and new ones, are seen, if only as boxes.
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"

_UNSEEN_SIGN = re.compile(f"[{_UNSEEN}]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_LINE_END = re.compile("\r\n?|\u2028|\u2029")
_SHOWN_BY_NAME = re.compile(f"[{_UNSEEN}{_CONTROLS}]|\r(?!\n)")
_READ_FROM_THE_RIGHT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)

_JOINERS = "\u200c\u200d"
# Letters of scripts without capitals, their marks, and pictures: what a joiner joins.
_JOINED = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})
_DRAWN, _KEY = frozenset("\u203c\u2049\u2139\u3030\u303d"), "\u20e3"
_FIRST_ISOLATE, _LAST_ISOLATE = "\u2068", "\u2069"


def without_unseen(text: str) -> str:
    """The text without signs that nobody sees, and with plain line ends."""
    if _is_plain(text):
        return text
    lines = _LINE_END.sub("\n", text)
    return _UNSEEN_SIGN.sub(lambda found: found[0] if _is_needed(found) else "", lines)


def one_line(text: str) -> str:
    """The text on one line, without signs that nobody sees and without what is no text."""
    line = " ".join(without_unseen(text).split())
    return line if _is_plain(line) else _CONTROL.sub("", line)


def has_unseen(text: str) -> bool:
    """Whether a text holds signs that nobody sees and that belong to nothing beside them."""
    return not _is_plain(text) and any(
        not _is_needed(found) for found in _SHOWN_BY_NAME.finditer(text)
    )


def has_controls(text: str) -> bool:
    """Whether a text holds what is no text: control characters other than tabs and line ends."""
    return _CONTROL.search(text) is not None


def with_unseen_named(text: str) -> str:
    """The text as a reviewer reads it: ``[U+200B]`` stands where a sign is that nobody would see."""
    return _SHOWN_BY_NAME.sub(
        lambda found: found[0] if _is_needed(found) else f"[U+{ord(found[0]):04X}]", text
    )


def isolated(text: str) -> str:
    """The text, kept apart in a line of others where it is read from the right (as ``<bdi>`` does)."""
    if _READ_FROM_THE_RIGHT.search(text) is None:
        return text
    return f"{_FIRST_ISOLATE}{text}{_LAST_ISOLATE}"


def _is_plain(text: str) -> bool:
    """Whether it is printable ASCII on one line, in which nothing can hide: most texts are."""
    return text.isascii() and text.isprintable()


def _is_needed(found: re.Match[str]) -> bool:
    """Whether the sign belongs to what stands beside it: a joiner, or the variant of a letter or picture."""
    sign, text, place = found[0], found.string, found.start()
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if sign in _JOINERS:
        return _category(before) in _JOINED and _category(after) in _JOINED
    if sign in "\ufe0e\ufe0f":
        # Of pictures, of a few signs that are drawn as pictures, and of keys.
        return _category(before) in {"So", "Sm"} or before in _DRAWN or after == _KEY
    if "\U000e0100" <= sign <= "\U000e01ef":
        return _category(before) == "Lo"
    return False


def _category(sign: str) -> str:
    return unicodedata.category(sign) if sign else ""
