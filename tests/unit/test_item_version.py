"""The name of an item's version: what rows of older releases hold must stay findable."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from triage_ml.domain.report import ContextItem, Item
from triage_ml.domain.text import is_blank

TEXTS = st.text(min_size=1, max_size=40).filter(
    lambda t: "\x00" not in t and not is_blank(t) and not any("\ud800" <= c < "\ue000" for c in t)
)
CONTEXT = TypeAdapter(tuple[ContextItem, ...])


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_a_version_has_the_name_that_it_had_when_pydantic_wrote_it(text, beside):
    context = tuple(ContextItem("parent", part) for part in beside)
    item = Item("i-1", text, "post", "author-1", context=context)
    written = CONTEXT.dump_json(context).decode()
    assert item.version_sha256 == hashlib.sha256(f"{text}\x00{written}".encode()).hexdigest()
