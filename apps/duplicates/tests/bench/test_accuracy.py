"""What the bench says where the sets of others are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.duplicates.bench import accuracy, data_sets


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
