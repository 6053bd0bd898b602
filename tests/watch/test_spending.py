from __future__ import annotations

from akool_async import RequestError
from akool_async.watch.spending import Spending


async def test_the_service_is_asked_once_in_a_while() -> None:
    asked = []

    async def ask() -> float:
        asked.append(1)
        return float(len(asked))

    spending = Spending(ask)
    assert [await spending.spent() for _ in range(3)] == [1.0, 1.0, 1.0]
    assert await spending.spent(newest=True) == 2.0
    assert await spending.spent() == 2.0


async def test_what_the_service_does_not_say_is_not_known() -> None:
    async def ask() -> float:
        raise RequestError("no answer")

    assert Spending(ask).is_known
    assert await Spending(ask).spent() is None
    assert not Spending(None).is_known
    assert await Spending(None).spent() is None
