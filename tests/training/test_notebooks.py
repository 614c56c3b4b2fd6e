"""The notebooks run from top to bottom without a network, tell no text, and keep no outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

from training.corpora.snapshot import load_snapshot

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
KEYS = {
    "data_overview": {"n_examples", "n_per_split", "n_dropped", "written_share", "weak_share"},
    "calibration_and_thresholds": {"mean_error_after", "by_precision", "by_budget", "n_bounds"},
    "error_analysis": {"worst_cell", "n_mistakes", "confused", "sources"},
}


@pytest.fixture
def run(artifact, place, short_tmp_path, monkeypatch):
    """Run a notebook in a kernel that writes nowhere else and listens on no network."""
    monkeypatch.setenv("TRIAGE_WORKSPACE", str(artifact.folder.parent))
    monkeypatch.setenv("TRIAGE_EXPERIMENT", str(place / "small.toml"))
    monkeypatch.setenv("IPYTHONDIR", str(short_tmp_path))
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(short_tmp_path))

    def run(path: Path) -> nbformat.NotebookNode:
        notebook = nbformat.read(path, as_version=4)
        sockets = {"transport": "ipc", "ip": str(short_tmp_path / "kernel")}
        client = NotebookClient(
            notebook,
            timeout=240,
            config=Config({"KernelManager": sockets}),
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute()
        return notebook

    return run


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_on_a_finished_experiment(path, run, artifact):
    """Without an error; the last cell tells the results, and no cell tells a text."""
    done = run(path)
    results = json.loads(done.cells[-1].outputs[0].text)
    assert KEYS[path.stem] <= results.keys()
    assert all(results[key] is not None for key in KEYS[path.stem])
    outputs = json.dumps([cell.get("outputs") for cell in done.cells], ensure_ascii=False)
    snapshot, _ = load_snapshot(artifact.folder.parent / "snapshot")
    assert not [text for text in snapshot["text"] if text in outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_keeps_nothing_of_a_run(path):
    """No outputs, no counts, no switch left on; parameters stand at the top."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert code[0].metadata.tags == ["parameters"]
    assert "SHOW_TEXTS = True" not in code[0].source


def test_there_are_three_notebooks():
    """A notebook that is missing would not be missed otherwise."""
    assert {path.stem for path in NOTEBOOKS} == KEYS.keys()
