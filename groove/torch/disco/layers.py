"""Frozen layers with the weights of a file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from groove.lpg.core_weights import LSTMWeights
from groove.lpg.disco.weights import Linear


def linear(weights: Linear) -> nn.Linear:
    """Return a linear layer."""
    inputs, outputs = weights.w.shape
    with torch.device("meta"):  # nothing is drawn at random
        layer = nn.Linear(inputs, outputs)
    layer.weight, layer.bias = _frozen(weights.w.T), _frozen(weights.b)
    return layer


def mlp(weights: Sequence[Linear]) -> nn.Sequential:
    """Return two linear layers with a ReLU between them."""
    first, last = weights
    return nn.Sequential(linear(first), nn.ReLU(), linear(last))


def lstm_cell(weights: LSTMWeights) -> nn.LSTMCell:
    """Return an LSTM that makes one step; the second bias of PyTorch is zero."""
    with torch.device("meta"):
        cell = nn.LSTMCell(len(weights.w_i), len(weights.w_h))
    cell.weight_ih, cell.weight_hh = _frozen(weights.w_i.T), _frozen(weights.w_h.T)
    cell.bias_ih, cell.bias_hh = _frozen(weights.b), _frozen(np.zeros_like(weights.b))
    return cell


def _frozen(x: Any) -> nn.Parameter:
    """Return a NumPy array as a parameter with its own memory, of which there is no gradient."""
    return nn.Parameter(torch.tensor(np.ascontiguousarray(x)), requires_grad=False)
