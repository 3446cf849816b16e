"""Whose turn is next, who is refused, and what happens to turns that nobody takes."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from contextlib import suppress

import pytest

from diffstyle.serving.fair_queue import Closed, FairQueue, Full
from tests.helpers.asynchronous import run_async


def served(arrivals: str, *, size: int = 64, share: int = 64) -> str:
    """The order in which users, a letter each, get their turns when all arrive at once."""

    async def run() -> str:
        queue, order = FairQueue(size=size, share=share), list[str]()

        async def one(user: str) -> None:
            ticket = queue.enter(user)
            try:
                async with ticket.turn():
                    await asyncio.sleep(0)
                    order.append(user)
            finally:
                ticket.leave()

        await asyncio.gather(*map(one, arrivals))
        assert queue.idle
        return "".join(order)

    return run_async(run())


def test_users_take_turns_however_many_requests_they_have() -> None:
    assert served("aaaaaabbc") == "abcabaaaa"


def test_who_comes_late_waits_for_one_turn_of_each_other_user() -> None:
    async def run() -> list[str]:
        queue, order = FairQueue(size=64, share=64), list[str]()

        async def one(user: str) -> None:
            ticket = queue.enter(user)
            async with ticket.turn():
                order.append(user)
                if len(order) == 2:
                    later.append(asyncio.ensure_future(one("late")))
                await asyncio.sleep(0.001)
            ticket.leave()

        later: list[asyncio.Future[None]] = []
        await asyncio.gather(*(one("greedy") for _ in range(6)))
        await asyncio.gather(*later)
        return order

    assert run_async(run()).index("late") == 2


def test_more_than_there_is_room_for_is_refused() -> None:
    queue = FairQueue(size=2, share=2)
    tickets = [queue.enter("a"), queue.enter("a")]
    with pytest.raises(Full) as own:
        queue.enter("a")
    assert own.value.own
    tickets.append(queue.enter("b"))
    with pytest.raises(Full) as all_of_it:
        queue.enter("c")
    assert not all_of_it.value.own
    for ticket in tickets:
        ticket.leave()
        ticket.leave()  # once is enough
    assert queue.idle
    assert queue.depth == 0


def test_a_turn_that_is_cancelled_goes_to_the_next() -> None:
    async def run() -> list[str]:
        queue, order, go_on = FairQueue(size=9, share=9), list[str](), asyncio.Event()

        async def one(user: str) -> None:
            async with queue.enter(user).turn():
                order.append(user)
                await go_on.wait()

        tasks = [asyncio.ensure_future(one(user)) for user in "abc"]
        await asyncio.sleep(0.01)
        tasks[0].cancel()  # gives its turn to b, which is cancelled before it knows
        await asyncio.sleep(0)
        tasks[1].cancel()
        go_on.set()
        for task in tasks:
            with suppress(CancelledError):
                await asyncio.wait_for(task, 1)
        return order

    assert run_async(run())[-1] == "c"


def test_a_queue_that_closes_ends_what_waits_and_lets_go_on_what_runs() -> None:
    async def run() -> list[str]:
        queue, said, go_on = FairQueue(size=9, share=9), list[str](), asyncio.Event()

        async def one(user: str) -> None:
            try:
                async with queue.enter(user).turn():
                    await go_on.wait()
                    said.append(f"{user} ran")
            except Closed:
                said.append(f"{user} closed")

        tasks = [asyncio.ensure_future(one(user)) for user in "ab"]
        await asyncio.sleep(0.01)
        queue.close()
        await asyncio.sleep(0.01)
        go_on.set()
        await asyncio.gather(*tasks)
        await one("c")
        return said

    assert run_async(run()) == ["b closed", "a ran", "c closed"]
