"""The weights of recurrent cores; this module does not import JAX, so that groove.torch works without JAX."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from groove.types import Array


class GRUWeights(NamedTuple):
    """Weights of a reset-after GRU, gates in the order r, z, n.

    The convention is that of torch.nn.GRU, with a second bias of zero for r and z.
    """

    w_i: "Array"  # f32 [I, 3H]
    w_h: "Array"  # f32 [H, 3H]
    b: "Array"  # f32 [3H]
    b_n: "Array"  # f32 [H]: added to the hidden part of n before the reset gate


class LSTMWeights(NamedTuple):
    """Weights of an LSTM, gates in the order i, f, g, o, as in torch.nn.LSTM."""

    w_i: "Array"  # f32 [I, 4H]
    w_h: "Array"  # f32 [H, 4H]
    b: "Array"  # f32 [4H]
