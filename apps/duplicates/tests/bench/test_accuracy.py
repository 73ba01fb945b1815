"""What the bench says where the sets of others, or peers, are missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from apps.duplicates.bench import accuracy, data_sets, millions, peers


def test_without_the_sets_of_others_the_bench_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data_sets, "SHARED", tmp_path / "none")
    assert list(accuracy.measure_peers()) == [
        {
            "name": "sets of others: peers reproduced",
            "value": 0,
            "unit": "sets",
            "target": 1,
            "better": "higher",
            "remark": "not measured on fake_1000 and FEBRL: there is no folder ../shared/data",
        }
    ]
    first = next(iter(accuracy.measure_f1()))
    assert first["name"] == "sets of others: best F1 and F1 at our own threshold"


def test_a_peer_that_is_not_installed_is_named_beside_the_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "splink" else installed(name)
    )
    assert peers.without() == "; without Splink: not installed here"
    assert list(peers.peers()) == ["rapidfuzz", "pg_trgm", "ECM"]
    (row,) = millions.measure_millions()
    assert (row["value"], row["target"], row["better"]) == (0, 1, "higher")
    assert row["remark"] == "not measured: Splink is not installed here"
