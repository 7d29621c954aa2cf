"""The queue between table and disk."""

import threading

import pytest

from rig.capture.darkroom import Darkroom


def test_prints_come_out_in_the_order_of_their_shots() -> None:
    prints: list[int] = []
    with Darkroom[int, int](lambda shot: shot * 10, room=3) as darkroom:
        for shot in range(20):
            prints += darkroom.bring(shot)
        while not darkroom.is_empty:
            prints.append(darkroom.take())
    assert prints == [shot * 10 for shot in range(20)]


def test_only_so_many_wait() -> None:
    gate = threading.Semaphore(0)
    waiting: list[list[int]] = []

    def work(shot: int) -> int:
        gate.acquire()
        return shot

    with Darkroom(work, room=2) as darkroom:
        assert darkroom.bring(1) == darkroom.bring(2) == []
        third = threading.Thread(target=lambda: waiting.append(darkroom.bring(3)))
        third.start()
        third.join(0.1)
        assert third.is_alive()
        gate.release()
        third.join()
        assert waiting == [[1]]
        gate.release(2)
        assert [darkroom.take(), darkroom.take()] == [2, 3]


def test_an_error_of_the_work_is_raised_where_the_print_is_taken_and_the_rest_is_finished() -> None:
    done: list[int] = []

    def work(shot: int) -> None:
        if shot == 1:
            raise OSError("the disk is gone")
        done.append(shot)

    def bring_all() -> None:
        with Darkroom(work, room=5) as darkroom:
            for shot in range(4):
                darkroom.bring(shot)
            while not darkroom.is_empty:
                darkroom.take()

    with pytest.raises(OSError, match="the disk is gone"):
        bring_all()
    assert done == [0, 2, 3]


def test_what_was_exposed_is_kept_when_the_block_ends_by_an_interrupt() -> None:
    done: list[int] = []

    def interrupted() -> None:
        with Darkroom(done.append, room=5) as darkroom:
            for shot in range(4):
                darkroom.bring(shot)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == [0, 1, 2, 3]
