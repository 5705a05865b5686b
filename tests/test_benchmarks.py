"""The benchmarks' arithmetic, and one of them from end to end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def result(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import result

    return result


def test_percentiles_by_nearest_rank(result):
    values = [30, 10, 20, 40]
    fractions = (0, 0.25, 0.26, 0.5, 0.95, 1)
    assert [result.percentile(values, fraction) for fraction in fractions] == [10, 10, 20, 20, 40, 40]
    assert result.percentile(range(1, 101), 0.95) == 95


def test_an_aim_is_reached_from_its_own_side(result):
    assert result.Result("", 50, "ms", aim=50).reached is True
    assert result.Result("", 51, "ms", aim=50).reached is False
    assert result.Result("", 0.9, "x", aim=0.95, at_most=False).reached is False
    assert result.Result("", 1.0, "x", aim=0.95, at_most=False).reached is True
    assert result.Result("", 1.0, "x").reached is None


def test_one_command_gives_a_table_and_json(tmp_path):
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "import_time", "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report = json.loads(output.read_text(encoding="utf-8"))
    (figure,) = report["results"]
    assert (figure["what"], figure["unit"], figure["aim"]) == ("import cnnwidgets", "ms", 50)
    assert "import cnnwidgets" in done.stdout and str(output) in done.stdout
    assert report["machine"]["cores"] >= 1
    packages = report["machine"]["packages"]
    assert all(packages[name] for name in ("torch", "scikit-learn", "openTSNE"))


def test_an_unknown_benchmark_is_refused():
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no benchmark speed: there are import_time" in done.stderr
