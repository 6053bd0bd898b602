"""What is done beside rendering the pages. The whole site is built by `nox -s docs`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import docs_hooks


def page(source: str) -> SimpleNamespace:
    return SimpleNamespace(file=SimpleNamespace(src_uri=source))


def test_the_error_page_gets_its_tables():
    text = (docs_hooks.ROOT / "docs/errors.md").read_text(encoding="utf-8")
    filled = docs_hooks.on_page_markdown(text, page("errors.md"))
    assert "<!--" not in filled
    assert "`AvatarAbsentError`" in filled
    assert "| 1215 | `BusyError` |" in filled


def test_the_error_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="the exception tree"):
        docs_hooks.on_page_markdown("# Errors", page("errors.md"))


def test_a_link_out_of_the_pages_becomes_a_path():
    text = "See [a bot](../examples/llm_bot.py) and [modes](modes.md)."
    assert docs_hooks.on_page_markdown(text, page("llm.md")) == (
        "See a bot (`examples/llm_bot.py` in the repository) and [modes](modes.md)."
    )


def test_llms_txt_has_a_line_for_each_page_with_its_first_sentence():
    config = SimpleNamespace(
        site_name="akool_async",
        site_description="An SDK",
        nav=[{"Start": "index.md"}, {"More": [{"LiveKit": "transports/livekit.md"}]}],
    )
    lines = docs_hooks.llms(config).splitlines()
    assert lines[0] == "# akool_async"
    assert "- [Start](index.html): Live conversations with AKOOL streaming avatars" in "\n".join(
        lines
    )
    assert lines[-1].startswith("- [LiveKit](transports/livekit.html): The LiveKit transport of")


def test_the_reference_shows_what_classes_inherit():
    settings = (docs_hooks.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "inherited_members: true" in settings  # else `AkoolClient.open_session` isn't there
