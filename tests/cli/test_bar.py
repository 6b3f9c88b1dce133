"""The time left that the bar shows."""

from tripletgen.cli.bar import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_known_before_the_first_step() -> None:
    assert Pace(Clock()).seconds_left(100) is None


def test_a_batch_that_is_done_in_a_moment_took_as_long_as_the_wait_before_it() -> None:
    clock = Clock()
    pace = Pace(clock)
    for second in (60, 120):
        clock.now = second
        for _ in range(1_024):
            pace.advance(1)
    assert pace.seconds_left(10_240) == 480


def test_a_start_out_of_the_cache_is_forgotten_after_a_while() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.advance(9_000)
    for second in range(5, 100, 5):
        clock.now = second
        pace.advance(5)
    assert pace.seconds_left(10_000) == 1_000 - 95
