"""The very request tried as a dry run: what stands in the way, in words."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from responder.errors import BudgetRefused, Conflict, Exists, Missing, NotLetIn, PermanentError
from responder.model.rights import MAY_NOT

T = TypeVar("T")


async def tried(
    what: str, request: Callable[[], Awaitable[T]], holds: Callable[[T], bool] = lambda answer: True
) -> tuple[str, bool]:
    """
    Send a request as a dry run; answers why it is refused ("" when it is not), and whether the server judged it.

    `what` names the object for people; `holds` tells whether the answer bears what was asked for.

    Raises: TransientError when the server could not be asked.
    """
    try:
        answer = await request()
    except Conflict:
        return f"{what} was changed while it was looked at: it is looked at again", False
    except NotLetIn as error:
        return f"{MAY_NOT}: {error}", False
    except BudgetRefused as error:
        return f"A PodDisruptionBudget does not let it go now: {error}", True
    except (Missing, Exists) as error:
        return str(error), True
    except PermanentError as error:
        return f"The API server refuses it: {error}", True
    if not holds(answer):
        return "The admission of the cluster changes it into something else", True
    return "", True
