"""Which encoding a file is in, by the evidence of every byte of it.

Windows-1252 takes nearly any byte, so that a file in another encoding decodes as it: what stands there then
decides whether it is believed.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from apps.crm.importing.exceptions import FileRefusedError, FileTooLargeError

ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252 (Western European)",
}
CHUNK_BYTES = 1024 * 1024
SAMPLE_BYTES = 256 * 1024

# How a file that is no text begins, and what to tell the person.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (
        b"PK\x03\x04",
        "This is an Excel workbook or a ZIP archive. Save the sheet as CSV (UTF-8) first.",
    ),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook. Save the sheet as CSV (UTF-8) first."),
    (b"%PDF", "This is a PDF document. Export the table as CSV first."),
    (b"\x1f\x8b", "This is a compressed file. Unpack it first."),
)
# In Western European text most signs of a word are plain letters; in other scripts few are.
_WORD = re.compile(r"[A-Za-z\x80-\uffff]{3,}")
# What follows a letter at the end of Western text. With it „Spaß“ and the closing guillemets of French, a
# space before them, are UTF-8 by accident. Not after Â, Ã, Ä and Å: that is what UTF-8's Latin letters look
# like in Windows-1252, and hardly a word ends so.
_CLOSING_MARKS = frozenset("…‘’“”–—\u00a0«»®".encode("cp1252"))
_FIRST_ACCIDENTAL = "\u0180"


def detect_encoding(binary: BinaryIO, max_bytes: int, wanted: str | None) -> tuple[str, int]:
    """Return the codec and the size in bytes, having decoded the whole file.

    Raises:
        FileRefusedError: the file is empty, too large, binary, or in an unknown encoding.
    """
    head = binary.read(4)
    if not head:
        raise FileRefusedError("empty", "The file is empty.")
    for signature, message in _SIGNATURES:
        if head.startswith(signature):
            raise FileRefusedError("binary", message)
    binary.seek(0)
    sample = binary.read(SAMPLE_BYTES)
    binary.seek(0)
    if wanted is not None:
        return _decode_through(binary, [wanted], max_bytes)
    if head.startswith(codecs.BOM_UTF8):
        return _decode_through(binary, ["utf-8-sig"], max_bytes)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise wrong_encoding()
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_through(binary, ["utf-16"], max_bytes)
    if b"\0" in sample:
        return _decode_through(binary, [_utf16_without_mark(sample)], max_bytes)
    return _decode_through(binary, ["utf-8", "cp1252"], max_bytes)


def wrong_encoding() -> FileRefusedError:
    """The refusal of a file in an encoding that is not read."""
    return FileRefusedError(
        "wrong_encoding",
        "The file is neither UTF-8 nor UTF-16 nor Windows-1252 (Western European) text. Export it again "
        "as “CSV UTF-8”.",
    )


def not_text() -> FileRefusedError:
    """The refusal of a file that is no text."""
    return FileRefusedError(
        "binary",
        "The file holds bytes that no text has (NUL). It is not a CSV file, or it was damaged.",
    )


def _decode_through(binary: BinaryIO, candidates: list[str], max_bytes: int) -> tuple[str, int]:
    """Decode the whole file with each candidate at once; the first that never failed wins."""
    try:
        decoders = {name: codecs.getincrementaldecoder(name)() for name in candidates}
    except LookupError as error:
        raise FileRefusedError(
            "wrong_encoding", f"There is no encoding {candidates[0]!r}."
        ) from error
    evidence = _Evidence()
    size = 0
    while chunk := binary.read(CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise FileTooLargeError(max_bytes)
        if not chunk.isascii() and "cp1252" in decoders:
            evidence.look_at(chunk)
        for name, decoder in list(decoders.items()):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                del decoders[name]
                continue
            if "\0" in text:
                raise not_text()
        if not decoders:
            raise wrong_encoding()
    for name, decoder in decoders.items():
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        if name == "cp1252":
            evidence.require_western()
        return name, size
    raise wrong_encoding()


class _Evidence:
    """Tells Western European text from what merely decodes as such: Windows-1252 takes nearly any byte."""

    def __init__(self) -> None:
        self._as_utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._holds_utf8 = False
        self._sound = self._broken = 0
        self._words = self._foreign_words = 0

    def look_at(self, chunk: bytes) -> None:
        text = self._as_utf8.decode(chunk)
        broken = text.count("\ufffd")
        self._broken += broken
        self._sound += len(text) - len(text.encode("ascii", "ignore")) - broken
        signs = set(text) - {"\ufffd"}
        self._holds_utf8 |= any(not sign.isascii() and not _is_accidental(sign) for sign in signs)
        for word in _WORD.findall(chunk.decode("cp1252", "replace")):
            if not word.isascii():
                self._words += 1
                self._foreign_words += sum(not sign.isascii() for sign in word) * 2 > len(word)

    def require_western(self) -> None:
        """Raise unless the bytes above 127 look like the letters of a Western European language.

        Called for a file that is not UTF-8 throughout: one sign of UTF-8 makes it a mixture, except among
        words of another script, in whose encodings (GB 18030) two bytes may look like it by accident.
        """
        is_foreign = self._foreign_words > 1 and self._foreign_words * 2 > self._words
        is_by_accident = is_foreign and self._broken > self._sound
        if self._holds_utf8 and not is_by_accident:
            raise FileRefusedError(
                "wrong_encoding",
                "Part of the file is UTF-8, but some bytes are not: it was damaged or put together from two "
                "files. Export it again as “CSV UTF-8”.",
            )
        if is_foreign:
            raise wrong_encoding()


def _is_accidental(sign: str) -> bool:
    """Whether a sign that was read as UTF-8 is as Windows-1252 a letter and the marks that close a text."""
    return sign >= _FIRST_ACCIDENTAL and _CLOSING_MARKS.issuperset(sign.encode()[1:])


def _utf16_without_mark(sample: bytes) -> str:
    """In UTF-16 of mostly Western text every second byte is zero; on which side tells the order."""
    pairs = len(sample) // 2
    high_zeros, low_zeros = sample[1::2].count(0), sample[0::2].count(0)
    if high_zeros > pairs * 0.4 and low_zeros < pairs * 0.05:
        return "utf-16-le"
    if low_zeros > pairs * 0.4 and high_zeros < pairs * 0.05:
        return "utf-16-be"
    raise not_text()
