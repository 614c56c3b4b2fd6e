"""Texts to draw days from, as numbers: length, n-gram vector, what the shipped model says.

Real ones come from the labelled corpora and are kept in a file, numbers only; where there are no
corpora, made-up ones have the same shape.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triage_ml.domain.drift import N_DIMS, WATCHED_HEADS, Floats
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language

USUAL, SPAM, SLANG = "usual", "spam", "slang"
PER_LANGUAGE = 1_500
PER_SPAM = 250
INVENTED = ("뿔랑이", "꾸벅돌", "냥탱크", "쨍구름", "돌핑크")
"""Korean words that nobody says yet; one of them makes a text one of `SLANG`."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Texts of a language and kind.  # (B,), (B, N_DIMS), (B,), (B, heads)"""

    n_chars: Floats
    vectors: Floats
    p_violation: Floats
    labels: Floats


Pools = dict[tuple[Language, str], Pool]


def made_up(seed: int = 3, n: int = 1_000) -> Pools:
    """Make pools without any corpus: languages that differ, spam that differs from the rest."""
    chance = np.random.default_rng(seed)
    pools: Pools = {}
    for language in SUPPORTED_LANGUAGES:
        usual = _random_texts(chance, n)
        pools[language, USUAL] = usual
        pools[language, SPAM] = _random_texts(chance, n // 4, spam=True)
    korean = pools[Language.KO, USUAL]
    term = chance.normal(size=N_DIMS) / np.sqrt(N_DIMS)
    pools[Language.KO, SLANG] = Pool(
        korean.n_chars + 4, korean.vectors + 0.4 * term, korean.p_violation, korean.labels
    )
    return pools


def _random_texts(chance: np.random.Generator, n: int, spam: bool = False) -> Pool:
    topic = chance.normal(size=N_DIMS) / np.sqrt(N_DIMS)
    vectors = 0.4 * topic + chance.normal(size=(n, N_DIMS)) * 0.9 / np.sqrt(N_DIMS)
    said = chance.beta(0.3, 1.2, size=n) if not spam else chance.beta(3.0, 1.0, size=n)
    heads = chance.beta(0.3, 4.0, size=(n, len(WATCHED_HEADS)))
    if spam:
        heads[:, [label.value for label in WATCHED_HEADS].index("deception_spam")] = said
    length = np.exp(chance.normal(4.8 if spam else 4.2, 0.4 if spam else 0.9, size=n))
    return Pool(np.clip(np.round(length), 1, 20_000), vectors, said, heads)


def load(data: Path | None, cache: Path) -> Pools:
    """Give the real pools, made once; the made-up ones where there are no corpora."""
    if not cache.exists():
        if data is None or not (data / "raw").exists():
            return made_up()
        _build(data, cache)
    kept = np.load(cache)
    names = sorted({name.rsplit(".", 1)[0] for name in kept.files})
    return {
        (Language(name.partition(".")[0]), name.partition(".")[2]): Pool(
            *(kept[f"{name}.{part}"] for part in Pool.__slots__)
        )
        for name in names
    }


def _build(data: Path, cache: Path) -> None:
    from triage_ml.inference.artifact import SHIPPED
    from triage_ml.inference.onnx import load_scorer
    from triage_ml.policy import load_policy

    severities = load_policy().typical_severities
    scorer = load_scorer(SHIPPED, severities)
    parts: dict[str, Floats] = {}
    for language, kind, texts in _texts(data):
        pool = _measured(scorer, language, texts)
        for part in Pool.__slots__:
            parts[f"{language.value}.{kind}.{part}"] = getattr(pool, part)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(cache, **parts)  # type: ignore[arg-type]


def _measured(scorer: object, language: Language, texts: Sequence[str]) -> Pool:
    from triage_ml.inference.projection import project

    said, heads = [], []
    for start in range(0, len(texts), 32):
        turn = texts[start : start + 32]
        for row in scorer.score(turn, [language] * len(turn)):  # type: ignore[attr-defined]
            said.append(row.p_violation)
            heads.append(
                [row.labels[x].probability if x in row.labels else 0.0 for x in WATCHED_HEADS]
            )
    lengths = np.array([float(len(text)) for text in texts])
    return Pool(lengths, project(texts), np.array(said), np.array(heads))


def _texts(data: Path) -> Iterator[tuple[Language, str, list[str]]]:
    from training.corpora.readers import SOURCES
    from triage_ml.domain.report import check_text
    from triage_ml.domain.text import normalise
    from triage_ml.errors import InvalidInput

    found: dict[tuple[Language, str], list[str]] = {}
    for source in SOURCES:
        kind = SPAM if "spam" in source.name or "phishing" in source.name else USUAL
        for row in source.read(data / "raw" / source.name):
            language = row.language or source.language
            text = row.text[:2_000]
            try:
                check_text("text", text)
            except InvalidInput:
                continue
            if language in SUPPORTED_LANGUAGES and normalise(text).text:
                found.setdefault((Language(language), kind), []).append(text)
    draw = random.Random(7)
    for (language, kind), texts in sorted(found.items()):
        chosen = draw.sample(texts, min(len(texts), PER_LANGUAGE if kind == USUAL else PER_SPAM))
        yield language, kind, chosen
        if (language, kind) == (Language.KO, USUAL):
            yield language, SLANG, [f"{text} {draw.choice(INVENTED)}" for text in chosen[:500]]
