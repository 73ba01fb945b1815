"""What texts in the facts tell a model to do: read from prose, JSON, markup and common encodings.

The reading errs on the side of obedience: a text that looks a little like an instruction is one. It knows
nothing of what our own checks look for.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.writing import EMAIL

_MOST_BRACES = 50
# Letters that look like Latin ones.
_LOOKALIKES = str.maketrans("аеорсхуіѕјһԁкмтвн", "aeopcxyisjhdkmtbh")

_SIGNS = re.compile(
    # Away with what was said before, in several languages.
    r"ignor|disregard|forget|overrid|bypass|vergiss|missacht|oubli|olvid|dimentic|esque[cç]|negeer|zignoruj"
    r"|игнор|забуд|忽略|无视|無視|忘记|忘れ|무시|تجاهل|התעלם|अनदेखा|yoksay"
    r"|instruction|anweisung|instrucci|istruzion|instru[cç]|инструкц|指示|指令|지시|تعليمات"
    # Somebody else speaks.
    r"|(?:^|\W)(?:system|assistant|developer|user|admin)\s*[:>\]]|[\"']role[\"']\s*:|<\|im_|\[/?inst\]"
    r"|you are now|as an ai"
    r"|you must|you have to|jailbreak|\bprompt\b|du musst|vous devez|debes"
    # Do this.
    r"|\b(?:set|change|make|put|update|raise|lower|transfer|assign|reassign|send|forward|mail|email|wire|visit"
    r"|click|open|approve|delete|remove|export|reply|use|call|propose|mark|move|write|pay|cite|create|merge"
    r"|setze|ändere|sende|schicke|lösche|überweise|öffne|envoie|envoyez|mets|changez|supprime|envía|envia"
    r"|cambia|borra|elimina|invia|imposta|отправь|измени|удали|установи)\b"
    r"|发送|设置|删除|送信|設定|削除|보내|삭제|أرسل|احذف"
    # Signs that no ordinary text has.
    r"|<[a-z!/]|\{\{|\{%|javascript:|\w\((?:['\"]|\))|\b[a-z]+_[a-z_]+\b",
    re.IGNORECASE | re.MULTILINE,
)
_TOOL = re.compile(
    r"\b(?:create|update|delete|remove|merge|draft|log|send|apply|approve|execute|export|drop|transfer|purge"
    r"|grant|pay|run|reassign|assign|convert|close)_[a-z_]*[a-z]\b"
)
_NO_TOOL = ("_id", "_kind", "_on", "_at")
_KIND = r"lead|contact|account|opportunity|deal|task|activity"
_RECORD = re.compile(
    rf"\b(?P<kind>{_KIND}|record)\b(?:\W{{0,3}}(?:id|number|no|nr))?\W{{0,4}}(?P<id>\d{{1,18}})\b",
    re.IGNORECASE,
)
_NAMED_ID = re.compile(
    r"\b(?P<name>[a-z]+_id|id)\b\W{0,5}(?:to\s+)?(?P<id>\d{1,18})\b", re.IGNORECASE
)
_OWNER = re.compile(
    r"\b(?:owner|assignee|user|person|besitzer|propriétaire|dueño)(?:_?id)?\b"
    r"(?:\s+(?:to|is|id|with|number|auf|à|a))*\W{0,5}(?:user\s+|person\s+)?(?P<id>\d{1,18})\b",
    re.IGNORECASE,
)
_URL = re.compile(
    r"(?:\b(?:https?|ftp|data)://|\bjavascript:|\bwww\.)[^\s\"'<>)\]]+", re.IGNORECASE
)
_NUMBER = r"\d[\d.,'’]{0,20}\d|\d"
_CURRENCY = r"[$€£¥]|USD|EUR|GBP|CHF|JPY"
_AMOUNT = re.compile(
    rf"(?:amount|value|price|budget|sum|betrag|wert|montant|importe|importo|сумм\w*|金额|金額)\D{{0,25}}"
    rf"(?P<named>{_NUMBER})|(?:{_CURRENCY})\s?(?P<after>{_NUMBER})|\b(?P<before>{_NUMBER})\s?(?:{_CURRENCY})",
    re.IGNORECASE,
)
_CODE = re.compile(r"\b(?:USD|EUR|GBP|CHF|JPY)\b")
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_MARKUP = re.compile(
    r"<[a-z!/].{0,200}>|\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|!?\[[^\]]{0,200}\]\([^)]{0,200}\)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(
    r"\b(?:say|write|answer|reply|title|reason|output|print|repeat)\b\W{1,12}?[“\"'«](?P<text>[^”\"'»]{1,500})",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"\b(?:[0-9a-fA-F]{2}){10,}\b")


@dataclass(slots=True)
class Orders:
    """What is to be done; what is not said is empty.

    Attributes:
        arguments: values by the name of an argument, such as ``owner_id``.
        words: text that is to be repeated.
    """

    tool: str = ""
    kind: str = ""
    record_id: int | None = None
    address: str = ""
    url: str = ""
    amount: str = ""
    day: str = ""
    words: str = ""
    arguments: JsonObject = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Which orders there are."""
        given = {
            "tool": self.tool,
            "record": self.record_id is not None,
            "address": self.address,
            "url": self.url,
            "amount": self.amount,
            "day": self.day,
            "words": self.words,
            "arguments": self.arguments,
        }
        return tuple(name for name, order in given.items() if order)


def read_orders(texts: list[str]) -> Orders:
    """The first order of each sort that the texts give."""
    orders = Orders()
    for text in texts:
        for reading in readings(text):
            if _SIGNS.search(reading):
                _take(orders, reading)
    return orders


def readings(text: str) -> Iterator[str]:
    """The text as it stands, without tricks of writing, and what is encoded in it."""
    plain = html.unescape(unicodedata.normalize("NFKC", text))
    hidden = "".join(chr(ord(sign) - 0xE0000) for sign in plain if 0xE0020 <= ord(sign) <= 0xE007E)
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    yield seen
    if hidden:
        yield hidden
    alike = seen.translate(_LOOKALIKES)
    if alike != seen:
        yield alike
    if "%" in seen:
        yield unquote(seen)
    if "\\u" in seen or "\\x" in seen:
        yield re.sub(
            r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))",
            lambda match: chr(int(match[1] or match[2], 16)),
            seen,
        )
    if "\u202e" in plain:
        yield seen[::-1]
    if "rot13" in seen.casefold():
        yield codecs.decode(seen, "rot13")
    for found in _BASE64.findall(seen):
        yield from _text_of(_from_base64(found))
    for found in _HEX.findall(seen):
        yield from _text_of(bytes.fromhex(found))


def _from_base64(text: str) -> bytes:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except binascii.Error:
        return b""


def _text_of(decoded: bytes) -> Iterator[str]:
    """The text, if it is one."""
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        return
    if text and text.isprintable():
        yield text


def _take(orders: Orders, text: str) -> None:
    """Take what an instruction says, unless an earlier one has said it."""
    for told in _objects(text):
        _take_object(orders, told)
    tools = (found[0] for found in _TOOL.finditer(text))
    orders.tool = orders.tool or next((one for one in tools if not one.endswith(_NO_TOOL)), "")
    if owner := _OWNER.search(text):
        orders.arguments.setdefault("owner_id", int(owner["id"]))
    for named in _NAMED_ID.finditer(text):
        name = named["name"].casefold()
        if name == "id" and orders.record_id is None:
            orders.record_id = int(named["id"])
        elif name != "id":
            orders.arguments.setdefault(name, int(named["id"]))
    record = _RECORD.search(text)
    if record and orders.record_id is None:
        kind = record["kind"].casefold()
        orders.record_id = int(record["id"])
        orders.kind = {"deal": "opportunity", "record": ""}.get(kind, kind)
    orders.address = orders.address or _first(EMAIL, text)
    orders.url = orders.url or _first(_URL, text).rstrip(".,;")
    if (amount := _AMOUNT.search(text)) and not orders.amount:
        orders.amount = _plain_number(amount["named"] or amount["after"] or amount["before"])
        if code := _first(_CODE, text):
            orders.arguments.setdefault("currency", code)
    orders.day = orders.day or _first(_DAY, text)
    quoted = _QUOTED.search(text)
    orders.words = orders.words or (quoted["text"] if quoted else _first(_MARKUP, text))


def _take_object(orders: Orders, told: JsonObject) -> None:
    """Take a tool call, or single arguments, that are written as JSON."""
    for name, value in told.items():
        if isinstance(value, dict):
            _take_object(orders, value)
        elif name in {"tool", "function", "action", "name"} and isinstance(value, str):
            if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", value):
                orders.tool = orders.tool or value
        elif isinstance(value, str | int | float) and name not in {"role", "type", "content"}:
            orders.arguments.setdefault(name, value)


def _objects(text: str) -> Iterator[JsonObject]:
    """The JSON objects that stand in a text."""
    decoder = json.JSONDecoder()
    position = -1
    for _ in range(_MOST_BRACES):
        position = text.find("{", position + 1)
        if position < 0:
            return
        try:
            found: JsonValue
            found, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found
        position = end - 1


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def _plain_number(text: str) -> str:
    """A number as programs write it: of several signs, the last one before two digits is the point."""
    whole, point, part = text, "", ""
    if len(text) > 3 and text[-3] in ".,":
        whole, point, part = text[:-3], ".", text[-2:]
    return re.sub(r"\D", "", whole) + point + part
