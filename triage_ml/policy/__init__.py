"""The shipped policy as data, and how a deployment's own is read.

A policy is a folder of TOML files, one per name in `domain.policy.DOCUMENTS`, and a folder
`guidelines` with a file per language, which may be missing.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from triage_ml.domain.document import Document
from triage_ml.domain.guideline import FOLDER
from triage_ml.domain.policy import DOCUMENTS, Policy, parse_policy
from triage_ml.errors import PolicyInvalid

DEFAULT_FOLDER = Path(__file__).parent / "default"

PolicyFiles = Mapping[str, str]
"""The text of each file of a policy by its name in the folder, as in guidelines/en.toml."""


def load_policy(folder: Path | None = None) -> Policy:
    """Read and check a policy folder, by default the shipped one. Raises: PolicyInvalid."""
    return policy_of(read_policy(folder))


def read_policy(folder: Path | None = None) -> PolicyFiles:
    """Read the files of a policy folder as they are. Raises: PolicyInvalid."""
    source = folder or DEFAULT_FOLDER
    names = [f"{name}.toml" for name in DOCUMENTS]
    names += [f"{FOLDER}/{path.name}" for path in sorted((source / FOLDER).glob("*.toml"))]
    return {name: _text(source / name) for name in names}


def policy_of(files: PolicyFiles) -> Policy:
    """Make a policy of its files, read just now or kept from long ago. Raises: PolicyInvalid."""
    documents: dict[str, Document] = {}
    guidelines: dict[str, Document] = {}
    for name, text in files.items():
        path = PurePosixPath(name)
        kind = guidelines if path.parent.name == FOLDER else documents
        kind[path.stem] = _parsed(path.name, text)
    return parse_policy(documents, guidelines)


def _read(path: Path) -> Document:
    return _parsed(path.name, _text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyInvalid(path.name, "-", f"cannot be read in {path.parent}") from error
    except UnicodeDecodeError as error:
        raise PolicyInvalid(path.name, "-", f"is not valid TOML: {error}") from error


def _parsed(name: str, text: str) -> Document:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(name, "-", f"is not valid TOML: {error}") from error
