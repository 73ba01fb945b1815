"""Ways to write a text so that people or programs do not see what it says, and how to read them."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

# Letters of other scripts, and digits in words, that look like Latin letters.
_LOOKALIKES = str.maketrans(
    "аеорсхуіѕјһԁкмтвнԛԝɡαβεηικνορτυχ",
    "aeopcxyisjhdkmtbhqwgabenikvoptux",
)
_DIGITS = str.maketrans("013457$@", "oieastsa")
_BARRED = str.maketrans("łøđıæœ", "lodiao")
_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_WORD_WITH_DIGITS = re.compile(r"\b(?=\w*[a-z])(?=\w*\d)[a-z\d$@]{4,}\b")
_SPACED_OUT = re.compile(r"(?<!\w)(?:\w[ .\-_*·|]{1,2}){5,}\w(?!\w)")

# What turns letters round, or hides them: an override with letters in it, signs of the plane of tags (but for
# the flags that are written with them), many unseen signs in a row.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f")
_HIDING = re.compile(
    "\u202e|\u202d[^\u202c\\d]*[^\\W\\d_]|[\U000e0001-\U000e007f]|[\U000e0100-\U000e01ef]{2}"
    "|[\u200b-\u200d\u2060-\u2064\ufeff]{4}"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?:\b|\\x|0x)((?:[0-9a-fA-F]{2}[ :]?){12,})\b")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
# So many words in base64 or hex are looked into.
_MOST_DECODED = 50


def hides_signs(text: str) -> bool:
    """Whether the text holds signs that hide or turn round what it says."""
    return bool(_HIDING.search(_FLAG.sub("", text)))


def folded(text: str) -> str:
    """The text in one form: compatible signs, small letters, no accents on Latin ones, nothing unseen."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    if seen.isascii():
        return seen
    apart = unicodedata.normalize("NFKD", seen)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).translate(_BARRED)


def respelled(text: str) -> Iterator[str]:
    """A folded text without tricks of writing, as far as there are any."""
    alike = text.translate(_LOOKALIKES)
    if alike != text:
        yield alike
    plain = _WORD_WITH_DIGITS.sub(lambda word: word[0].translate(_DIGITS), alike)
    if plain != alike:
        yield plain
    for run in _SPACED_OUT.findall(alike):
        yield re.sub(r"[\W_]", "", run)


def decoded(text: str) -> Iterator[str]:
    """What is written in the text in common encodings: entities, percent signs, escapes, base64, hex."""
    if "&" in text and (plain := html.unescape(text)) != text:
        yield plain
    if "%" in text and (plain := unquote(text)) != text:
        yield plain
    if "\\" in text and (plain := _ESCAPE.sub(_escaped, text)) != text:
        yield plain
    for hidden in _TAGS.findall(text):
        yield "".join(chr(ord(sign) - 0xE0000) for sign in hidden)
    for found in _BASE64.findall(text)[:_MOST_DECODED]:
        yield from _text_of(_from_base64(found))
    for found in _HEX.findall(text)[:_MOST_DECODED]:
        yield from _text_of(bytes.fromhex(re.sub(r"[ :]", "", found)))


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16))


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def _text_of(data: bytes) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if text.replace("\n", " ").isprintable():
        yield text
