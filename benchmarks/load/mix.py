"""Texts of the length mix of real posts, made of sentences written for this project.

`lengths.json` holds, per language, token counts of real posts; nothing of the posts themselves.
A text is a stretch of whole words of that length out of our own examples, so the mix is the
same on every machine and no corpus text is in this repository. To count anew:

    python -m benchmarks.load.mix --data ../shared/data
"""

import argparse
import json
import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "training" / "corpora" / "written"
LENGTHS = Path(__file__).with_name("lengths.json")
N_LENGTHS = 400
"""Token counts kept of each language: evenly spaced in the sorted list."""
CAMPAIGN_TEXTS = 20
CAMPAIGN_SHARE = 0.5


@dataclass(frozen=True)
class _Stream:
    """The examples of a language in one line, and where its tokens and words begin."""

    text: str
    places: list[tuple[int, int]]  # characters [start, end) of each token
    words: list[int]  # tokens that begin a word


class Mix:
    """Draws texts, all distinct, as many of each language."""

    def __init__(self, tokenizer: Tokenizer, seed: int, lengths: Path = LENGTHS) -> None:
        counts: dict[str, list[int]] = json.loads(lengths.read_text("utf-8"))["tokens"]
        self._lengths = counts
        self._streams = {language: _stream(tokenizer, language) for language in counts}
        self._languages = sorted(counts)
        self._draw = random.Random(seed)
        self._seen: set[str] = set()
        self._campaign: list[str] = []
        self._n = 0

    def take(self, n: int) -> list[str]:
        """Give the next n texts."""
        texts = self._texts()
        return [next(texts) for _ in range(n)]

    def take_wave(self, n: int) -> list[str]:
        """Give n texts of a spam wave: half of them are one of a few that come again and again."""
        self._campaign = self._campaign or self.take(CAMPAIGN_TEXTS)
        repeats = [self._draw.random() < CAMPAIGN_SHARE for _ in range(n)]
        others = iter(self.take(repeats.count(False)))
        return [self._draw.choice(self._campaign) if again else next(others) for again in repeats]

    def _texts(self) -> Iterator[str]:
        while True:
            language = self._languages[self._n % len(self._languages)]
            text = self._stretch(language)
            if text and text not in self._seen:
                self._seen.add(text)
                self._n += 1
                yield text

    def _stretch(self, language: str) -> str:
        stream = self._streams[language]
        length = self._draw.choice(self._lengths[language])
        first = self._draw.randrange(len(stream.words) - 1)
        start = stream.words[first]
        last = bisect_left(stream.words, start + length, first + 1)
        last = min(last, len(stream.words) - 1)
        before = stream.words[last - 1]
        if last - 1 > first and start + length - before < stream.words[last] - start - length:
            last -= 1
        begin, end = stream.places[start][0], stream.places[stream.words[last]][0]
        return stream.text[begin:end].strip()


def _stream(tokenizer: Tokenizer, language: str) -> _Stream:
    lines = (WRITTEN / f"{language}.jsonl").read_text("utf-8").splitlines()
    rows = [str(json.loads(line)["text"]).strip() for line in lines]
    random.Random(language).shuffle(rows)
    text = " ".join(" ".join(row.split()) for row in rows)
    places = tokenizer.encode(text, add_special_tokens=False).offsets
    words = [
        i
        for i, (start, end) in enumerate(places)
        if end > start and (start == 0 or text[start] == " " or text[start - 1] == " ")
    ]
    return _Stream(text, places, words)


def count_lengths(tokenizer: Tokenizer, data: Path, n: int) -> dict[str, list[int]]:
    """Count the tokens of real posts, n in all, as many of each language."""
    from benchmarks.texts import sample
    from triage_ml.domain.text import normalise

    found: dict[str, list[int]] = {}
    for language, text in sample(data, n):
        ids = tokenizer.encode(normalise(text).text, add_special_tokens=False).ids
        found.setdefault(language, []).append(max(len(ids), 1))
    return {language: _spaced(sorted(counts)) for language, counts in sorted(found.items())}


def _spaced(ordered: list[int]) -> list[int]:
    n = min(N_LENGTHS, len(ordered))
    return [ordered[int((i + 0.5) * len(ordered) / n)] for i in range(n)]


def plain_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json that neither cuts nor fills up."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def main() -> None:
    from triage_ml.inference.artifact import SHIPPED, TOKENIZER

    parser = argparse.ArgumentParser(description="Count the token lengths of real posts.")
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled corpora")
    parser.add_argument("--posts", type=int, default=10_000)
    options = parser.parse_args()
    tokenizer = plain_tokenizer(SHIPPED / TOKENIZER)
    counts = count_lengths(tokenizer, options.data, options.posts)
    LENGTHS.write_text(json.dumps({"posts": options.posts, "tokens": counts}) + "\n", "utf-8")
    for language, lengths in counts.items():
        print(language, "mean", round(sum(lengths) / len(lengths), 1), "longest", lengths[-1])


if __name__ == "__main__":
    main()
