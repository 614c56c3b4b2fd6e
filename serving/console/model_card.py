"""A model's card as HTML for a page of the console: Markdown in, nothing of its own markup."""

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

DEEPER = 2
"""Levels: the page's own headings stand above those of a card."""
INTERVAL = re.compile(r"\[(-?[\d.]+), (-?[\d.]+)\]")
"""An interval as cards write it; it is not to break over two lines."""


@lru_cache(maxsize=4)
def card_html(card: str) -> Markup:
    """Render a card. Tables scroll by themselves; no HTML, image or style of it comes through."""
    # "js-default" has tables; html=False shows markup as text.
    reader = MarkdownIt("js-default", {"html": False}).disable("image")
    tokens = reader.parse(card)
    _tame(tokens)
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704


def _tame(tokens: Sequence[Token]) -> None:
    """Lower the headings, put tables into frames that scroll, drop inline styles."""
    n_tables = 0
    for at, token in enumerate(tokens):
        token.attrs.pop("style", None)  # the console's policy refuses it
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + DEEPER, 6)}"
        elif token.type == "table_open":
            n_tables += 1
            _frame(token, _heading_before(tokens, at), n_tables)
        elif token.type == "table_close":
            token.type, token.content = "html_block", "</table></div>\n"
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer nofollow")
            elif child.type == "text":
                child.content = INTERVAL.sub("[\\1,\N{NO-BREAK SPACE}\\2]", child.content)


def _frame(token: Token, heading: str, number: int) -> None:
    name = f"{heading} ({number})" if heading else f"Table {number}"
    token.type = "html_block"
    token.content = (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(name)}"><table>\n'
    )


def _heading_before(tokens: Sequence[Token], at: int) -> str:
    """Give the words of the last heading before a place."""
    for place in range(at - 1, 0, -1):
        if tokens[place - 1].type == "heading_open":
            return tokens[place].content
    return ""
