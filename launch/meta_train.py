"""Meta-train an update rule: python launch/meta_train.py --curriculum ar."""

from groove.cli._main import launch

launch("meta-train")
