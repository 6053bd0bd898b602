import pytest

from akool_async.misuse import refused


class Asynchronous:
    __iter__ = refused("write `async for`")
    __getitem__ = refused("write `await`")


def test_the_operation_raises_with_the_text():
    with pytest.raises(TypeError, match=r"^write `async for`$"):
        list(Asynchronous())
    with pytest.raises(TypeError, match=r"^write `await`$"):
        Asynchronous()[0]
