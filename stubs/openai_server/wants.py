"""Says what a message wants: one of the listed words, and the page or the name that it speaks of.

It goes by a few words of the message alone. It knows nothing of AiSHA's own rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import JsonValue

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.names import names_in
from stubs.openai_server.schemas import WantedMessage
from stubs.openai_server.strict_schemas import StrictSchema

_ELSEWHERE = re.compile(
    r"\b(?:weather|wetter|joke|witz|poem|gedicht|recipe|rezept|football|fußball|news|capital of|hauptstadt"
    r"|translate|übersetz\w*|homework|horoscope|horoskop|stock market|lottery|lotto|song|lied|python script"
    r"|approv\w+|let .* through|reject\w*|delet\w+|eras\w+|wipe|lösch\w*|genehmig\w*|freigeb\w*|undo"
    r"|rückgängig|password|passwort|admin(?:istrator)? rights?)\b",
    re.IGNORECASE,
)
_WAY = re.compile(
    r"\b(?:take|bring|lead) (?:me|us)\b"
    r"|\b(?:go|get|jump|switch|navigate|head|over) (?:over |back )?to the (?:page|list|screen)\b"
    r"|\bi(?:'d| would) like to (?:see|look at) the\b|\bpull up\b|\bopen\b"
    r"|\b(?:führe?|bring\w*|spring\w*|wechsel\w*|geh\w*)\b.*\b(?:zu[rm]?|nach|seite|liste)\b"
    r"|\bzur (?:seite|liste)\b|\böffne\w*\b|\bruf\w*\b.*\bauf\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^(?:and |so |und |also |i wonder |ich frage mich,? |i(?:'d| would) like to know |tell me |sag mir "
    r"|remind me |erinnere? mich,? )*"
    r"(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|do|does|did|has|have|can i|should"
    r"|was|wer|wen|wem|wann|wo|welche\w*|warum|wieso|wie|ist|sind|hat|haben|gibt|soll|ob|if|whether)\b",
    re.IGNORECASE,
)
_ASKED_TO = re.compile(
    r"^(?:please |bitte |hey,? |hi,? |aisha,? )*"
    r"(?:(?:can|could|would|will) (?:you|we)|(?:kannst|könntest|würdest) du"
    r"|(?:können|könnten|würden) (?:sie|wir))\b",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"\b(?:tell me|show me|explain|list|summari[sz]e|count|compare|see|know|look up|find"
    r"|sag\w*|zeig\w*|erklär\w*|nenn\w*|zähl\w*|find\w*|sehen)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\b(?:make sure|see to it|take care|put|set|change|move|update|raise|lower|log|note|write|remind"
    r"|remember|schedule|plan|arrange|book|call|ring|phone|mail|e-?mail|draft|follow|get back|chase|reach out"
    r"|touch base|send|needs?|should|must|has to|have to|is now|are now|worth|new number|spoke"
    r"|talked|met|called|promised"
    r"|don't (?:let|forget)|keep an eye|add|create|mark|want"
    r"|sorg\w*|setz\w*|änder\w*|stell\w*|trag\w*|notier\w*|erinner\w*|denk\w*|plan\w*|ruf\w*|schreib\w*|meld\w*"
    r"|hak\w*|fass\w*|soll\w*|muss\w*|müss\w*|vergiss|vergessen|leg\w*|erstell\w*|kümmer\w*|vereinbar\w*"
    r"|gesprochen|telefoniert|getroffen|versprochen|verschieb\w*)\b",
    re.IGNORECASE,
)
_PAGES = {
    "home": "today", "start": "today", "dashboard": "today", "queue": "suggestions", "waits": "suggestions",
    "vorschläge": "suggestions", "companies": "accounts", "customers": "accounts", "kunden": "accounts",
    "firmen": "accounts", "opportunities": "deals", "geschäfte": "deals", "pipeline": "deals",
    "aufgaben": "tasks", "to-dos": "tasks", "kontakte": "contacts", "verträge": "contracts",
    "renewals": "contracts", "entwürfe": "drafts", "produkte": "products", "prognose": "forecast",
    "dubletten": "duplicates", "einstellungen": "profile", "settings": "profile", "protokoll": "audit",
    "numbers": "forecast", "zahlen": "forecast",
}  # fmt: skip


def tell(message: WantedMessage, schema: StrictSchema, name: str) -> str:
    """What a model says that behaves as ``name`` says; empty, or one of delivery, is good."""
    if name == "not-json":
        return "They would like to have something done."
    if name == "wrong-schema":
        return json.dumps({"intent": "propose", "confidence": "high"})
    if name == "foreign-tool":
        return json.dumps({"wants": "approve", "page": None, "name": None})
    if name == "link":
        return json.dumps({"wants": "navigate", "page": "https://offers.example.net", "name": None})
    if name == "other-record":
        return json.dumps({"wants": "navigate", "page": None, "name": "Somebody Else"})
    properties = schema.root.properties or {}
    offered = [str(value) for value in properties["wants"].values or ()]
    pages = [
        str(value)
        for option in schema.alternatives(properties["page"])
        for value in option.values or ()
    ]
    wants = _wants(message.message)
    if wants == "question" and message.assistant_asked and not _ASKS.match(message.message):
        # Neither an order nor a question: a name, or “the first one”.
        wants = "answer"
    said: JsonObject = {
        "wants": wants if wants in offered else offered[0],
        "page": None,
        "name": None,
    }
    if wants == "navigate":
        said |= _where(message.message, pages)
    return json.dumps(said, ensure_ascii=False)


def _wants(text: str) -> str:
    is_asked_to = _ASKED_TO.match(text) is not None
    if _ELSEWHERE.search(text):
        return "out_of_scope"
    if _ASKS.match(text) or (is_asked_to and _TELLS.search(text)):
        return "question"
    if _WAY.search(text):
        return "navigate"
    if text.rstrip().endswith("?") and not is_asked_to:
        return "question"
    return "propose" if _WRITES.search(text) else "question"


def _where(text: str, pages: Sequence[str]) -> JsonObject:
    words = re.findall(r"[\w-]+", text.casefold())
    meant = (_PAGES.get(word, word) for word in words)
    page: JsonValue = next((one for one in meant if one in pages), None)
    named = names_in(text)
    return {"page": page, "name": named[0] if page is None and named else None}
