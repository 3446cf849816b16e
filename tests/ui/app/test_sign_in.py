"""Guessing a password is slow; knowing it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from diffstyle_ui.app import sign_in
from diffstyle_ui.app.sign_in import AT_ONCE, SignIn, network_of

T = TypeVar("T")


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, in a thread of its own: browser tests run a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def right() -> bool:
    return True


async def wrong() -> bool:
    return False


async def seconds(guard: SignIn, visitor: str, address: str, *, good: bool) -> float:
    began = time.monotonic()
    assert await guard.attempt(visitor, address, right if good else wrong)
    return time.monotonic() - began


def test_wrong_passwords_take_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "FIRST_SECONDS", 0.05)

    async def tries() -> list[float]:
        guard = SignIn()
        return [await seconds(guard, "", "10.0.0.1", good=False) for _ in range(3)]

    first, second, third = finished(tries())
    assert (first, second, third) >= (0.05, 0.1, 0.2)


def test_the_right_password_is_answered_at_once_whoever_guesses() -> None:
    async def tries() -> list[float]:
        guard = SignIn()
        assert await seconds(guard, "ada", "10.0.0.1", good=True) < 0.1
        guesses = [asyncio.create_task(guard.attempt("", "10.0.0.1", wrong)) for _ in range(AT_ONCE + 3)]
        await asyncio.sleep(0.05)
        assert not await guard.attempt("", "10.0.0.1", right)  # no place left at that address
        found = [await seconds(guard, "", "10.0.0.2", good=True), await seconds(guard, "ada", "10.0.0.1", good=True)]
        assert [guess.result() for guess in guesses if guess.done()] == [False] * 3
        for guess in guesses:
            guess.cancel()
        return found

    assert max(finished(tries())) < 0.2


def test_all_networks_together_have_a_limit() -> None:
    async def tries() -> int:
        guard = SignIn()
        guesses = [asyncio.create_task(guard.attempt("", f"10.0.{n}.1", wrong)) for n in range(40)]
        await asyncio.sleep(0.1)
        refused = sum(guess.done() for guess in guesses)
        for guess in guesses:
            guess.cancel()
        return refused

    assert finished(tries()) == 40 - sign_in.ALL_AT_ONCE


def test_a_household_is_one_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") != network_of("10.0.0.2")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("unknown") == "unknown"
