"""What the tests share: clips, the demo recognizer computed by both, loaded once."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from qasr_cli.engines.device import Placement
from qasr_cli.engines.layouts import Kind
from qasr_cli.engines.qwen3.engine import Qwen3Recognizer
from qasr_cli.engines.qwen3.setup import Setup
from qasr_cli.engines.vllm import environment
from qasr_cli.engines.vllm.recognizer import VllmRecognizer
from tests import demo_pair, sentences

if importlib.util.find_spec("vllm") is None:  # only the client's tests then, against a server elsewhere
    collect_ignore_glob = ["test_recognizer.py", "test_cli.py", "test_penalty.py"]

FP32 = Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Every sentence of the samples, alone and with the next one."""
    found = sentences.clips(tmp_path_factory.mktemp("clips"))
    assert len(found) > 200
    return found


@pytest.fixture(scope="session")
def own(by_vllm: VllmRecognizer) -> Qwen3Recognizer:
    """Our own engine, loaded after vLLM: before it, vLLM would get a process of its own."""
    return Qwen3Recognizer(demo_pair.opened(Kind.RECOGNIZER), Setup(FP32))


@pytest.fixture(scope="session")
def by_vllm() -> VllmRecognizer:
    """The same model in vLLM."""
    environment.prepare()
    return VllmRecognizer(demo_pair.opened(Kind.RECOGNIZER), FP32)


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The sample talk."""
    folder: Path = tmp_path_factory.mktemp("talk")
    return demo_pair.talk(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let vLLM's own imports warn."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
