"""What users may have imported from `egotwin_ref` before it had packages still works for one release."""

import importlib
import sys

import pytest

OLD = [
    ("egotwin_ref.adapter", "EgoTwinModel"),
    ("egotwin_ref.adapter", "clip_seed"),
    ("egotwin_ref.adapter_floor", "VaeControl"),
    ("egotwin_ref.adapter_training", "EgoTwinTraining"),
]


@pytest.mark.parametrize(("module", "name"), OLD)
def test_an_old_place_warns_and_gives_what_the_new_one_has(module, name, monkeypatch):
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{module} is now egotwin_ref.adapters") as warnings:
        old = importlib.import_module(module)
    new = importlib.import_module(str(warnings[0].message).rpartition(" ")[2])
    assert getattr(old, name) is getattr(new, name)
