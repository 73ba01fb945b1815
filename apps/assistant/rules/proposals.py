"""What is to be proposed: reminders, follow-ups, and calls and meetings that are to be logged."""

from __future__ import annotations

import re

from apps.assistant.rules.heard import Heard, Topic
from apps.triggers.reading.letters import small

_REMIND = re.compile(
    r"^(?:"
    r"remind me(?: again)?(?: (?:to|about|of|that i (?:should|must|need to|have to)))?"
    r"|(?:add|create|make|set(?: up)?) (?:me )?(?:an? )?(?:new )?(?:task|to-?do|reminder)(?: (?:to|for"
    r"|that says))?:?"
    r"|(?:put|add) on my (?:list|tasks?|to-?dos?):?"
    r"|erinnere? mich(?: (?:daran|an|bitte))*,?"
    r"|(?:erstelle?|leg|lege) (?:mir )?(?:eine )?(?:neue )?(?:aufgabe|erinnerung)(?: an)?:?"
    r")\s+(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_MET = re.compile(
    r"^(?:follow[- ]?up with|get back to|write to|contact) "
    r"(?:every(?:one|body)|all(?: the)?(?: people| contacts| leads)?|each(?: person)?|the people)"
    r"(?: (?:who|whom|that))? (?:i|we) (?:(?:have |had )?"
    r"(?P<how>met|meet|saw|spoke (?:to|with)|spoken (?:to|with)|talked (?:to|with)|called"
    r"|meetings? with))(?P<span>.*)$"
    r"|^(?:hake?|fasse?) bei allen nach,? (?:mit denen|die"
    r"|denen) ich (?P<span_de>.*?)(?P<how_de>getroffen|gesprochen"
    r"|telefoniert)(?: habe)?$",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"^(?:"
    r"follow[- ]?up (?:with|on)"
    r"|(?:schedule|create|plan|make|add|propose) (?:an? )?follow[- ]?up (?:with|for|on)"
    r"|nachfassen bei|follow[- ]?up (?:mit|bei)"
    r")\s+(?P<rest>.+)$"
    r"|^(?:hake?|fasse?)(?: bitte)? bei (?P<rest_de>.+?) nach(?P<day_de>.*)$",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"^(?:"
    r"(?:log|note|record|write down|put down)(?: that i (?:had|made|did|sent))?(?: (?:an?|my|the))?"
    r"(?: (?P<way>incoming|inbound|outgoing|outbound))?"
    r" (?P<kind>call|phone call|conversation|meeting|visit|note|e-?mail|mail)"
    r"(?: (?P<preposition>with|to|from|about|on|for|at|by))?"
    r"|(?:notiere?|protokolliere?|erfasse?|trage?)(?: (?:einen|eine|ein|das|den))?"
    r"(?: (?P<way_de>eingehende[nrs]?|ausgehende[nrs]?))?"
    r" (?P<kind_de>anruf|telefonat|gespräch|treffen|besprechung|termin|besuch|notiz|e-?mail|mail)"
    r"(?: (?P<preposition_de>mit|bei|an|von|zu))?"
    r")\s+(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_KINDS = {
    "call": "call", "phone call": "call", "conversation": "call", "anruf": "call", "telefonat": "call",
    "gespräch": "call", "meeting": "meeting", "visit": "meeting", "treffen": "meeting",
    "besprechung": "meeting", "termin": "meeting", "besuch": "meeting", "note": "note", "notiz": "note",
    "email": "email", "e-mail": "email", "mail": "email",
}  # fmt: skip
_INWARD = ("incoming", "inbound", "eingehend", "from", "by", "von")
# “Remind me who owns it”, “Log a call with whom” ask; “Remind me when …” may do so.
_ASKS = re.compile(
    r"^(?:about )?(?:who|whom|whose|what|which|where|why|how|when|whether|if|wer|wen|wem|wessen|was|wo|wann"
    r"|welche[rsmn]?|warum|wieso|wie|ob|wenn)\b|\b(?:whom?|wem|wen|welche[rmn])$",
    re.IGNORECASE,
)
# Where the name ends and what was talked about begins.
_THEN = re.compile(r"\s*(?::|\s[-–—]\s|,\s|\bthat\b|\babout\b|\bdass\b|\büber\b)\s*", re.IGNORECASE)
_ABOUT = re.compile(r"\s(?:about|regarding|concerning|on|wegen|zu|zum|über)\s", re.IGNORECASE)
# “to call Ana Quirke”: the verb, and whom it concerns.
_DOING = re.compile(
    r"^(?:to |zu )?(?:call(?: back)?|phone|ring|e-?mail|write(?: back)? to|write|message|text|meet(?: with)?"
    r"|visit|see|contact|ask|thank|invite|chase|check in (?:with|on)|check on|get back to|reply to"
    r"|answer|talk to"
    r"|speak (?:to|with)|follow up with|catch up with|reach out to|prepare for|anrufen|"
    r"(?:send|schicke?)(?: [\w-]+){1,4} (?:to|an))\s+(?P<name>.+)$",
    re.IGNORECASE,
)
# German puts the verb at the end: “Ana Quirke anzurufen”.
_DOING_DE = re.compile(
    r"^(?P<name>.+?)\s+(?:anzurufen|anrufen|zu schreiben|schreiben|zu treffen|zu besuchen|zu kontaktieren"
    r"|zu fragen|zu antworten|zurückzurufen)$",
    re.IGNORECASE,
)


def hear(words: str) -> Heard | None:
    """What is to be proposed; None where nothing is, and where it is asked for."""
    heard = _heard(words)
    if heard is None or _ASKS.search(heard.name or heard.words):
        return None
    return heard


def _heard(words: str) -> Heard | None:
    if found := _MET.match(words):
        how = small(found["how"] or found["how_de"])
        span = found["span"] if found["how"] else found["span_de"]
        is_talk = how.startswith(("spoke", "talk", "call", "gesprochen", "telefoniert"))
        return Heard(Topic.FOLLOW_UP_MET, words=span.strip(), choice="talked" if is_talk else "met")
    if found := _FOLLOW_UP.match(words):
        rest = found["rest"] or f"{found['rest_de']}{found['day_de']}"
        return Heard(Topic.FOLLOW_UP, words=rest.strip())
    if found := _REMIND.match(words):
        return Heard(Topic.REMIND, words=found["rest"].strip())
    if found := _LOG.match(words):
        kind = _KINDS[small(found["kind"] or found["kind_de"])]
        told = [found[group] or "" for group in ("way", "way_de", "preposition", "preposition_de")]
        inward = any(word.casefold().startswith(_INWARD) for word in told if word)
        name, _, rest = _split(found["rest"])
        return Heard(Topic.LOG, name=name, words=rest, choice=f"{kind}:{'in' if inward else 'out'}")
    return None


def _split(text: str) -> tuple[str, str, str]:
    found = _THEN.search(text)
    if found is None:
        return text.strip(), "", ""
    return text[: found.start()].strip(), found[0], text[found.end() :].strip()


def names_in(doing: str) -> tuple[str, ...]:
    """What may be the name of a record in what is to be done, the likeliest first."""
    first, *matters = _ABOUT.split(doing)
    doings = [found for pattern in (_DOING, _DOING_DE) if (found := pattern.match(first))]
    names = [*(found["name"] for found in doings), *matters] or [first]
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def split_matter(text: str) -> tuple[str, str]:
    """“Ana Quirke about the offer”: whom it concerns, and the matter, empty where none is said."""
    found = _ABOUT.search(text)
    if found is None:
        return text.strip(), ""
    return text[: found.start()].strip(), text[found.end() :].strip()
