"""The shipped policy as data, and how a deployment's own is read.

A policy is a folder of TOML files, one per name in `domain.policy.DOCUMENTS`, and a folder
`guidelines` with a file per language, which may be missing.
"""

import tomllib
from pathlib import Path

from triage_ml.domain.document import Document
from triage_ml.domain.guideline import FOLDER
from triage_ml.domain.policy import DOCUMENTS, Policy, parse_policy
from triage_ml.errors import PolicyInvalid

DEFAULT_FOLDER = Path(__file__).parent / "default"


def load_policy(folder: Path | None = None) -> Policy:
    """Read and check a policy folder, by default the shipped one. Raises: PolicyInvalid."""
    source = folder or DEFAULT_FOLDER
    documents = {name: _read(source / f"{name}.toml") for name in DOCUMENTS}
    return parse_policy(documents, _guidelines(source / FOLDER))


def _guidelines(folder: Path) -> dict[str, Document]:
    """Read the guidelines of a policy, by language; none where it has no such folder."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def _read(path: Path) -> Document:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyInvalid(path.name, "-", f"cannot be read in {path.parent}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyInvalid(path.name, "-", f"is not valid TOML: {error}") from error
