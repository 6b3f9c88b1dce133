"""Tasks are mapped over processes; a process that dies is the user's to know."""

import gc
import os
import signal
import time

import pytest

from tripletgen.engine.local import SerialEngine, local_engine
from tripletgen.errors import Interrupted, SourceError, TripletgenError


def double(number: int) -> int:
    return 2 * number


def fail(number: int) -> int:
    raise SourceError(f"{number}: cannot be read", "get it again")


def die(number: int) -> int:
    os._exit(9)


def first_slow(number: int) -> int:
    time.sleep(0.5 if number == 0 else 0)
    return number


def nothing() -> None:
    pass


def test_one_worker_runs_in_this_process():
    with local_engine(1, nothing) as engine:
        assert isinstance(engine, SerialEngine)
        assert list(engine.map(double, [1, 2, 3])) == [2, 4, 6]


def test_one_worker_warms_up_in_this_process_and_leaves_the_garbage_collector_as_it_was():
    before, calls = gc.get_threshold(), []
    with local_engine(1, lambda: calls.append("warm")) as engine:
        assert list(engine.map(double, [])) == []
        assert gc.get_threshold() != before
    assert calls == ["warm"]
    assert gc.get_threshold() == before


def test_two_workers_give_every_result_once():
    with local_engine(2, nothing) as engine:
        assert sorted(engine.map(double, range(20))) == list(range(0, 40, 2))
        assert sorted(engine.map(first_slow, range(5))) == [0, 1, 2, 3, 4]
        assert list(engine.map(double, [])) == []


def test_an_error_in_a_worker_arrives_with_message_and_hint():
    with pytest.raises(SourceError) as caught, local_engine(2, nothing) as engine:
        list(engine.map(fail, [7]))
    assert (caught.value.message, caught.value.hint) == ("7: cannot be read", "get it again")


def test_a_worker_that_dies_is_named_with_a_remedy():
    with pytest.raises(TripletgenError, match="a worker process died") as caught, local_engine(2, nothing) as engine:
        list(engine.map(die, [1]))
    assert caught.value.hint == "finished units are kept: run the same command again, with fewer --workers"


def test_only_a_few_tasks_are_handed_out_ahead():
    taken = []
    with local_engine(2, nothing) as engine:
        results = engine.map(double, (taken.append(number) or number for number in range(100)))
        next(results)
        assert len(taken) <= 8


def does_it_ignore_interrupts(number: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_is_for_this_process_alone():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with local_engine(2, nothing) as engine:
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
        assert set(engine.map(does_it_ignore_interrupts, range(6))) == {True}


def test_an_interrupt_is_no_exception_that_a_library_could_swallow():
    assert not issubclass(Interrupted, Exception)
    assert Interrupted.exit_code == 130
