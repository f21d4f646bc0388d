"""A worker ends when its work is done, whatever a model has left running in it."""

import multiprocessing

import pytest
from lingering import work


@pytest.mark.parametrize(("what", "said"), [("thread", "loader"), ("process", "process "), ("nothing", None)])
def test_a_worker_ends_though_something_in_it_does_not(what, said, capfd):
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(what,))
    worker.start()
    worker.join(60)
    is_over = worker.exitcode
    worker.kill()
    assert is_over == 0
    told = capfd.readouterr().err
    assert (f"ran on: {said}" in told) if said else ("ran on" not in told)
