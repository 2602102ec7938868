"""What tests of actions may ask for."""

from tests.actions.rollouts import rolling, writer

__all__ = ["rolling", "writer"]
