"""Words of messages: what carries no meaning of its own, and what stands for a record that was named
before."""

from __future__ import annotations

import re

from apps.execution.signs import one_line

_POLITE = re.compile(
    r"^(?:(?:hey|hi|hello|hallo|ok(?:ay)?|and|so|then|now|und|also|please|bitte|aisha"
    r"|(?:can|could|would|will) you(?: please)?|(?:kannst|könntest|würdest) du(?: bitte)?"
    r"|(?:können|könnten|würden) sie(?: bitte)?"
    r"|i(?:'d| would) like you to|i want you to|ich möchte,? dass du)\b[ ,:]*)+",
    re.IGNORECASE,
)
# “Could you …?” asks for something to be done, whatever sign stands at its end.
_REQUEST = re.compile(
    r"^(?:(?:hey|hi|hello|hallo|ok(?:ay)?|and|und|please|bitte|aisha)\b[ ,:]*)*"
    r"(?:(?:can|could|would|will) (?:you|we)|(?:kannst|könntest|würdest) du"
    r"|(?:können|könnten|würden) (?:sie|wir))\b",
    re.IGNORECASE,
)
_FILLERS = frozenset(
    {
        "a", "about", "aisha", "all", "alle", "am", "an", "and", "any", "are", "at", "aus", "bitte",
        "can", "check", "current", "currently", "danke", "das", "dem", "den", "der", "die", "do", "does",
        "ein", "eine", "einen", "es", "etwas", "for", "from", "für", "get", "gerade", "gibt", "give",
        "got", "haben", "habe", "hat", "have", "hey", "hoch", "how", "i", "ich", "im", "in", "is", "ist",
        "it", "jetzt", "let", "list", "look", "many", "me", "mein", "meine", "meinem", "meinen", "meiner",
        "mich", "mir", "much", "my", "nenne", "now", "of", "on", "our", "please", "right", "see",
        "should", "show", "sieht", "sind", "so", "tell", "thanks", "that", "the", "their", "there", "this",
        "to", "über", "und", "unsere", "unserer", "us", "viele", "view", "von", "want", "was", "we", "what",
        "what's", "welche", "which", "wie", "will", "wir", "with", "you", "your", "zeig", "zeige", "zu",
    }
)  # fmt: skip
_THIS = frozenset(
    {
        "this", "that", "here", "dies", "diese", "dieser", "dieses", "diesen", "diesem", "hier",
    }
)  # fmt: skip
_IT = frozenset(
    {
        "it", "its", "them", "they", "him", "her", "he", "she", "these", "those", "es", "ihn", "ihm",
        "ihr", "ihnen", "sie", "er", "denen", "dem", "der",
    }
)  # fmt: skip
_KINDS = {
    "lead": "lead", "leads": "lead", "contact": "contact", "contacts": "contact", "kontakt": "contact",
    "person": "contact", "account": "account", "accounts": "account", "company": "account",
    "customer": "account", "firma": "account", "kunde": "account", "kunden": "account",
    "deal": "opportunity", "deals": "opportunity", "opportunity": "opportunity", "geschäft": "opportunity",
    "task": "task", "contract": "contract", "vertrag": "contract", "record": "",
}  # fmt: skip
_ARTICLES = re.compile(
    r"^(?:(?:the|my|our|an?|der|die|das|den|dem|des|mein(?:e[nmr]?)?|unser(?:e[nmr]?)?|ein(?:e[nmr]?)?)\s+)+",
    re.IGNORECASE,
)
_QUOTES = "\"'“”„‚‘’«»()"


def plain(text: str) -> str:
    """A message on one line, without what is only polite and without the sign at its end."""
    return _POLITE.sub("", one_line(text)).rstrip(" ?!.…").strip()


def is_request(text: str) -> bool:
    """Whether a message asks for something by its form: “Could you …?”."""
    return _REQUEST.match(one_line(text)) is not None


def is_said(text: str, *patterns: re.Match[str] | None) -> bool:
    """Whether a text says no more than what the patterns have found in it, but for words without meaning."""
    rest = text
    for found in patterns:
        if found is not None:
            rest = rest.replace(found[0], " ")
    return all(word in _FILLERS for word in re.findall(r"[\w']+", rest.casefold()))


def name_of(text: str) -> str:
    """The name in “the deal “Isdom GTX””, without what stands around it."""
    name = _ARTICLES.sub("", text.strip(f" ,;:.!?{_QUOTES}"))
    first, _, rest = name.partition(" ")
    if rest and first.casefold() in _KINDS:
        name = rest
    return name.strip(f" ,;:.!?{_QUOTES}")


def kind_of(text: str) -> str:
    """The kind of record in “the deal Isdom GTX”, empty where none is said."""
    name = _ARTICLES.sub("", text.strip(f" ,;:.!?{_QUOTES}")).casefold()
    return next((_KINDS[word] for word in name.split()[:2] if word in _KINDS), "")


def points_at_page(name: str) -> bool:
    """Whether a name is “this”, or “this deal”: what the open page shows."""
    words = name.casefold().split()
    return bool(words) and words[0] in _THIS and all(w in _THIS | {*_KINDS} for w in words)


def points_back(name: str) -> bool:
    """Whether a name is “it” or “them”: what was spoken about before."""
    words = _ARTICLES.sub("", name.strip()).casefold().split() or name.casefold().split()
    return bool(words) and all(word in _IT or word in _KINDS for word in words)
