"""Behavioural cloning between student and antagonist, every k-th meta-step (UniBC and BiBC, Mediratta et al. 2023).

In PAIRED, two policies persist: cloning moves the protagonist's policy, which is the product of training, towards the
antagonist's. Here agents live for one lifetime, and the product is the rule that trains the student. UniBC therefore
moves the *rule*: the meta-loss of a slot gets a term, in the states s that the student visits after its K updates::

    c mean_s KL(pi_A(.|s) || pi_K(.|s))

Its gradient reaches eta through pi_K, as that of the return does. The antagonist's policy pi_A, of the same age on the
same level, is a constant. Nothing but the rule moves the student's parameters. If cloning moved them, the student's
return would no longer be what the rule achieves: regret would shrink on every level, the agents in training would be
helped and those of meta-tests, which have no antagonist, would not, and no gradient would tell the rule what it lacks.

BiBC adds the other direction. The antagonist is an agent of a fixed rule that has nothing to learn, so that one step of
its own optimizer moves its parameters, on c mean_s KL(pi_K(.|s) || pi_A(.|s)) in the states that it visits itself, with
pi_K constant. Its return stays that of some policy on the level, so that the measured regret is still a lower bound of
the regret against the best policy; but it is regret against a helped antagonist, no longer against A2C.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.meta.slots import Lives, Setup
from groove.types import LOGITS, Array, Learner, Params, PyTree, Stream


class Cloning(NamedTuple):
    """How policies are cloned.

    Attributes:
      weight: c, of the Kullback-Leibler divergence.
      period: k, meta-steps.
      antagonist: whether the antagonist is moved, too (BiBC).
    """

    weight: float
    period: int
    antagonist: bool

    def weight_at(self, step: Array) -> Array:
        """Return c in every k-th meta-step and 0 in all others, f32 []; `step` meta-steps are done before."""
        return jnp.where((step + 1) % self.period == 0, self.weight, 0.0)


def divergence(target: Array, logits: Array) -> Array:
    """Return the mean over steps of KL(target || policy), in nats, with the target as a constant: f32[N].

    Args:
      target: f32[N, T, W, A], logits of the policy that is cloned.
      logits: f32[N, T, W, A], of the policy that moves.
    """
    return ops.kl_divergence(jax.lax.stop_gradient(target), jax.nn.log_softmax(logits)).mean((1, 2))


def divergence_from_antagonist(setup: Setup, lives: Lives, obs: Array, logits: Array) -> Array:
    """Return the divergence of students from the first antagonist of their slots, f32[N].

    Args:
      setup: the static parts.
      lives: [N].
      obs: [N, T, W, ...], the states that the students visit.
      logits: f32[N, T, W, A], the students' in these states.
    """
    return divergence(_policy(setup.antagonists[0].agent, lives.antagonists[0].learner.params, obs), logits)


def clone_students(setup: Setup, lives: Lives, level: PyTree, weight: Array) -> Lives:
    """Move the first antagonist of every slot by one step towards the slot's student, and nothing else.

    The antagonist plays one more rollout to see its states; its environment workers stay where they are.

    Args:
      setup: the static parts.
      lives: [N].
      level: [N].
      weight: f32 [], of the divergence; at 0 the lives stay as they are.
    """
    first = setup.antagonists[0]

    def moved(learner: Learner, obs: Array, target: Array) -> Learner:
        params, heads = first.agent.read(learner.params, obs, (LOGITS,))
        gradient = jax.grad(lambda x: weight * divergence(target[None], x[None])[0])(heads[LOGITS])
        params, opt_state = first.agent.step(params, learner.opt_state, obs, {LOGITS: gradient})
        return dataclasses.replace(learner, params=params, opt_state=opt_state)

    def clone(life: Lifetime) -> Lifetime:
        obs = lifetime.collect(setup.env, first.agent, life, level, setup.steps, Stream.VALIDATE)[1].obs
        target = _policy(setup.student, lives.student.learner.params, obs)
        return dataclasses.replace(life, learner=jax.vmap(moved)(life.learner, obs, target))

    cloned = jax.lax.cond(weight > 0, clone, lambda life: life, lives.antagonists[0])
    return dataclasses.replace(lives, antagonists=(cloned, *lives.antagonists[1:]))


def _policy(agent: Agent, params: Params, obs: Array) -> Array:
    """Return the logits of N agents' policies, f32[N, T, W, A]."""
    return jax.vmap(lambda p, o: agent.read(p, o, (LOGITS,))[1][LOGITS])(params, obs)
