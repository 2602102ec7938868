"""What tests of actions may ask for."""

from tests.actions.inside import inside
from tests.actions.rollouts import meddled, rolling, writer
from tests.actions.steps import steps

__all__ = ["inside", "meddled", "rolling", "steps", "writer"]
