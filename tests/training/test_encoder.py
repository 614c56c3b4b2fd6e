"""The pruned vocabulary cuts known texts as before; the encoder is the packaged one."""

import json

import pytest
import torch
from tokenizers import Tokenizer

from training.learning.encoder import (
    NO_BASE_ID,
    PAD_ID,
    SPECIAL,
    UNK_ID,
    Vocabulary,
    base_tokenizer,
    keep_layers,
    load_base,
    package_file,
    prune_vocabulary,
)
from triage_ml.errors import InvalidInput, SetupFailed

TEXTS = [
    "query: Das Wetter ist heute schön.",
    "query: Bugün hava çok güzel",
    "query: 오늘 날씨가 좋네요 ㅋㅋ",
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return prune_vocabulary(base_tokenizer(), TEXTS)


def test_a_kept_text_is_cut_as_before(vocabulary: Vocabulary) -> None:
    """Pruned ids map back to the base tokenizer's ids of the same text."""
    pruned = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    whole = Tokenizer.from_str(json.dumps(base_tokenizer()))
    for text in TEXTS:
        ids = pruned.encode(text).ids
        assert [vocabulary.base_ids[i] for i in ids] == whole.encode(text).ids


def test_special_tokens_keep_their_places(vocabulary: Vocabulary) -> None:
    """Start, padding, end and unknown stay the first four ids."""
    pruned = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    assert [pruned.id_to_token(i) for i in range(4)] == list(SPECIAL)
    assert pruned.token_to_id("<pad>") == PAD_ID
    assert pruned.encode("x").ids[0] == 0
    assert pruned.encode("x").ids[-1] == 2


def test_a_new_text_is_spelled_rather_than_unknown(vocabulary: Vocabulary) -> None:
    """Words that never occurred fall back to signs of our scripts."""
    pruned = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    assert UNK_ID not in pruned.encode("query: Straßenbahn şöyle año 한국 7! 🙂").ids


@pytest.mark.parametrize("text", ["ქართული", "\U00013000 \U00013079", "ᏣᎳᎩ", "日本"])
def test_an_unseen_sign_becomes_its_bytes(text: str, vocabulary: Vocabulary) -> None:
    """Scripts that are left out are spelled in bytes; nothing is unknown and nothing lost."""
    pruned = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    encoding = pruned.encode(text)
    assert UNK_ID not in encoding.ids
    spelled = [token for token in encoding.tokens if token.startswith("<0x")]
    assert bytes(int(token[3:5], 16) for token in spelled).decode() == text.replace(" ", "")


def test_bytes_have_no_place_in_the_base(vocabulary: Vocabulary) -> None:
    """All 256 are there, and only they are new."""
    names = [piece for piece, _ in vocabulary.tokenizer["model"]["vocab"]]
    new = [name for name, i in zip(names, vocabulary.base_ids, strict=True) if i == NO_BASE_ID]
    assert new == [f"<0x{byte:02X}>" for byte in range(256)]


def test_rare_tokens_can_be_left_out() -> None:
    """With a least count, a word that occurs once is spelled in smaller pieces."""
    texts = ["query: Wetter Wetter", "query: Regenschirm"]
    sizes = []
    for min_count in (1, 2):
        found = prune_vocabulary(base_tokenizer(), texts, min_count)
        pruned = Tokenizer.from_str(json.dumps(found.tokenizer))
        sizes.append(len(pruned.encode("Regenschirm").ids))
        assert UNK_ID not in pruned.encode(texts[1]).ids
    assert sizes[0] < sizes[1]


def test_unpacks_a_model_that_understands(vocabulary: Vocabulary) -> None:
    """Sentences that mean the same lie closer than ones that do not."""
    texts = ["query: Das Wetter ist heute schön.", "query: Bugün hava çok güzel", TEXTS[2]]
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary.tokenizer))
    other = "query: query: ."
    model = load_base(vocabulary.base_ids).eval()
    with torch.inference_mode():
        means = [
            model(torch.tensor([tokenizer.encode(t).ids])).last_hidden_state.mean(1)[0]
            for t in (*texts, other)
        ]
    german, turkish, korean, noise = (m / m.norm() for m in means)
    assert min(german @ turkish, german @ korean) > max(german @ noise, 0.8)


def test_names_the_package_that_is_missing() -> None:
    """Without the training extra the message says what to install."""
    with pytest.raises(SetupFailed, match=r"triage-ml\[training\]"):
        package_file("no_such_package_here", "x")


def test_keeps_layers_evenly_spaced() -> None:
    """The first and the last stay; what is asked for in vain is named."""
    encoder = load_base(tuple(range(50)))
    first, last = encoder.encoder.layer[0], encoder.encoder.layer[-1]
    keep_layers(encoder, 6)
    assert len(encoder.encoder.layer) == 6
    assert encoder.encoder.layer[0] is first
    assert encoder.encoder.layer[-1] is last
    assert encoder.config.num_hidden_layers == 6
    with pytest.raises(InvalidInput, match="n_layers: 7 is not between 2 and 6"):
        keep_layers(encoder, 7)
