"""silero-vad's sequence model as a few large matrix products.

In go the bytes of the model that silero-vad ships; out come those of a model with the same weights, inputs
and outputs, or None if the graph is not the known one. Never runs either. The shipped graph has
convolutions over five columns or fewer for each 32 ms; with so little to do in one, most of the time is
spent around it. Here a row is 32 ms, and what a convolution does to its columns is one product with a
matrix for all rows together. Only the LSTM goes from row to row. It takes a quarter of the time.
Probabilities differ in the fifth digit after the point at most, as those of either differ from exact
arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from qasr_cli.speech.audio import onnx_format

INPUT_SAMPLES = 576  # 64 of the row before, and 512
HIDDEN = 128
_WINDOW, _HOP, _N_WINDOWS = 256, 128, 4
_N_BINS = _WINDOW // 2 + 1
# Of the graph in silero-vad 6.2.3. Another one runs as it is, more slowly, until it is known here.
_DIGEST = "6d4d85e1ae4f9e76083b20c7acd212a3b8eb1a23a8c26676d6c10b5a9bd54d8c"
_SHAPES = {
    "basis": (2 * _N_BINS, 1, _WINDOW),
    "encoder0": (128, _N_BINS, 3),
    "bias0": (128,),
    "encoder1": (64, 128, 3),
    "bias1": (64,),
    "encoder2": (64, 64, 3),
    "bias2": (64,),
    "encoder3": (HIDDEN, 64, 3),
    "bias3": (HIDDEN,),
    "lstm_input": (1, 4 * HIDDEN, HIDDEN),
    "lstm_hidden": (1, 4 * HIDDEN, HIDDEN),
    "lstm_bias": (1, 8 * HIDDEN),
    "output": (1, HIDDEN, 1),
    "output_bias": (1,),
}


def rebuild(model: bytes) -> bytes | None:
    """Return the same model in large products: from `float32[n, 576]` to `float32[n, 1]`."""
    weights = _weights(model)
    if weights is None:
        return None
    graph = _Graph(weights)
    graph.add_all()
    state = (1, 1, HIDDEN)
    return onnx_format.write(
        graph.operators,
        graph.constants,
        {"input": ("n", INPUT_SAMPLES), "h": state, "c": state},
        {"speech_probs": ("n", 1), "hn": state, "cn": state},
    )


def _weights(shipped: bytes) -> dict[str, np.ndarray] | None:
    """Return the weights by the names above; None if the model is another."""
    try:
        model = onnx_format.read(shipped)
    except ValueError:
        return None
    names = [
        name for one in model.operators if one.kind in {"Conv", "LSTM"} for name in one.inputs[1:4] if name
    ]
    found = {name: model.weights[of] for name, of in zip(_SHAPES, names, strict=False) if of in model.weights}
    is_known = {name: weight.shape for name, weight in found.items()} == _SHAPES
    return found if is_known and model.digest == _DIGEST else None


class _Graph:
    """The rebuilt graph under construction: its operators in order, and its constants."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self.operators: list[bytes] = []
        self.constants: dict[str, np.ndarray] = {}

    def add_all(self) -> None:
        """Add all operators from `input` to `speech_probs`."""
        magnitudes = [self._spectrum(number) for number in range(_N_WINDOWS)]
        first = [self._convolve(magnitudes, 0, stride=1, columns=columns) for columns in ((0, 1), (2, 3))]
        halves = [self._columns(one, 2, 128) for one in first]
        second = self._convolve([*halves[0], *halves[1]], 1, stride=2, columns=(0, 1))
        third = self._convolve(self._columns(second, 2, 64), 2, stride=2, columns=(0,))
        self._recur(self._convolve([third], 3, stride=1, columns=(0,)))

    def _add(self, kind: str, inputs: Iterable[str], **attributes: int) -> str:
        name = f"{kind}-{len(self.operators)}"
        self.operators.append(onnx_format.operator(kind, tuple(inputs), (name,), **attributes))
        return name

    def _constant(self, name: str, value: np.ndarray | int) -> str:
        self.constants[name] = np.array([value], dtype=np.int64) if isinstance(value, int) else value
        return name

    def _slice(self, of: str, start: int, end: int) -> str:
        bounds = [self._constant(f"at-{place}", place) for place in (start, end)]
        return self._add("Slice", (of, *bounds, self._constant("axis", 1)))

    def _columns(self, of: str, n_columns: int, width: int) -> list[str]:
        return [self._slice(of, width * column, width * (column + 1)) for column in range(n_columns)]

    def _spectrum(self, number: int) -> str:
        """Add the magnitudes of one window; the last one reads its end, past the samples, mirrored."""
        basis = self._weights["basis"][:, 0, :].T
        start = _HOP * number
        end = min(start + _WINDOW, INPUT_SAMPLES)
        inside = end - start
        name = f"basis-{inside}"
        if inside < _WINDOW:
            mirrored = basis[inside:]
            basis = basis[:inside].copy()
            basis[inside - 1 - len(mirrored) : inside - 1] += mirrored[::-1]
        parts = self._add("MatMul", (self._slice("input", start, end), self._constant(name, basis)))
        power = self._add("Mul", (parts, parts))
        both = self._columns(power, 2, _N_BINS)
        return self._add("Sqrt", (self._add("Add", both),))

    def _convolve(self, columns_in: list[str], layer: int, *, stride: int, columns: tuple[int, ...]) -> str:
        """Add a convolution of width 3, padded by 1, from columns to some of its columns side by side.

        A product a column keeps the sums short: one product for all has three times the rounding error.
        """
        kernel, bias = self._weights[f"encoder{layer}"], self._weights[f"bias{layer}"]
        total = self._constant(f"bias-{layer}", np.tile(bias, len(columns)))
        for place, column_in in enumerate(columns_in):
            taps = [place - stride * column + 1 for column in columns]
            if any(0 <= tap < 3 for tap in taps):
                blocks = [
                    kernel[:, :, tap].T if 0 <= tap < 3 else np.zeros_like(kernel[:, :, 0].T) for tap in taps
                ]
                name = self._constant(f"kernel-{layer}-{columns[0]}-{place}", np.concatenate(blocks, axis=1))
                total = self._add("Gemm", (column_in, name, total))
        return self._add("Relu", (total,))

    def _recur(self, rows: str) -> None:
        lstm = [
            self._constant(name, self._weights[name]) for name in ("lstm_input", "lstm_hidden", "lstm_bias")
        ]
        sequence = self._add("Unsqueeze", (rows, self._constant("axis", 1)))
        inputs = (sequence, *lstm, "", "h", "c")
        self.operators.append(onnx_format.operator("LSTM", inputs, ("all", "hn", "cn"), hidden_size=HIDDEN))
        shape = self._constant("rows", np.array([-1, HIDDEN], dtype=np.int64))
        voiced = self._add("Relu", (self._add("Reshape", ("all", shape)),))
        output = [
            self._constant("output", self._weights["output"][0]),
            self._constant("end", self._weights["output_bias"]),
        ]
        odds = self._add("Gemm", (voiced, *output))
        self.operators.append(onnx_format.operator("Sigmoid", (odds,), ("speech_probs",)))
