"""What mkdocs does beside rendering docs: generated tables, pages of the transports, llms.txt."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))

import error_page  # noqa: E402 - found beside this file

#: A link to a file of the repository that isn't one of the pages.
_OUTSIDE: Final = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the README of each transport as a page."""
    from mkdocs.structure.files import File

    for readme in sorted(ROOT.glob("transports/*/README.md")):
        text = readme.read_text(encoding="utf-8")
        files.append(File.generated(config, f"transports/{readme.parent.name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fills in generated tables; names files that are no pages in place of linking to them."""
    source = page.file.src_uri
    if source == "errors.md":
        for name, table in (
            ("the exception tree", error_page.tree),
            ("the codes", error_page.codes),
        ):
            marker = f"<!-- {name} -->"
            if marker not in markdown:
                raise ValueError(f"{source} has no {marker}")
            markdown = markdown.replace(marker, table())
    if "/" in source:
        return markdown
    return _OUTSIDE.sub(lambda link: f"{link[1]} (`{link[2]}` in the repository)", markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Writes llms.txt: what the pages are, for language models that read the site."""
    Path(config.site_dir, "llms.txt").write_text(llms(config), encoding="utf-8")


def llms(config: MkDocsConfig) -> str:
    """A heading for each part of the site, a line for each page with its first sentence."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}"]
    for entry in config.nav or []:
        ((title, below),) = entry.items()
        lines += ["", f"## {title}", ""]
        for page in [{title: below}] if isinstance(below, str) else below:
            ((name, source),) = page.items()
            link = f"{source.removesuffix('.md')}.html"
            lines.append(f"- [{name}]({link}): {_first_sentence(source)}")
    return "\n".join([*lines, ""])


def _first_sentence(source: str) -> str:
    path = ROOT / "docs" / source
    if not path.exists():
        path = ROOT / source.removesuffix(".md") / "README.md"
    paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    prose = next((part for part in paragraphs if re.match(r"[\w`\[]", part)), path.stem)
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(prose.split()))
    return re.split(r"(?<=[.!?:]) ", plain)[0].rstrip(":")
