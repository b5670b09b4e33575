"""The weights of the rule's network, and the arrays of the published file that hold them.

This module does not import JAX, so that groove.torch works without JAX.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from groove.lpg.core_weights import LSTMWeights
from groove.lpg.disco.heads import WIDTH
from groove.utils.errors import GrooveError

if TYPE_CHECKING:
    from groove.types import Array

HIDDEN = 256  # units of the LSTM over a trajectory
LIFETIME_HIDDEN = 128  # units of the LSTM over a lifetime
INPUTS = 27  # of either LSTM for one transition
_REMEDY = "give disco_103.npz of google-deepmind/disco_rl, as in disco103=PATH."
_EMBEDDED = 16  # hidden units of every small network


class Linear(NamedTuple):
    """A linear layer, x w + b."""

    w: "Array"
    b: "Array"

    def __call__(self, x: "Array") -> "Array":
        """Return x w + b."""
        return x @ self.w + self.b


class Embedders(NamedTuple):
    """Small networks that turn predictions into numbers, and the inputs of an action into two."""

    y: tuple[Linear, Linear]  # 600 -> 16 -> 1
    z: tuple[Linear, Linear]  # 600 -> 16 -> 1
    action: tuple[Linear, Linear]  # 18 -> 16, 32 -> 2


class LifetimeWeights(NamedTuple):
    """The weights of the LSTM that makes one step per update of an agent."""

    embedders: Embedders
    inputs: Linear  # 29 -> 16
    lstm: LSTMWeights


class DiscoWeights(NamedTuple):
    """All weights of the rule, 754,778 numbers."""

    embedders: Embedders
    lstm: LSTMWeights
    gate: Linear  # 128 -> 256
    y: Linear  # 256 -> 600
    z: Linear  # 256 -> 600
    policy: tuple[Linear, Linear]  # 516 -> 16 -> 1
    summary: Linear  # 256 -> 1: what the LSTM over the lifetime is told
    lifetime: LifetimeWeights


_LIFETIME = "lstm/~/meta_lstm/~unroll/"
_EMBEDDERS = {
    "mlp/~/linear_0": (WIDTH, _EMBEDDED),
    "mlp/~/linear_1": (_EMBEDDED, 1),
    "mlp_1/~/linear_0": (WIDTH, _EMBEDDED),
    "mlp_1/~/linear_1": (_EMBEDDED, 1),
    "sequential/conv1_d": (1, 18, _EMBEDDED),
    "sequential/conv1_d_1": (1, 2 * _EMBEDDED, 2),
}
_LAYERS: Mapping[str, tuple[int, ...]] = {
    **{prefix + name: shape for prefix in ("lstm/", _LIFETIME) for name, shape in _EMBEDDERS.items()},
    "lstm/linear": (LIFETIME_HIDDEN, HIDDEN),
    "lstm/linear_1": (HIDDEN, 1),
    "lstm/linear_2": (HIDDEN, WIDTH),
    "lstm/linear_3": (HIDDEN, WIDTH),
    "lstm/linear_4": (_EMBEDDED, 1),
    "lstm/lstm/linear": (INPUTS + HIDDEN, 4 * HIDDEN),
    "lstm/sequential_1/conv1_d": (1, 2 * (HIDDEN + 2), _EMBEDDED),
    f"{_LIFETIME}mlp_2/~/linear_0": (INPUTS + 2, _EMBEDDED),
    f"{_LIFETIME}lstm/linear": (_EMBEDDED + LIFETIME_HIDDEN, 4 * LIFETIME_HIDDEN),
}
# name -> shape of every array in the file
SHAPES: Mapping[str, tuple[int, ...]] = {
    f"{layer}/{part}": size for layer, shape in _LAYERS.items() for part, size in (("w", shape), ("b", shape[-1:]))
}


def from_arrays(arrays: Mapping[str, np.ndarray], where: str) -> DiscoWeights:
    """Return the weights that a file holds, as NumPy arrays.

    Args:
      arrays: name -> array, as in the published file.
      where: the file, for messages.

    Raises:
      GrooveError: if an array is missing, has another shape, or holds numbers that are not finite, or if there are
        arrays that the rule does not have.
    """
    _check(arrays, where)

    def linear(name: str) -> Linear:
        w, b = (_single(arrays[f"{name}/{part}"]) for part in ("w", "b"))
        return Linear(w.reshape(w.shape[-2:]), b)  # a convolution over one element is a linear layer

    def embedders(prefix: str) -> Embedders:
        first = [linear(prefix + name) for name in _EMBEDDERS]
        return Embedders(y=(first[0], first[1]), z=(first[2], first[3]), action=(first[4], first[5]))

    return DiscoWeights(
        embedders=embedders("lstm/"),
        lstm=_lstm(linear("lstm/lstm/linear"), HIDDEN),
        gate=linear("lstm/linear"),
        summary=linear("lstm/linear_1"),
        y=linear("lstm/linear_2"),
        z=linear("lstm/linear_3"),
        policy=(linear("lstm/sequential_1/conv1_d"), linear("lstm/linear_4")),
        lifetime=LifetimeWeights(
            embedders=embedders(_LIFETIME),
            inputs=linear(f"{_LIFETIME}mlp_2/~/linear_0"),
            lstm=_lstm(linear(f"{_LIFETIME}lstm/linear"), LIFETIME_HIDDEN),
        ),
    )


def from_tree(tree: Mapping[str, Any], where: str) -> DiscoWeights:
    """Return the weights that a rule file of groove holds, such as those of a fine-tuned rule.

    Args:
      tree: the file's arrays as nested dicts, by the fields of `DiscoWeights`.
      where: the file, for messages.

    Raises:
      GrooveError: if an array is missing, has another type or shape, or is none of the rule's.
    """
    form = from_arrays({name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}, where)
    return cast(DiscoWeights, _filled(form, tree, (), where))


def _filled(form: Any, held: Any, keys: tuple[str, ...], where: str) -> Any:
    """Return nested tuples of the given form, with the arrays of nested dicts."""
    name = "/".join(keys) or "its arrays"
    if isinstance(form, np.ndarray):
        if not isinstance(held, np.ndarray) or (held.shape, held.dtype) != (form.shape, form.dtype):
            shape = list(form.shape)
            raise GrooveError(f"{where} does not fit Disco103, because {name} is no f32{shape}: get it again.")
        return held
    fields = getattr(form, "_fields", tuple(map(str, range(len(form)))))
    if not isinstance(held, Mapping) or held.keys() != set(fields):
        raise GrooveError(f"{where} does not fit Disco103, because {name} are not {', '.join(fields)}: get it again.")
    parts = [_filled(part, held[field], (*keys, field), where) for field, part in zip(fields, form, strict=True)]
    return type(form)(*parts) if hasattr(form, "_fields") else tuple(parts)


def _check(arrays: Mapping[str, np.ndarray], where: str) -> None:
    for name, shape in SHAPES.items():
        if name not in arrays:
            raise GrooveError(f"{where} lacks the array {name}: {_REMEDY}")
        if np.shape(arrays[name]) != shape:
            raise GrooveError(f"{where} has {name} of shape {np.shape(arrays[name])}, not {shape}: {_REMEDY}")
        if arrays[name].dtype.kind != "f" or not np.isfinite(arrays[name]).all():
            raise GrooveError(f"{where} holds something else than finite numbers in {name}: {_REMEDY}")
    if more := sorted(arrays.keys() - SHAPES.keys()):
        raise GrooveError(f"{where} has arrays that Disco103 has not, such as {more[0]}: {_REMEDY}")


def _lstm(layer: Linear, hidden: int) -> LSTMWeights:
    """Return the weights of an LSTM with its gates in the order of `groove.lpg.core`, from the order i, g, f, o.

    The file's LSTM adds 1 to the forget gate, which here becomes part of the bias.
    """
    w, b = (_joined([x[..., i * hidden : (i + 1) * hidden] for i in (0, 2, 1, 3)]) for x in layer)
    b[hidden : 2 * hidden] += 1
    inputs = len(w) - hidden
    return LSTMWeights(w_i=w[:inputs], w_h=w[inputs:], b=b)


def _single(x: Any) -> Any:
    """Return a NumPy array in float32; typed as the arrays of JAX, whose place it takes in programs."""
    return np.asarray(x, np.float32)


def _joined(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts, -1)
