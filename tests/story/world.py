"""The world of the story: posts of public corpora that no model was trained on, and reviewers.

Nothing of the corpora is kept in the project: they are read where TRIAGE_DATA points to.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.corpora.readers import SOURCES
from training.corpora.sources import SHIPPABLE_TIERS

CORPORA = {
    "en_conan": 1_000,
    "en_hateval2019": 600,
    "es_hateval2019": 1_300,
    "ko_unsmile": 1_200,
}
"""Posts taken of each; the rest of the 5,000 is German and the planted pattern."""

VIOLATING_ALONE = frozenset({"en_hateval2019"})
"""Of these only posts with a violation: what else is in the other ones, nobody was asked, and
reviewers who let insults pass would teach the opposite of what the public corpora say."""

GERMAN = "de_germs_at"
SAID_TWICE = 0.06
"""Share of the posts that somebody else posts again word for word."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post, what is true of it, and why it was reported."""

    text: str
    language: str
    label: str | None  # the violation in it, None where there is none
    reason: str
    planted: bool = False


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Right with a probability of `accuracy`, each post anew."""

    name: str
    accuracy: float

    def finds(self, post: Post, chance: random.Random) -> str | None:
        """Give the violation that this reviewer sees in a post."""
        if chance.random() < self.accuracy:
            return post.label
        return None if post.label else post.reason


REVIEWERS = tuple(
    Reviewer(f"reviewer-{number}", accuracy)
    for number, accuracy in enumerate((0.97, 0.96, 0.95, 0.94, 0.93, 0.91))
)


def corpus_posts(data: Path, name: str, n: int, chance: random.Random) -> list[Post]:
    """Draw posts of a corpus that says of each whether it holds the violation asked about."""
    [source] = [source for source in SOURCES if source.name == name]
    if source.licence_tier in SHIPPABLE_TIERS:
        raise ValueError(f"{name} may be trained on: the story needs a corpus that was not")
    found = {
        row.text: Post(row.text, source.language, _violation(row.labels), "hate")
        for row in source.read(data / "raw" / name)
        if "hate" in row.labels
        and len(row.text) < 400
        and (row.labels["hate"] == 1 or name not in VIOLATING_ALONE)
    }
    return chance.sample(list(found.values()), min(n, len(found)))


def _violation(labels: object) -> str | None:
    if not isinstance(labels, dict):
        raise TypeError("labels")
    return next((name for name in ("hate", "harassment") if labels.get(name) == 1), None)


def all_posts(data: Path, planted: Sequence[Post], n: int, chance: random.Random) -> list[Post]:
    """Give `n` posts in any order: the planted ones, those of the corpora, some said twice."""
    posts = [post for name, m in CORPORA.items() for post in corpus_posts(data, name, m, chance)]
    posts += planted
    again = chance.sample(posts, int(SAID_TWICE * n))
    posts += again
    posts += corpus_posts(data, GERMAN, n - len(posts), chance)
    chance.shuffle(posts)
    return posts[:n]


def bodies(posts: Iterable[Post], prefix: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Give the report on each post, by the id of its item."""
    for number, post in enumerate(posts):
        item_id = f"{prefix}-{number}"
        item = {
            "id": item_id,
            "text": post.text,
            "surface": "comment",
            "author_ref": f"{prefix}-author-{number}",
        }
        notice = {
            "reporter_ref": f"{prefix}-reporter-{number % 97}",
            "source": "user",
            "reason": post.reason,
        }
        yield item_id, {"item": item, "report": notice}
