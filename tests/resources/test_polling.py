from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError, WaitTimeoutError
from akool_async.resources.polling import poll

pytestmark = pytest.mark.virtual_clock


def asking(*answers: Any) -> tuple[Callable[[], Any], list[Any]]:
    """A question that is answered in turn, and the answers that were given."""
    given: list[Any] = []

    async def ask() -> Any:
        given.append(answers[min(len(given), len(answers) - 1)])
        return given[-1]

    return ask, given


async def waited(ask: Callable[[], Any], **changed: Any) -> Any:
    options: dict[str, Any] = {
        "done": lambda answer: answer == 3,
        "status": lambda answer: answer,
        "timeout": 5.0,
        "interval": 0.01,
        "on_progress": None,
    }
    return await poll("thing 1", ask, **(options | changed))


async def test_it_asks_until_it_is_done() -> None:
    ask, given = asking(1, 2, 3)
    assert await waited(ask) == 3
    assert given == [1, 2, 3]


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_progress_is_reported_of_every_answer(kind: str) -> None:
    seen: list[int] = []

    async def later(answer: int) -> None:
        seen.append(answer)

    ask, _ = asking(1, 3)
    await waited(ask, on_progress=seen.append if kind == "plain" else later)
    assert seen == [1, 3]


async def test_not_in_time_names_the_last_status() -> None:
    ask, given = asking(1, 2)
    with pytest.raises(WaitTimeoutError, match=r"thing 1 .* 0\.05 s \(last status: 2\)") as caught:
        await waited(ask, timeout=0.05)
    assert caught.value.status == 2
    assert len(given) >= 2


async def test_an_error_of_the_question_or_of_the_judgement_ends_the_waiting() -> None:
    async def refused() -> int:
        raise LookupError("gone")

    def failed(answer: int) -> bool:
        raise RuntimeError(f"failed with {answer}")

    with pytest.raises(LookupError):
        await waited(refused)
    with pytest.raises(RuntimeError, match="failed with 1"):
        await waited(asking(1)[0], done=failed)


async def test_a_time_limit_of_the_question_isnt_ours() -> None:
    async def late() -> int:
        raise TimeoutError("of the question")

    with pytest.raises(TimeoutError, match="of the question") as caught:
        await waited(late)
    assert not isinstance(caught.value, WaitTimeoutError)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"interval": 0}, "interval"),
        ({"interval": "1"}, "interval"),
    ],
)
async def test_limits_that_cant_be(changed: dict[str, Any], field: str) -> None:
    ask, given = asking(3)
    with pytest.raises(InvalidParameterError) as caught:
        await waited(ask, **changed)
    assert caught.value.field == field
    assert not given
