"""What tests of actions may ask for."""

from tests.actions.rollouts import rolling, writer
from tests.actions.steps import steps

__all__ = ["rolling", "steps", "writer"]
