from __future__ import annotations

from akool_async.stream.languages import code_of_language, name_of_language


def test_names_of_languages() -> None:
    assert code_of_language(" english ") == "en"
    assert code_of_language("Klingon") == "Klingon"
    assert code_of_language("en") == "en"
    assert name_of_language("ZH") == "Chinese"
    assert name_of_language("tlh") == "tlh"
