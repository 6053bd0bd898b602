import io
import json
import sys

import pytest

from akool_async.cli.options import Page
from akool_async.cli.records import Found, one_page, show, show_json, show_one
from akool_async.resources.pagination import AsyncPaginator, PageData

ROWS = [
    {"avatar_id": "a", "name": "Ann", "tags": ["x", "y"], "extra": 1},
    {"avatar_id": "b" * 300, "name": None},
]


def found(items, count=None, next_page=None):
    return Found(items, count, next_page)


def test_a_table_in_a_pipe_is_neither_cut_nor_coloured(capsys):
    show(found(ROWS), ("avatar_id", "name", "tags"), as_json=False, title="avatars")
    captured = capsys.readouterr()
    heading, first, second = captured.out.splitlines()
    assert heading.split() == ["avatar_id", "name", "tags"]
    assert first.split() == ["a", "Ann", "x,", "y"]
    assert second.split() == ["b" * 300]
    assert captured.err.strip() == "2 avatars"


def test_a_table_says_what_there_is_besides(capsys):
    show(found(ROWS, 7, 2), ("avatar_id",), as_json=False, title="avatars")
    assert capsys.readouterr().err.strip() == "2 of 7 avatars; --page 2 shows more"


def test_json_holds_whole_records_and_where_it_goes_on(capsys):
    show(found(ROWS, 7, 2), ("avatar_id",), as_json=True, title="avatars")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"items": ROWS, "count": 7, "next_page": 2}
    assert captured.err == ""


def test_nothing_found(capsys):
    show(found([]), ("avatar_id",), as_json=False, title="avatars")
    assert capsys.readouterr().out == "no avatars\n"
    show(found([]), ("avatar_id",), as_json=True, title="avatars")
    assert json.loads(capsys.readouterr().out) == {"items": [], "count": 0, "next_page": None}


def test_one_record(capsys):
    show_one({"_id": "1", "name": None, "tags": ("x", "y"), "more": {"a": 1}}, as_json=False)
    assert capsys.readouterr().out == '_id: 1\ntags: x, y\nmore: {"a": 1}\n'
    show_one({"_id": "1"}, as_json=True)
    assert json.loads(capsys.readouterr().out)["items"] == [{"_id": "1"}]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "gbk", "shift_jis", "utf-16"])
def test_json_survives_every_encoding(monkeypatch, encoding):
    name = "Grüße, 名前 😀 \u2028 می\u200cخواهم"
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, "replace"))
    show_json([{"name": name}])
    assert json.loads(raw.getvalue().decode(encoding))["items"] == [{"name": name}]


@pytest.mark.parametrize("limit", [1, 7, 99, 100, 101, 130, 250, 1000])
@pytest.mark.parametrize("counted", [True, False])
async def test_pages_hold_every_item_once(limit, counted):
    everything = list(range(257))
    sizes = []

    def listing(number, size):
        async def fetch(at):
            sizes.append(size)
            part = everything[(at - 1) * size : at * size]
            return PageData(part, len(everything) if counted else None)

        return AsyncPaginator(fetch, key=lambda item: item, page=number, size=size)

    page, items = 1, []
    while page is not None and page < 300:
        part = await one_page(listing, Page(page, limit))
        assert len(part.items) <= limit
        items += part.items
        page = part.next_page
    assert items == everything
    assert max(sizes) <= 100
