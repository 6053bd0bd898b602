"""`akool account` and `akool languages`."""

from __future__ import annotations

from akool_async.cli.options import Service
from akool_async.cli.records import Found, plain, show, show_one

__all__ = ["show_account", "show_languages"]


async def show_account(service: Service) -> int:
    """The credits that the account has."""
    async with service.client() as akool:
        credits_left = await akool.account.credits()
    show_one({"credits": credits_left}, as_json=service.as_json)
    return 0


async def show_languages(service: Service) -> int:
    """Languages; there is one page of them."""
    async with service.client() as akool:
        found = await akool.languages.list()
    items = [plain(one) for one in found]
    show(
        Found(items, len(items), None),
        ("lang_code", "lang_name"),
        as_json=service.as_json,
        title="languages",
    )
    return 0
