"""Arrays on disk come back as they were, in blocks and at places."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.files import array_file
from egobench.files.array_file import ArrayFile


@pytest.fixture(params=[2**22, 8 * 3 * 4])
def written(request, tmp_path, monkeypatch):
    """Entries of 1 to 3 items of 3 features; in one block, or in blocks of 4 items."""
    monkeypatch.setattr(array_file, "BLOCK_BYTES", request.param)
    rng = np.random.default_rng(0)
    entries = [rng.normal(size=(1 + number % 3, 3)) for number in range(17)]
    whole = ArrayFile(tmp_path)
    for entry in entries:
        whole.append(entry)
    assert list(tmp_path.iterdir()) == []
    return entries, whole.entries()


@pytest.mark.parametrize("places", [range(17), [3, 4, 5, 9], [2, 2, 16, 0], [11]])
def test_blocks_hold_all_items_in_order(written, places):
    entries, whole = written
    chosen = whole if places == range(17) else whole.chosen(places)
    blocks = list(chosen.blocks())
    assert np.array_equal(np.concatenate([rows for _, rows in blocks]), np.concatenate([entries[k] for k in places]))
    ends = np.cumsum(chosen.counts)
    for first, rows in blocks:
        start = ends[first] - chosen.counts[first]
        assert start + len(rows) in ends, "an entry is never cut"
    assert (len(chosen), chosen.items, chosen.width) == (len(places), int(ends[-1]), 3)


def test_first_items_are_taken_at_places_of_any_shape(written):
    entries, whole = written
    places = np.array([[0, 16], [5, 5]])
    assert np.array_equal(whole.take(places), np.array([[entries[k][0] for k in row] for row in places]))
    assert np.array_equal(whole.chosen([7, 3]).take(np.array([1])), entries[3][:1])


@pytest.mark.parametrize("entry", [np.ones(3), np.ones((0, 3)), np.ones((2, 4))])
def test_an_entry_of_another_form_is_refused(tmp_path, entry):
    file = ArrayFile(tmp_path)
    file.append(np.ones((2, 3)))
    with pytest.raises(BadInputError) as error:
        file.append(entry)
    assert error.value.code == "features-dimension"
