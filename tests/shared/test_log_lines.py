"""Logs: a library that repeats itself does not drown what explains it."""

import logging

from truenorth.clock import ManualClock
from truenorth.logs import REPEATED_AFTER_S, Unrepeated


def said(name: str, line: int = 1) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "client.py", line, "no broker", None, None)


def test_a_library_says_one_thing_once_in_a_while_and_how_often_it_was_held_back() -> None:
    clock = ManualClock()
    unrepeated = Unrepeated(clock)
    assert [unrepeated.filter(said("aiokafka.client")) for _ in range(4)] == [True, False, False, False]
    assert unrepeated.filter(said("aiokafka.client", line=2))
    clock.advance(seconds=REPEATED_AFTER_S)
    again = said("aiokafka.client")
    assert unrepeated.filter(again)
    assert vars(again)["held_back"] == 3


def test_our_own_words_are_never_held_back() -> None:
    unrepeated = Unrepeated(ManualClock())
    assert all(unrepeated.filter(said("truenorth.streams.engine")) for _ in range(10))
