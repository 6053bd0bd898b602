from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, envelope

from akool_async.client import AkoolClient

ROWS = [{"lang_code": "af-ZA", "lang_name": "Afrikaans", "url": "https://x"}, {"lang_code": "en"}]


@pytest.mark.parametrize("data", [{"lang_list": ROWS}, ROWS, {"result": ROWS, "count": 2}])
async def test_there_is_one_page(data: Any, service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope(data), envelope(data))
    page = await client.languages.list()
    assert [(language.code, language.name) for language in page] == [
        ("af-ZA", "Afrikaans"),
        ("en", None),
    ]
    assert not page.has_more
    assert [language.code async for language in client.languages.list()] == ["af-ZA", "en"]
    assert service.paths == ["/api/open/v3/language/list"] * 2
