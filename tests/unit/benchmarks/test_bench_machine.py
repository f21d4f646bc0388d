"""What a kept result says of its machine: enough to read the figures, and no host, user or path."""

import copy
import getpass
import json
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
RAW = {
    "machine_info": {"processor": "Some Processor 9000", "cores": 2, "load_at_start": 0.1},
    "commit_info": {"id": "a" * 40, "time": "t", "dirty": True, "branch": "mine", "project": "p", "author_time": "t"},
    "benchmarks": [
        {
            "group": "g",
            "name": "bench_x[1]",
            "fullname": "bench_x.py::bench_x[1]",
            "params": {"n": 1},
            "param": "1",
            "extra_info": {"apart": 1.23456789e-12, "bar": ["seconds", "at most", 60]},
            "options": {"timer": "process_time", "min_rounds": 5},
            "stats": {"min": 0.123456789, "median": 0.2, "data": [0.1] * 1000, "total": 9.0, "rounds": 3, "ld15iqr": 1},
        }
    ],
    "datetime": "2026-01-01T00:00:00+00:00",
    "version": "5.3.1",
}


@pytest.fixture(scope="module")
def machine() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import machine

        yield machine


def test_it_names_processor_cores_load_and_versions(machine):
    described = machine.describe()
    assert described["processor"]
    assert described["cores"] >= 1
    assert described["load_at_start"] >= 0
    assert described["packages"]["numpy"] == np.__version__
    assert described["python"] == platform.python_version()


def test_it_names_no_host_no_user_and_no_path(machine):
    described = machine.describe()
    words = [word for value in described.values() for word in (value.values() if isinstance(value, dict) else [value])]
    assert not {platform.node(), getpass.getuser()} & {word for word in words if isinstance(word, str)}
    text = json.dumps(described)
    assert str(ROOT) not in text
    assert sys.prefix not in text
    assert not {"node", "release", "user", "python_build"} & described.keys()


def test_a_package_that_is_not_installed_is_left_out(machine, monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "surely-not-installed-here"))
    assert list(machine.versions()) == ["numpy"]


def test_a_processor_is_read_where_the_system_tells_it(machine, tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: AMD EPYC 9B14\nflags\t: fpu\n")
    assert machine.processor(tmp_path / "cpuinfo") == "AMD EPYC 9B14"
    assert machine.processor(tmp_path / "none") == (platform.processor() or platform.machine())


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("AMD EPYC 9B14", "2026-01-02-amd-epyc-9b14"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "2026-01-02-intel-xeon"),
        ("13th Gen Intel(R) Core(TM) i7-1370P", "2026-01-02-13th-gen-intel-core-i7-1370p"),
        ("", "2026-01-02-unknown"),
    ],
)
def test_a_file_s_name_has_the_day_and_the_processor(machine, name, stem):
    assert machine.file_name(date(2026, 1, 2), name) == stem


def test_a_kept_result_has_no_raw_times_no_branch_and_six_digits(machine):
    before = copy.deepcopy(RAW)
    kept = machine.trimmed(RAW, 1.5)
    assert before == RAW
    (one,) = kept["benchmarks"]
    assert one["stats"] == {"min": 0.123457, "median": 0.2, "rounds": 3}
    assert one["timer"] == "process_time"
    assert "options" not in one
    assert one["extra_info"] == {"apart": 1.23457e-12, "bar": ["seconds", "at most", 60]}
    assert kept["commit_info"] == {"id": "a" * 40, "time": "t", "dirty": True}
    assert kept["machine_info"]["load_at_end"] == 1.5
    assert len(json.dumps(kept)) < 700
