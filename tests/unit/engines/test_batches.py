"""Batches: formed from the plan, worked on in three phases, halved where they fail."""

import threading

import pytest

from egobench.engines.batches import Batching, BatchTask, Sizes, halving, take, unfinished
from egobench.engines.worker import answers_of
from egobench.errors import BadInputError, StorageError


class Doubling(BatchTask):
    """Doubles numbers; remembers who was together, and in which thread it worked."""

    def __init__(self, bad=(), most=99, unreadable=(), full=None):
        super().__init__()
        self.bad, self.room, self.unreadable, self.full = bad, most, unreadable, full
        self.together, self.threads = [], set()

    def open(self, item):
        if item in self.unreadable:
            raise BadInputError(f"{item} cannot be read", code="toy-unreadable")
        return item

    def work(self, opened):
        self.threads.add(threading.current_thread())
        if len(opened) > self.room:
            raise MemoryError
        self.together.append(list(opened))
        if set(opened) & set(self.bad):
            raise ValueError("bad")
        return [2 * each for each in opened]

    def close(self, item, opened, result):
        if item == self.full:
            raise StorageError("no space left")
        return result


def values(done):
    return [each.value for each in done]


def test_seven_items_in_batches_of_two_are_four_batches_in_two_calls():
    calls = Batching(size=2, per_call=3).calls([0, 1, 2, 3, 4, 5, 6])
    assert calls == [((0, 1), (2, 3), (4, 5)), ((6,),)]
    assert Batching().calls("ab") == [(("a",),), (("b",),)]


def test_a_batch_in_which_one_item_is_left_is_taken_whole():
    assert unfinished([0, 1, 2, 3, 4, 5, 6], 3, {4, 6}.__contains__) == [3, 4, 5, 6]
    assert unfinished([0, 1, 2], 1, {1}.__contains__) == [1]
    assert unfinished([0, 1, 2], 2, lambda item: False) == []


@pytest.mark.parametrize(
    "batches", [[(1, 2, 3)], [(1,), (2,), (3,)], [(1, 2), (3,)], [(1, 2), (3,), (4, 5), (6,), (7,)]]
)
def test_items_come_back_in_order_and_the_work_stays_in_the_calling_thread(batches):
    task = Doubling()
    done = take(task, batches)
    flat = [item for batch in batches for item in batch]
    assert [each.item for each in done] == flat
    assert values(done) == [2 * item for item in flat]
    assert task.together == [list(batch) for batch in batches]
    assert task.threads == {threading.current_thread()}
    assert all(each.busy <= each.seconds for each in done)


def test_an_error_of_a_batch_costs_its_own_item_only():
    task = Doubling(bad={3})
    done = take(task, [(1, 2, 3, 4, 5)])
    assert values(done) == [2, 4, None, 8, 10]
    assert str(done[2].error) == "bad"
    assert task.together == [[1, 2, 3, 4, 5], [1, 2, 3], [1, 2], [3], [4, 5]]


def test_an_item_that_cannot_be_read_takes_no_other_with_it():
    task = Doubling(unreadable={2})
    done = take(task, [(1, 2, 3)])
    assert values(done) == [2, None, 6]
    assert done[1].error.code == "toy-unreadable"
    assert task.together == [[1, 3]]


def test_a_batch_larger_than_memory_is_halved_with_a_note_and_no_later_one_is_tried_whole():
    task = Doubling(most=2)
    done = take(task, [(1, 2, 3, 4), (5, 6, 7, 8)])
    assert values(done) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert task.together == [[1, 2], [3, 4], [5, 6], [7, 8]]
    notes = [each.note for each in done if each.note]
    assert notes == ["a batch of 4 does not fit into memory; 2 are tried from now on"]


def test_an_item_that_does_not_fit_alone_fails_alone():
    done = take(Doubling(most=0), [(1, 2)])
    assert [type(each.error) for each in done] == [MemoryError, MemoryError]


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("CUDA out of memory. Tried"), RuntimeError("[enforce fail] can't allocate memory")],
)
def test_memory_that_runs_out_is_known_from_its_error_or_that_ones_cause(error):
    sizes, tried = Sizes(), []

    def work(opened):
        tried.append(len(opened))
        if len(opened) > 1:
            raise BadInputError("the model raised", code="model-raised") from error
        return opened

    assert halving(work, [1, 2, 3, 4], sizes) == [1, 2, 3, 4]
    assert (tried, sizes.most) == ([4, 2, 1, 1, 1, 1], 1)


def test_a_full_disk_ends_everything():
    for batches in ([(1, 2)], [(1,), (2,), (3,), (4,)]):
        with pytest.raises(StorageError):
            take(Doubling(full=2), batches)


def test_an_item_that_failed_in_its_batch_is_tried_again_alone():
    task = Doubling(bad={2})
    one, two, three = answers_of(task, "item-raised", [(1, 2, 3)], attempts=3)
    assert (one.value, one.attempts, three.value) == (2, 1, 6)
    assert (two.code, two.attempts, two.reason[:15]) == ("item-raised", 3, "ValueError: bad")
    assert task.together[-2:] == [[2], [2]]
