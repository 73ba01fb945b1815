"""What may be the names of records in a person's words: what is quoted, and words with capitals."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[“\"„](?P<text>[^”\"“]{2,100})[”\"“]")
_NAME = re.compile(r"\b[A-ZÄÖÜ][\w&'’-]*(?: (?:[A-ZÄÖÜ][\w&'’-]*|\d{1,4}\b))*")
# Words with a capital that name nobody: at the beginning, days, what a CRM is about, German nouns.
_NO_NAMES = frozenset(
    {
        "a", "about", "add", "after", "aisha", "all", "also", "an", "and", "angebot", "angebots", "anruf",
        "ansprechpartner", "april", "arrange", "at", "aufgabe", "aufgaben", "august", "before", "bei",
        "betrag", "bitte", "bring", "budget", "but", "call", "called", "can", "change", "check", "chf",
        "could", "create", "crm", "das", "dass", "deal", "deals", "december", "dem", "demo", "den", "denk",
        "denke", "der", "des", "die", "dienstag", "do", "don't", "donnerstag", "draft", "du", "e-mail",
        "ein", "eine", "einen", "er", "erinnere", "erstelle", "es", "eur", "everybody", "everyone", "fasse",
        "february", "firma", "folks", "follow", "for", "freitag", "friday", "from", "führ", "führe", "für",
        "gbp", "gespräch", "gestern", "get", "gets", "give", "go", "hake", "he", "head", "hello", "heute",
        "hey", "hi", "i", "i'd", "i'll", "i'm", "i've", "ich", "if", "in", "it's", "jahr", "january",
        "jemand", "july", "jump", "june", "kannst", "keep", "kontakt", "konto", "kunde", "kunden", "können",
        "könnten", "könntest", "kümmere", "last", "lead", "leads", "leg", "lege", "let", "leute", "leuten",
        "liste", "log", "look", "mail", "make", "march", "mark", "may", "melde", "messe", "met", "mit",
        "mittwoch", "monat", "monday", "montag", "morgen", "move", "my", "nach", "need", "next", "not",
        "note", "notiere", "notiz", "november", "nummer", "october", "oder", "ok", "okay", "on", "open",
        "or", "our", "phase", "phoned", "plan", "please", "preis", "preise", "promised", "pull", "put",
        "q1", "q2", "q3", "q4", "rabatt", "rechnung", "remember", "remind", "ruf", "rufe", "rückruf",
        "samstag", "saturday", "schedule", "schreib", "schreibe", "schritt", "see", "seite", "send",
        "september", "set", "setz", "setze", "she", "show", "sie", "so", "somebody", "someone", "sonntag",
        "sorge", "spoke", "spring", "stell", "stelle", "sunday", "sure", "switch", "take", "talked", "team",
        "telefonat", "telefonnummer", "tell", "termin", "that", "the", "then", "there", "they", "this",
        "thursday", "to", "today", "tomorrow", "trag", "trage", "treffen", "tuesday", "und", "unterschrift",
        "update", "usd", "vereinbare", "vergiss", "verlängerung", "verschiebe", "vertrag", "von", "vor",
        "vorschlag", "want", "wants", "we", "wednesday", "wenn", "wert", "when", "will", "wir", "with",
        "woche", "would", "write", "würdest", "yesterday", "zahlen", "zu", "zum", "zur", "öffne", "über",
    }
)  # fmt: skip


def names_in(text: str) -> list[str]:
    """Names, in the order in which they stand, each once."""
    found = [match["text"] for match in _QUOTED.finditer(text)]
    for match in _NAME.finditer(_QUOTED.sub(" ", text)):
        words = match[0].split()
        while words and _is_none(words[0]):
            words.pop(0)
        while words and (_is_none(words[-1]) or (words[-1].isdigit() and len(words) == 1)):
            words.pop()
        if words and len(name := " ".join(words)) > 1:
            found.append(name.removesuffix("'s").removesuffix("’s"))
    return list(dict.fromkeys(found))


def _is_none(word: str) -> bool:
    return word.casefold().removesuffix("'s").removesuffix("’s") in _NO_NAMES
