"""What others do with the same tables, as well as they do it: each peer ranks pairs and says which it means.

Splink on DuckDB, ECM of recordlinkage, a weighted mean of similarities by rapidfuzz, and PostgreSQL's
trigrams. Nobody is told the truth; everybody is given the same cleaned texts and, but for the trigrams, which
need none, the same blocks.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from django.conf import settings

from apps.duplicates.bench.data_sets import Plan
from apps.duplicates.matching.encoding import Numbers
from apps.duplicates.matching.estimating import Floats
from apps.duplicates.matching.fields import Field, Table

if TYPE_CHECKING:
    import pandas

# What has to be installed for a peer.
SPLINK, _ECM = "Splink", "ECM"
_PACKAGES = {SPLINK: "splink", _ECM: "recordlinkage"}
# The thresholds at which each calls two rows the same.
SPLINK_PROBABILITY = 0.95
_ECM_PROBABILITY, _MEAN_SIMILARITY, _TRIGRAM_SIMILARITY = 0.5, 0.85, 0.5
_SIMILAR = 0.85
# Fields of few values, of which nearly the same says nothing.
_ALIKE_OR_NOT = {Field.CITY, Field.REGION, Field.HOUSE_NUMBER}
_WEIGHTS = {
    Field.GIVEN_NAME: 2, Field.SURNAME: 3, Field.FULL_NAME: 4, Field.EMAIL: 3, Field.PHONE: 3,
    Field.BIRTH_DATE: 3, Field.STREET: 2, Field.HOUSE_NUMBER: 1, Field.CITY: 1, Field.POSTCODE: 1,
    Field.REGION: 1, Field.COMPANY: 2, Field.WEBSITE: 3, Field.TITLE: 1, Field.ID_NUMBER: 3,
}  # fmt: skip
_SPLINK_RANDOM_PAIRS = 1e6
# Of the sure matches, so many are thought to be caught by the rules for them.
_SPLINK_RULES_RECALL = 0.7
# PostgreSQL's own limit of what `%` finds, and the one with which the published figures come out.
TRIGRAM_LIMIT, PUBLISHED_TRIGRAM_LIMIT = 0.3, 0.4


@dataclass(frozen=True)
class Ranked:
    """Pairs by the positions of their rows, the likeliest first; ``bits`` is what they are ranked by."""

    left: Numbers
    right: Numbers
    bits: Floats
    likely: int

    @classmethod
    def of(cls, left: Numbers, right: Numbers, scores: Floats, threshold: float) -> Ranked:
        """Rank pairs; those that reach the threshold are meant."""
        order = np.argsort(-scores, kind="stable")
        likely = int((scores >= threshold).sum())
        return cls(left[order], right[order], scores[order], likely)

    @classmethod
    def of_splink(cls, predicted: pandas.DataFrame) -> Ranked:
        """Rank what Splink predicted; its weight is the logarithm of the odds."""
        left, right = (
            predicted[column].to_numpy().astype(np.int64) for column in ("row_l", "row_r")
        )
        threshold = float(np.log2(SPLINK_PROBABILITY / (1 - SPLINK_PROBABILITY)))
        return cls.of(left, right, predicted["match_weight"].to_numpy(), threshold)


Peer = Callable[[Table, Plan], Ranked]


def peers(trigram_limit: float = TRIGRAM_LIMIT) -> dict[str, Peer]:
    """Every peer that can run here; of the others ``without`` tells."""
    found: dict[str, Peer] = {
        "rapidfuzz": weighted_mean,
        "pg_trgm": lambda table, plan: trigrams(table, trigram_limit),
        SPLINK: splink,
        _ECM: ecm,
    }
    return {name: peer for name, peer in found.items() if name not in missing()}


def missing() -> list[str]:
    """The peers that cannot run here: what they need is a development tool."""
    return [
        name for name, package in _PACKAGES.items() if importlib.util.find_spec(package) is None
    ]


def without() -> str:
    """That peers are missing, to be told beside every figure that is held against the others; else empty."""
    names = " and ".join(missing())
    return f"; without {names}: not installed here" if names else ""


def splink(table: Table, plan: Plan) -> Ranked:
    """Splink 4: u from random pairs, m by expectation–maximisation over two blocks, term frequencies."""
    return Ranked.of_splink(predict_with_splink(_frame(table), plan))


def predict_with_splink(
    frame: pandas.DataFrame, plan: Plan, least: float = 0.0
) -> pandas.DataFrame:
    """The pairs that Splink gives at least this probability; ``frame`` has a column ``row``."""
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    # It tells every step, and how far it is where a report is expected.
    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    logging.getLogger("splink").setLevel(logging.ERROR)
    fields = [Field(column) for column in frame.columns if column != "row"]
    options: dict[str, Any] = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "row",
        "blocking_rules_to_generate_predictions": [block_on(*block) for block in plan.blocks],
        "comparisons": [_splink_comparison(field) for field in fields],
        "retain_intermediate_calculation_columns": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker: Any = Linker(
            frame,
            SettingsCreator(**options),
            db_api=DuckDBAPI(database),
            set_up_basic_logging=False,
        )
        training = linker.training
        training.estimate_probability_two_random_records_match(
            [block_on(*block) for block in plan.certain], recall=_SPLINK_RULES_RECALL
        )
        training.estimate_u_using_random_sampling(max_pairs=_SPLINK_RANDOM_PAIRS, seed=0)
        for block in plan.lessons:
            training.estimate_parameters_using_expectation_maximisation(block_on(*block))
        predicted: pandas.DataFrame = linker.inference.predict(
            threshold_match_probability=least
        ).as_pandas_dataframe()
    return predicted


def ecm(table: Table, plan: Plan) -> Ranked:
    """recordlinkage: similar or not by field, and expectation–maximisation over what is said so."""
    import pandas
    from recordlinkage import ECMClassifier

    left, right = blocked_pairs(table, plan)
    alike = {
        field: (similarities >= (1 if field in _ALIKE_OR_NOT else _SIMILAR)).astype(int)
        for field, similarities in _similarities(table, left, right).items()
    }
    index = pandas.MultiIndex.from_arrays([left, right])
    vectors = pandas.DataFrame({field.value: column for field, column in alike.items()}, index)
    # What does not differ cannot be told apart by it.
    vectors = vectors.loc[:, vectors.nunique() > 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = ECMClassifier(binarize=None)
        classifier.fit(vectors)
        scores = classifier.prob(vectors).to_numpy()
    return Ranked.of(left, right, scores, _ECM_PROBABILITY)


def weighted_mean(table: Table, plan: Plan) -> Ranked:
    """The mean of Jaro and Winkler's similarities over the fields that both rows have."""
    left, right = blocked_pairs(table, plan)
    total, weight = np.zeros(len(left)), np.zeros(len(left))
    for field, similarities in _similarities(table, left, right).items():
        is_known = ~np.isnan(similarities)
        total += _WEIGHTS[field] * np.where(is_known, similarities, 0.0)
        weight += _WEIGHTS[field] * is_known
    scores = np.divide(total, weight, out=np.zeros(len(left)), where=weight > 0)
    return Ranked.of(left, right, scores, _MEAN_SIMILARITY)


def trigrams(table: Table, limit: float) -> Ranked:
    """One text for each row, a GIN index, and the table joined with itself by `%`."""
    texts = [" ".join(filter(None, cells)) for cells in zip(*cleaned(table).values(), strict=True)]
    with psycopg.connect(settings.DATABASE_OWNER_URL) as session:
        session.execute("CREATE TEMP TABLE texts (row integer, text text) ON COMMIT DROP")
        with session.cursor().copy("COPY texts FROM STDIN") as copy:
            for row in enumerate(texts):
                copy.write_row(row)
        session.execute("CREATE INDEX ON texts USING gin (text gin_trgm_ops)")
        session.execute("ANALYZE texts")
        session.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(limit)])
        found = session.execute(
            "SELECT a.row, b.row, similarity(a.text, b.text)"
            " FROM texts a JOIN texts b ON a.text % b.text AND a.row < b.row"
            " ORDER BY a.row, b.row"
        ).fetchall()
    left, right, scores = zip(*found, strict=True) if found else ((), (), ())
    return Ranked.of(
        np.array(left, np.int64), np.array(right, np.int64), np.array(scores), _TRIGRAM_SIMILARITY
    )


def blocked_pairs(table: Table, plan: Plan) -> tuple[Numbers, Numbers]:
    """The pairs that agree in all fields of a block, each once."""
    columns = cleaned(table)
    found: set[tuple[int, int]] = set()
    for block in plan.blocks:
        groups: dict[tuple[str, ...], list[int]] = {}
        for row, key in enumerate(zip(*(columns[field] for field in block), strict=True)):
            if all(key):
                group = groups.setdefault(key, [])
                found.update((before, row) for before in group)
                group.append(row)
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def cleaned(table: Table) -> dict[Field, list[str]]:
    """The texts as somebody careful prepares them: small letters, digits of numbers, bare websites."""
    return {
        field: [_clean(field, cell) for cell in column] for field, column in table.columns.items()
    }


def _clean(field: Field, text: str) -> str:
    text = " ".join(text.lower().split())
    match field:
        case Field.PHONE:
            return re.sub(r"^00|\D", "", text.replace("(0)", ""))
        case Field.WEBSITE:
            return re.sub(r"^(https?://)?(www\.)?", "", text).partition("/")[0]
        case Field.BIRTH_DATE if re.fullmatch(r"\d{8}", text):
            return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text


def _similarities(table: Table, left: Numbers, right: Numbers) -> dict[Field, Floats]:
    """By field, Jaro and Winkler's similarity of each pair; NaN where one of the two is empty."""
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cpdist

    found = {}
    for field, column in cleaned(table).items():
        texts = np.array(column, object)
        one, other = texts[left], texts[right]
        similarities = cpdist(one, other, scorer=JaroWinkler.similarity, dtype=np.float64)
        found[field] = np.where((one == "") | (other == ""), np.nan, similarities)
    return found


def _frame(table: Table) -> pandas.DataFrame:
    import pandas

    columns = {field.value: column for field, column in cleaned(table).items()}
    frame = pandas.DataFrame(columns).replace("", None)
    frame["row"] = range(len(frame))
    return frame


def _splink_comparison(field: Field) -> Any:
    """What Splink's own library has for such a field."""
    import splink.comparison_library as library

    match field:
        case Field.GIVEN_NAME | Field.SURNAME:
            return library.NameComparison(field)
        case Field.BIRTH_DATE:
            return library.DateOfBirthComparison(field, input_is_string=True)
        case Field.EMAIL:
            return library.EmailComparison(field)
        case Field.PHONE | Field.ID_NUMBER | Field.POSTCODE:
            return library.LevenshteinAtThresholds(field, [1, 2])
        case Field.CITY | Field.REGION | Field.HOUSE_NUMBER:
            return library.ExactMatch(field).configure(term_frequency_adjustments=True)
        case Field.COMPANY:
            return library.JaroWinklerAtThresholds(field, [0.95, 0.88]).configure(
                term_frequency_adjustments=True
            )
    return library.JaroWinklerAtThresholds(field, [0.92, 0.8])
