"""Random weights of the rule's network, for runs that do not start from the published ones."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lpg.disco.weights import SHAPES, DiscoWeights, from_arrays
from groove.types import Key


def draw_weights(key: Key) -> DiscoWeights:
    """Return weights before any meta-training, of another rule than the published one.

    Weights are truncated normal with standard deviation 1 / sqrt(inputs) and biases are zero, but for the bias 1 of
    forget gates.
    """
    zeros = from_arrays({name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}, "zeros")
    leaves, structure = jax.tree.flatten(zeros)
    drawn = [
        jax.random.truncated_normal(each, -2, 2, leaf.shape) / np.sqrt(len(leaf)) if leaf.ndim > 1 else jnp.array(leaf)
        for each, leaf in zip(jax.random.split(key, len(leaves)), leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, drawn)
