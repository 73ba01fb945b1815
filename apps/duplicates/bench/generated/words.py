"""The words of which people and companies are made."""

from __future__ import annotations

# Given names in their full form, each with what else the same person is called.
NICKNAMES: dict[str, tuple[str, ...]] = {
    "Robert": ("Bob", "Rob"), "William": ("Bill", "Will"), "Elizabeth": ("Liz", "Beth"),
    "Katherine": ("Kate", "Kathy"), "Michael": ("Mike",), "Christopher": ("Chris",),
    "Margaret": ("Peggy", "Maggie"), "James": ("Jim", "Jamie"), "Thomas": ("Tom",),
    "Alexander": ("Alex", "Sascha"), "Nicholas": ("Nick",), "Samuel": ("Sam",), "Andrew": ("Andy",),
    "Jennifer": ("Jen", "Jenny"), "Patricia": ("Pat", "Tricia"), "Richard": ("Dick", "Rick"),
    "Edward": ("Ted", "Ed"), "Johannes": ("Hans",), "Friedrich": ("Fritz",), "Jakob": ("Köbi",),
    "Joseph": ("Joe",), "Matthias": ("Matthew",), "Daniel": ("Dan",), "Benjamin": ("Ben",),
    "Susanne": ("Susi",), "Magdalena": ("Lena",), "Francesco": ("Franco",), "Giuseppe": ("Beppe",),
}  # fmt: skip
GIVEN_NAMES: tuple[str, ...] = (
    *NICKNAMES, "Anna", "Laura", "Maria", "Petra", "Claudia", "Sandra", "Nicole", "Monika",
    "Ursula", "Verena", "Simone", "Corinne", "Sarah", "Emma", "Olivia", "Grace", "Chloé", "Amélie",
    "Léa", "Céline", "Hélène", "Giulia", "Chiara", "Paola", "Carmen", "Inés", "Lucía", "Zoë",
    "Peter", "Stefan", "Markus", "Urs", "Beat", "Reto", "Marco", "Luca", "Matteo", "Jürgen",
    "Günther", "Björn", "Søren", "Lars", "Émile", "René", "François", "Étienne", "José", "Ángel",
    "Martin", "Oliver", "Kevin", "Brian", "Sean", "Patrick", "David", "Mark", "Paul", "Simon",
)  # fmt: skip
SURNAMES: tuple[str, ...] = (
    "Müller", "Meier", "Schmid", "Keller", "Weber", "Huber", "Schneider", "Meyer", "Steiner", "Fischer",
    "Gerber", "Brunner", "Baumann", "Frei", "Zimmermann", "Moser", "Widmer", "Wyss", "Graf", "Roth",
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Robinson", "Wright",
    "Thompson", "Evans", "Walker", "White", "Roberts", "Green", "Hall", "Wood", "Clarke", "O'Brien",
    "Dubois", "Lefèvre", "Moreau", "Girard", "Bonnet", "François", "Rossi", "Ferrari", "Bianchi",
    "Colombo", "García", "Fernández", "Núñez", "Muñoz", "Sørensen", "Ångström", "Lindqvist", "Kowalski",
    "Wójcik", "Novák", "Dvořák", "Öztürk", "Yılmaz", "Jäger", "Köhler", "Schäfer", "Böhm", "van den Berg",
    "de Vries", "von Arx", "Groß", "Weiß", "Strauß", "McDonald", "Fitzgerald", "Papadopoulos",
)  # fmt: skip
# Written as at home, and as others write it.
ABROAD: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("伟", "王"), ("Wei", "Wang")), (("娜", "李"), ("Na", "Li")), (("敏", "张"), ("Min", "Zhang")),
    (("静", "刘"), ("Jing", "Liu")), (("强", "陈"), ("Qiang", "Chen")), (("洋", "杨"), ("Yang", "Yang")),
    (("محمد", "حسن"), ("Mohamed", "Hassan")), (("فاطمة", "علي"), ("Fatima", "Ali")),
    (("أحمد", "محمود"), ("Ahmed", "Mahmoud")), (("Ольга", "Иванова"), ("Olga", "Ivanova")),
    (("Сергей", "Петров"), ("Sergei", "Petrov")), (("Νίκος", "Γεωργίου"), ("Nikos", "Georgiou")),
)  # fmt: skip

CITIES: tuple[str, ...] = (
    "Zürich", "Basel", "Bern", "Genève", "Lausanne", "Winterthur", "Luzern", "St. Gallen", "Berlin",
    "Hamburg", "München", "Köln", "Frankfurt am Main", "Düsseldorf", "Stuttgart", "London", "Manchester",
    "Birmingham", "Leeds", "Edinburgh", "Paris", "Lyon", "Marseille", "Milano", "Torino", "Roma", "Wien",
    "Graz", "Salzburg", "Madrid", "Barcelona", "Amsterdam", "Rotterdam", "København", "Stockholm",
)  # fmt: skip
COMPANY_WORDS: tuple[str, ...] = (
    "Alpen", "Nord", "Helvetia", "Rhein", "Atlas", "Orion", "Vector", "Delta", "Quantum", "Blue", "Silver",
    "Summit", "Bright", "Green", "Stein", "Berg", "Kristall", "Pioneer", "Union", "Meridian", "Falcon",
    "Cedar", "Harbor", "Crown", "Apex", "Lumen", "Terra", "Nova", "Zenith", "Fjord",
)  # fmt: skip
COMPANY_TRADES: tuple[str, ...] = (
    "Logistik", "Systems", "Software", "Consulting", "Pharma", "Maschinenbau", "Foods", "Media", "Energy",
    "Capital", "Textil", "Medical", "Robotics", "Travel", "Immobilien", "Optik", "Chemie", "Analytics",
    "Security", "Print", "Networks", "Instruments", "Bau", "Design", "Automotive",
)  # fmt: skip
COUNTRIES: tuple[str, ...] = ("Schweiz", "Deutschland", "UK", "France", "Italia", "Nordics")
LEGAL_FORMS: tuple[str, ...] = (
    "AG", "GmbH", "Ltd", "Limited", "Inc.", "LLC", "SA", "S.A.", "Sàrl", "S.r.l.", "B.V.", "GmbH & Co. KG",
)  # fmt: skip
TITLES: tuple[str, ...] = (
    "CEO", "CFO", "Head of Purchasing", "Buyer", "Sales Manager", "IT Manager", "Software Engineer",
    "Marketing Manager", "Assistant", "Operations Manager", "Key Account Manager", "HR Manager",
    "Project Manager", "Quality Manager", "Controller",
)  # fmt: skip
PRIVATE_DOMAINS: tuple[str, ...] = (
    "gmail.com",
    "gmx.net",
    "hotmail.com",
    "bluewin.ch",
    "yahoo.com",
)
ROLE_MAILBOXES: tuple[str, ...] = ("info", "office", "kontakt", "sales")

_ONSETS = (
    "B",
    "Br",
    "D",
    "F",
    "Fr",
    "G",
    "Gr",
    "H",
    "K",
    "Kr",
    "L",
    "M",
    "N",
    "P",
    "R",
    "S",
    "St",
    "T",
    "V",
)
_MIDDLES = ("a", "e", "i", "o", "u", "ei", "au", "al", "er", "in", "or", "an")
_ENDINGS = (
    "bach",
    "mann",
    "ler",
    "son",
    "ton",
    "ini",
    "ard",
    "ski",
    "feld",
    "ley",
    "etti",
    "berg",
    "ova",
)


def coined_surname(number: int) -> str:
    """A surname made of syllables; the first 45,000 numbers give names of their own."""
    number, ending = divmod(number, len(_ENDINGS))
    number, middle = divmod(number, len(_MIDDLES))
    number, onset = divmod(number, len(_ONSETS))
    more = (
        _MIDDLES[number % len(_MIDDLES)] + "dlnrstmk"[number // len(_MIDDLES) % 8] if number else ""
    )
    return f"{_ONSETS[onset]}{more}{_MIDDLES[middle]}{_ENDINGS[ending]}"


def coined_given_name(number: int) -> str:
    """A given name made of syllables; the first 2,736 numbers give names of their own."""
    number, onset = divmod(number, len(_ONSETS))
    number, middle = divmod(number, len(_MIDDLES))
    ending = ("a", "o", "us", "ina", "el", "ise", "ik", "on", "eth", "is", "an", "y")[number % 12]
    return f"{_ONSETS[onset]}{_MIDDLES[middle]}{'lnrsmt'[(onset + middle) % 6]}{ending}"
