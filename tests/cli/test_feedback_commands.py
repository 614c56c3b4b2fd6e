"""`triage decisions` and `triage erase`, as somebody types them."""

import pytest

from tests.cli.shell import on_store
from tests.contract.steps import NOW, decided
from triage_ml.storage.postgres import PostgresCaseStore


@pytest.fixture
def with_decisions(database):
    """A database in which two cases were decided."""

    async def fill(store: PostgresCaseStore) -> None:
        await decided(store, "i-1", text="you are a fool")
        await decided(store, "i-2", text="you are another")

    on_store(database, fill, now=lambda: NOW)


def test_decisions_are_exported_shown_and_erased(triage, tmp_path, with_decisions):
    """The way of the how-to, over a real database."""
    status, digest, said = triage("decisions", "export", "--out", tmp_path / "a")
    assert (status, len(digest.strip())) == (0, 64)
    assert "2 examples of 2 decisions" in said
    assert "no list of reserved texts was applied" in said
    status, shown, _ = triage("decisions", "show", tmp_path / "a")
    assert status == 0
    assert f"hash: {digest.strip()}" in shown
    assert "Korean: no examples" in shown
    status, told, _ = triage("erase", "i-2", "--why", "the author asked")
    assert (status, told) == (0, "erased i-2: texts 1, cases 1\n")
    assert "were erased before, at 2" in triage("erase", "i-2", "--why", "again")[1]
    options = ("--out", tmp_path / "b", "--previous", tmp_path / "a")
    assert triage("decisions", "export", *options)[0] == 0
    assert "of these because they were erased: 1" in triage("decisions", "show", tmp_path / "b")[1]


def test_texts_that_the_corpora_reserve_are_left_out(triage, tmp_path, with_decisions):
    """And a folder without the list of them is named."""
    from training.corpora.examples import EXCLUDE, fold_hash

    options = ("decisions", "export", "--out", tmp_path / "a", "--data", tmp_path)
    missing = f"triage: {tmp_path / EXCLUDE}: no such file in the data folder\n"
    assert triage(*options)[::2] == (1, missing)
    (tmp_path / EXCLUDE).write_text(fold_hash("you are another"), "ascii")
    status, _, said = triage(*options)
    assert (status, "no list of reserved" in said) == (0, False)
    assert "left out, reserved: 1" in triage("decisions", "show", tmp_path / "a")[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "soon"), "since: must be a day or a time, as 2026-03-01"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "until: must lie after since"),
        (("--noise", "loud"), "noise: must be one of dawid-skene, mace, majority"),
    ],
)
def test_a_wrong_argument_is_one_line_before_a_database_is_made(triage, tmp_path, options, told):
    status, _, said = triage("decisions", "export", "--out", tmp_path / "out", *options)
    assert (status, said) == (1, f"triage: {told}\n")
    assert not (tmp_path / "data").exists()


def test_an_unknown_item_is_one_line(triage, database):
    assert triage("erase", "nobody", "--why", "x")[::2] == (1, "triage: no item nobody\n")


def test_a_folder_that_is_no_export_is_named(triage, tmp_path):
    status, _, said = triage("decisions", "show", tmp_path)
    assert status == 1
    assert "manifest.json: no such file" in said
