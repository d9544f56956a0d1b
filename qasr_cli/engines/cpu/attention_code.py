"""LLVM code of the attention of single tokens to a cache of keys and values.

In go the sizes of a head and the cache's number format; out comes a module in LLVM's language, for any
processor. All sums are in float32, and their order depends on nothing but the number of keys. Never compiles,
never runs anything.

Method: scaled dot-product attention in two passes (scores, then the weighted sum of values), the query heads
that share a key head together, so that the cache is read once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

NAME = "attend"
# The arguments are one block of 8-byte words, in this order.
POINTERS = ("queries", "keys", "values", "attended", "scores", "positions", "next_item")
SIZES = ("n_items", "n_key_heads", "row_stride", "head_stride", "width")
LANES = 16  # float32; a head's width is a multiple
KEYS = 4  # whose scores are computed at once: the cache is readable to a multiple of it

_I64, _I32, _I16, _F32, _POINTER = (
    ir.IntType(64),
    ir.IntType(32),
    ir.IntType(16),
    ir.FloatType(),
    ir.PointerType(),
)
_FLOATS, _INTS = ir.VectorType(_F32, LANES), ir.VectorType(_I32, LANES)
# Of keys or values: the processor's own prefetching ends with each page of 4 KB. With 4 or 8 KB it takes 20 %
# less time than with none, on an AMD CPU.
_AHEAD_BYTES = 8192
_LEAST_EXPONENT = -87.0  # e to less than it is 0 here; float32 ends there
# e^x = 2^n e^r with |r| <= ln 2 / 2: ln 2 in two parts and the polynomial of Cephes' expf
# (https://www.netlib.org/cephes), highest power first.
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.44269504088896341, 0.693359375, -2.12194440e-4
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5, 1.0, 1.0)


def module(head_dim: int, n_grouped: int, *, is_bf16: bool) -> str:
    """Return a module with one function, `void attend(ptr arguments)`.

    An item is a row and a key head. The function takes items from the counter `next_item` until none is left,
    so that any number of threads may call it with the same arguments.

    Args:
        head_dim: Width of a head, a multiple of `LANES`.
        n_grouped: Query heads that share a key head.
        is_bf16: Whether keys and values are bfloat16; float32 if not.
    """
    code = ir.Module(name="attention")
    function = ir.Function(code, ir.FunctionType(ir.VoidType(), [_POINTER]), NAME)
    _Writer(function, head_dim, n_grouped, _I16 if is_bf16 else _F32).write()
    return str(code)


@dataclass(frozen=True, slots=True)
class _Item:
    """The pointers of one item, and its number of keys."""

    queries: Any
    keys: Any
    values: Any
    attended: Any
    scores: Sequence[Any]
    n_keys: Any


class _Loop:
    """One loop: its index, and values that each turn hands to the next."""

    def __init__(self, builder: Any, starts: Sequence[Any]) -> None:
        before = builder.block
        self._builder = builder
        self._block = builder.append_basic_block("turn")
        builder.branch(self._block)
        builder.position_at_end(self._block)
        self.index = self._carried(_I64(0), before)
        self.values = [self._carried(start, before) for start in starts]
        self.results: list[Any] = []

    def _carried(self, start: Any, before: Any) -> Any:
        value = self._builder.phi(start.type)
        value.add_incoming(start, before)
        return value

    def close(self, end: Any, step: int) -> None:
        """Go on while the next index is below the end."""
        index = self._builder.add(self.index, _I64(step))
        for value, result in zip([self.index, *self.values], [index, *self.results], strict=True):
            value.add_incoming(result, self._builder.block)
        after = self._builder.append_basic_block("after")
        self._builder.cbranch(self._builder.icmp_signed("<", index, end), self._block, after)
        self._builder.position_at_end(after)


class _Writer:
    """Writes the function."""

    def __init__(self, function: Any, head_dim: int, n_grouped: int, cached: Any) -> None:
        self._function = function
        self._head_dim = head_dim
        self._parts = range(0, head_dim, LANES)
        self._groups = range(n_grouped)
        self._cached = cached
        self._builder: Any = ir.IRBuilder(function.append_basic_block("entry"))

    def write(self) -> None:
        """Write all blocks."""
        build = self._builder
        argument = {
            name: self._load(self._function.args[0], _I64(i), _POINTER if name in POINTERS else _I64)
            for i, name in enumerate((*POINTERS, *SIZES))
        }
        take, work, end = (build.append_basic_block(name) for name in ("take", "work", "end"))
        build.branch(take)
        build.position_at_end(take)
        number = build.atomic_rmw("add", argument["next_item"], _I64(1), "monotonic")
        build.cbranch(build.icmp_signed("<", number, argument["n_items"]), work, end)
        build.position_at_end(work)
        item = self._item(argument, number)
        self._write_scores(item)
        self._write_attended(item, self._write_shares(item))
        build.branch(take)
        build.position_at_end(end)
        build.ret_void()

    def _item(self, argument: dict[str, Any], number: Any) -> _Item:
        build, n_heads = self._builder, argument["n_key_heads"]
        row, head = build.udiv(number, n_heads), build.urem(number, n_heads)
        offset = build.add(build.mul(row, argument["row_stride"]), build.mul(head, argument["head_stride"]))
        rows = build.mul(number, _I64(len(self._groups)))
        queries = build.mul(rows, _I64(self._head_dim))
        scores = [build.mul(build.add(rows, _I64(g)), argument["width"]) for g in self._groups]
        return _Item(
            self._at(argument["queries"], queries, _F32),
            self._at(argument["keys"], offset, self._cached),
            self._at(argument["values"], offset, self._cached),
            self._at(argument["attended"], queries, _F32),
            [self._at(argument["scores"], place, _F32) for place in scores],
            build.add(self._load(argument["positions"], row, _I64), _I64(1)),
        )

    def _write_scores(self, item: _Item) -> None:
        """Write the scores of all keys, then -infinity to the end of the last vector."""
        build, head_dim = self._builder, self._head_dim
        scale = _floats(head_dim**-0.5)
        queries = [
            [build.fmul(self._vector(item.queries, _I64(g * head_dim + part)), scale) for part in self._parts]
            for g in self._groups
        ]
        with self._loop(item.n_keys, KEYS) as loop:
            self._prefetch(item.keys, loop.index, KEYS)
            sums: list[list[Any]] = [[] for _ in self._groups]
            for key in range(KEYS):
                place = build.mul(build.add(loop.index, _I64(key)), _I64(head_dim))
                totals: list[Any] = [_floats(0.0) for _ in self._groups]
                for i, part in enumerate(self._parts):
                    values = self._cached_vector(item.keys, build.add(place, _I64(part)))
                    totals = [self._call("llvm.fma", queries[g][i], values, totals[g]) for g in self._groups]
                for g in self._groups:
                    sums[g].append(totals[g])
            for g in self._groups:
                self._store(self._four_sums(sums[g]), item.scores[g], loop.index)
        for scores in item.scores:
            self._store(_floats(float("-inf")), scores, item.n_keys)

    def _write_shares(self, item: _Item) -> list[Any]:
        """Write e to the power of each score less the largest; return the groups' 1 / sum, in all lanes."""
        build = self._builder
        with self._loop(item.n_keys, LANES, [_floats(float("-inf"))] * len(item.scores)) as loop:
            for scores, largest in zip(item.scores, loop.values, strict=True):
                loop.results.append(self._call("llvm.maxnum", largest, self._vector(scores, loop.index)))
        peaks = [self._in_all_lanes(self._reduced("fmax", largest)) for largest in loop.results]
        with self._loop(item.n_keys, LANES, [_floats(0.0)] * len(item.scores)) as loop:
            for scores, peak, total in zip(item.scores, peaks, loop.values, strict=True):
                power = self._exp(build.fsub(self._vector(scores, loop.index), peak))
                self._store(power, scores, loop.index)
                loop.results.append(build.fadd(total, power))
        totals = [self._reduced("fadd", total, _F32(0.0)) for total in loop.results]
        return [self._in_all_lanes(build.fdiv(_F32(1.0), total)) for total in totals]

    def _write_attended(self, item: _Item, factors: list[Any]) -> None:
        """Write the sum of the values, each times its share."""
        build, head_dim = self._builder, self._head_dim
        n_sums = len(self._groups) * len(self._parts)
        with self._loop(item.n_keys, 1, [_floats(0.0)] * n_sums) as loop:
            self._prefetch(item.values, loop.index, 1)
            place = build.mul(loop.index, _I64(head_dim))
            values = [self._cached_vector(item.values, build.add(place, _I64(part))) for part in self._parts]
            totals = iter(loop.values)
            for scores in item.scores:
                share = self._in_all_lanes(self._load(scores, loop.index, _F32))
                loop.results += [self._call("llvm.fma", share, value, next(totals)) for value in values]
        results = iter(loop.results)
        for g in self._groups:
            for part in self._parts:
                total = build.fmul(next(results), factors[g])
                self._store(total, item.attended, _I64(g * head_dim + part))

    def _four_sums(self, vectors: Sequence[Any]) -> Any:
        """Return `<4 x float>`, the sums of four vectors."""
        first, second, third, fourth = vectors
        pairs = self._paired(self._paired(first, second), self._paired(third, fourth))
        quarters = [
            self._builder.shuffle_vector(
                pairs, pairs, ir.Constant(ir.VectorType(_I32, 4), list(range(i, i + 4)))
            )
            for i in range(0, LANES, 4)
        ]
        halves = [self._builder.fadd(*quarters[:2]), self._builder.fadd(*quarters[2:])]
        return self._builder.fadd(*halves)

    def _paired(self, one: Any, other: Any) -> Any:
        """Return sums of neighbours: in each quarter two of the first vector, then two of the second."""
        lanes = [i + j for i in range(0, LANES, 4) for j in (0, 2, LANES, LANES + 2)]
        evens, odds = (
            self._builder.shuffle_vector(one, other, ir.Constant(_INTS, [lane + i for lane in lanes]))
            for i in (0, 1)
        )
        return self._builder.fadd(evens, odds)

    def _exp(self, power: Any) -> Any:
        """Return e to the power of numbers up to 0; of NaN it is NaN."""
        build = self._builder
        whole = self._call("llvm.rint", build.fmul(power, _floats(_LOG2_E)))
        rest = self._call("llvm.fma", whole, _floats(-_LN2_HIGH), power)
        rest = self._call("llvm.fma", whole, _floats(-_LN2_LOW), rest)
        result = _floats(_EXP[0])
        for factor in _EXP[1:]:
            result = self._call("llvm.fma", result, rest, _floats(factor))
        exponent = self._convert("llvm.fptosi.sat", whole)
        bits = build.shl(build.add(exponent, _ints(127)), _ints(23))
        result = build.fmul(result, build.bitcast(bits, _FLOATS))
        is_zero = build.fcmp_ordered("<", power, _floats(_LEAST_EXPONENT))
        return build.select(is_zero, _floats(0.0), result)

    def _cached_vector(self, base: Any, index: Any) -> Any:
        """Load numbers of the cache; the upper half of a float32 is its bfloat16."""
        if self._cached is _F32:
            return self._vector(base, index)
        halves = self._load(base, index, ir.VectorType(_I16, LANES), _I16)
        bits = self._builder.shl(self._builder.zext(halves, _INTS), _ints(16))
        return self._builder.bitcast(bits, _FLOATS)

    def _prefetch(self, base: Any, index: Any, n_tokens: int) -> None:
        """Ask for tokens that lie `_AHEAD_BYTES` ahead."""
        n_bytes = 2 if self._cached is _I16 else 4
        begin = self._builder.mul(index, _I64(self._head_dim * n_bytes))
        name, integers = "llvm.prefetch.p0", [_I32(0), _I32(3), _I32(1)]
        function = self._declared(name, ir.VoidType(), [_POINTER, *(part.type for part in integers)])
        for line in range(0, n_tokens * self._head_dim * n_bytes, 64):
            place = self._at(base, self._builder.add(begin, _I64(_AHEAD_BYTES + line)), ir.IntType(8))
            self._builder.call(function, [place, *integers])

    def _vector(self, base: Any, index: Any) -> Any:
        return self._load(base, index, _FLOATS, _F32)

    def _load(self, base: Any, index: Any, kind: Any, element: Any = None) -> Any:
        element = element or kind
        n_bytes = 2 if element is _I16 else 4 if element is _F32 else 8
        return self._builder.load(self._at(base, index, element), typ=kind, align=n_bytes)

    def _store(self, value: Any, base: Any, index: Any) -> None:
        self._builder.store(value, self._at(base, index, _F32), align=4)

    def _at(self, base: Any, index: Any, element: Any) -> Any:
        return self._builder.gep(base, [index], source_etype=element)

    def _in_all_lanes(self, number: Any) -> Any:
        first = self._builder.insert_element(_floats(0.0), number, _I32(0))
        return self._builder.shuffle_vector(first, first, ir.Constant(_INTS, [0] * LANES))

    def _reduced(self, operation: str, vector: Any, *start: Any) -> Any:
        """Return the largest lane, or the sum of all in any order that LLVM's target prefers."""
        name = f"llvm.vector.reduce.{operation}.v{LANES}f32"
        function = self._declared(name, _F32, [*(value.type for value in start), _FLOATS])
        return self._builder.call(function, [*start, vector], fastmath=("reassoc",) if start else ())

    def _call(self, name: str, *vectors: Any) -> Any:
        function = self._declared(f"{name}.v{LANES}f32", _FLOATS, [_FLOATS] * len(vectors))
        return self._builder.call(function, vectors)

    def _convert(self, name: str, vector: Any) -> Any:
        function = self._declared(f"{name}.v{LANES}i32.v{LANES}f32", _INTS, [_FLOATS])
        return self._builder.call(function, [vector])

    def _declared(self, name: str, result: Any, parameters: list[Any]) -> Any:
        """Return one of LLVM's own functions."""
        known = self._function.module.globals.get(name)
        return known or ir.Function(self._function.module, ir.FunctionType(result, parameters), name)

    @contextlib.contextmanager
    def _loop(self, end: Any, step: int, starts: Sequence[Any] = ()) -> Iterator[_Loop]:
        """Write a loop over 0, `step`, ... below the end, which runs once at least."""
        loop = _Loop(self._builder, starts)
        yield loop
        loop.close(end, step)


def _floats(number: float) -> Any:
    return ir.Constant(_FLOATS, [number] * LANES)


def _ints(number: int) -> Any:
    return ir.Constant(_INTS, [number] * LANES)
