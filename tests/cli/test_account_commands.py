"""`triage accounts`, as somebody types it."""

from functools import partial

import pytest
import typer

from serving.console.passwords import Argon2Hasher

PASSWORD = "a horse and a staple"


@pytest.fixture
def triage(triage):
    """Run `triage accounts …`."""
    return partial(triage, "accounts")


def test_accounts_are_made_listed_changed_and_disabled(triage):
    """The password comes from standard input and is printed nowhere."""
    add = ("add", "Anna", "--scope", "review", "--scope", "lead", "--password-stdin")
    assert triage(*add, given=f"{PASSWORD}\n") == (0, "added: anna\n", "")
    status, _, said = triage(*add, given=PASSWORD)
    assert (status, said) == (1, "triage: there is or was an account named anna\n")
    single = ("add", "ben.organisation", "--scope", "review", "--no-password")
    assert triage(*single) == (0, "added: ben.organisation\n", "")
    status, listed, _ = triage("list")
    assert status == 0
    assert "lead review" in listed
    assert PASSWORD not in listed
    changed = triage("password", "anna", "--password-stdin", given=f"{PASSWORD}!\r\n")
    assert changed == (0, "password set: anna\n", "")
    assert triage("disable", "anna") == (0, "disabled: anna\n", "")
    assert triage("disable", "ben") == (1, "", "triage: no account ben\n")


def test_a_bad_password_is_one_line_before_a_database_is_made(triage, tmp_path):
    """It is not repeated."""
    add = ("add", "anna", "--scope", "review", "--password-stdin")
    status, printed, said = triage(*add, given="too short\n")
    assert (status, printed) == (1, "")
    assert said == "triage: password: must have 12 to 256 characters\n"
    assert not (tmp_path / "data").exists()


def test_a_password_is_typed_twice_and_unseen(triage, monkeypatch):
    """When it does not come from standard input."""
    asked = []

    def prompt(text, **how):
        asked.append(how)
        return "too short"

    monkeypatch.setattr(typer, "prompt", prompt)
    assert triage("password", "anna")[0] == 1
    assert asked == [{"hide_input": True, "confirmation_prompt": True}]


def test_argon2_verifies_what_it_hashed():
    """Each hash has a salt of its own; one made otherwise is outdated; nonsense opens nothing."""
    hasher = Argon2Hasher()
    first, second = hasher.hash(PASSWORD), hasher.hash(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert hasher.verify(first, PASSWORD)
    assert not hasher.verify(first, PASSWORD + "!")
    assert not hasher.verify("nonsense", PASSWORD)
    assert not hasher.is_outdated(first)
    assert hasher.is_outdated(first.replace("t=3", "t=2"))
