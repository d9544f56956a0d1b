"""What the official `qwen-asr` package recognises; a program for an interpreter that has it, never imported.

`python official_texts.py MODEL FOLDER` reads `clips.npz` from the folder and writes `texts.json`. Uses the
package's public interface only.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

_SAMPLE_RATE_HZ = 16_000


def main(model: str, folder: Path) -> None:
    """Recognise the clips one by one, as the package does without options."""
    from qwen_asr import Qwen3ASRModel

    clips = np.load(folder / "clips.npz")
    loaded = Qwen3ASRModel.from_pretrained(model, dtype=torch.float32)
    sounds = [(clips[f"{number}"], _SAMPLE_RATE_HZ) for number in range(len(clips))]
    texts = [loaded.transcribe(audio=[sound])[0].text for sound in sounds]
    found = {"version": version("qwen-asr"), "texts": texts}
    (folder / "texts.json").write_text(json.dumps(found, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
