"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from triage_ml.commands.whole_file import whole_file, write_whole
from triage_ml.errors import SetupFailed


def test_a_file_takes_its_place_whole(tmp_path: Path) -> None:
    """Also over one that is there."""
    path = tmp_path / "report.json"
    for content in (b"one", b"another"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def interrupted(path: Path) -> None:
    with whole_file(path) as sink:
        sink.write(b"half")
        raise KeyboardInterrupt


def test_what_was_cut_short_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_whole(path, b"before")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_another_run_that_writes_the_same_file_is_left_alone(tmp_path, monkeypatch) -> None:
    """The last one to end wins, and both end."""
    path = tmp_path / "report.json"
    with whole_file(path) as slow:
        slow.write(b"slow")
        monkeypatch.setattr("os.getpid", lambda: -1)
        write_whole(path, b"quick")
        assert path.read_bytes() == b"quick"
    assert path.read_bytes() == b"slow"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["nowhere/report.json", "file/report.json", "a" * 300])
def test_what_cannot_be_written_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    """No folder, a file in its place, a name that is too long."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupFailed, match=f"^cannot write .*{name[:200]}.*: [A-Z]"):
        write_whole(tmp_path / name, b"x")
