from __future__ import annotations

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.models import Avatar
from akool_async.models.avatar import upload_body


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        (1, False, False),
        (2, False, False),
        (3, True, False),
        (4, False, True),
        (None, False, False),
    ],
)
def test_statuses(status: int | None, ready: bool, failed: bool) -> None:
    avatar = Avatar.read({"status": status})
    assert (avatar.ready, avatar.failed) == (ready, failed)


def test_an_uploads_body() -> None:
    assert upload_body("https://x/a.mp4", "Me1", "Me", 2) == {
        "url": "https://x/a.mp4",
        "avatar_id": "Me1",
        "name": "Me",
        "type": 2,
        "url_from": 2,
    }


@pytest.mark.parametrize(
    ("link", "avatar_id", "name", "url_from", "field"),
    [
        ("a.mp4", "Me1", "Me", 1, "url"),
        ("https://x/a.mp4", "", "Me", 1, "avatar_id"),
        ("https://x/a.mp4", "Me-1", "Me", 1, "avatar_id"),
        ("https://x/a.mp4", "Mé", "Me", 1, "avatar_id"),
        ("https://x/a.mp4", "Me1", None, 1, "name"),
        ("https://x/a.mp4", "Me1", "Me", 3, "url_from"),
        ("https://x/a.mp4", "Me1", "Me", True, "url_from"),
    ],
)
def test_what_an_upload_refuses(
    link: str, avatar_id: str, name: str, url_from: int, field: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        upload_body(link, avatar_id, name, url_from)
    assert caught.value.field == field
