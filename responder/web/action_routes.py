"""The routes through which people act, with what they answer."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from responder.model.press import WORDS, Word
from responder.web.access import Access
from responder.web.acting import Acting, ResumeQuery
from responder.web.action_bodies import Approve, Ask, BreakGlass, Empty, StopBody
from responder.web.action_documents import ActionList, ActionsEverywhere, AnswerTaken, AskTaken, StopView
from responder.web.documents import Problem
from responder.web.routes import Route

_OF_INCIDENT = "/v1/incidents/{id}/actions"
_STOP = "/v1/automation/stop"
_SUMMARIES: Mapping[Word, str] = {
    "approve": "Say yes to what a preview showed; to one that was turned down or expired, ask again.",
    "reject": "Say no.",
    "undo": "Undo what was done.",
    "break-glass": "Say yes past the guards, as an admin, with a written reason.",
    "happened": "Settle a doubt: it happened.",
    "not-happened": "Settle a doubt: it did not happen, and whoever was at it is gone, or runs.",
}
_BODIES: Mapping[Word, type[BaseModel]] = {"approve": Approve, "break-glass": BreakGlass}


def action_routes(acting: Acting) -> Iterator[Route]:
    """List the routes."""
    yield Route(
        method="GET",
        path="/v1/actions",
        access=Access.READER,
        handle=acting.everywhere,
        summary="List, over all incidents, the actions that are not over, and those that stand for a while only.",
        answers={200: ActionsEverywhere, **dict.fromkeys((401, 403, 503), Problem)},
    )
    yield from _of_an_incident(acting)
    yield from _of_the_stop(acting)


def _of_an_incident(acting: Acting) -> Iterator[Route]:
    yield Route(
        method="GET",
        path=_OF_INCIDENT,
        access=Access.READER,
        handle=acting.actions,
        summary="List its actions with what they would do, oldest first.",
        answers={200: ActionList, **dict.fromkeys((401, 403, 404, 503), Problem)},
    )
    yield Route(
        method="POST",
        path=_OF_INCIDENT,
        access=Access.PERSON,
        handle=acting.ask,
        summary="Ask for an action that nothing calls for: it is previewed, guarded and approved as any other.",
        answers={202: AskTaken, **_problems(404, 409)},
        body=Ask,
    )
    for word in WORDS:
        yield Route(
            method="POST",
            path=f"{_OF_INCIDENT}/{{number}}/{word}",
            access=Access.PERSON,
            handle=acting.answer(word),
            summary=_SUMMARIES[word],
            answers={202: AnswerTaken, **_problems(404, 409)},
            body=_BODIES.get(word, Empty),
        )


def _of_the_stop(acting: Acting) -> Iterator[Route]:
    yield Route(
        method="GET",
        path=_STOP,
        access=Access.READER,
        handle=acting.standing,
        summary="Say whether all automation is stopped.",
        answers={200: StopView, **dict.fromkeys((401, 403, 503), Problem)},
    )
    yield Route(
        method="POST",
        path=_STOP,
        access=Access.PERSON,
        handle=acting.stop,
        summary="Stop all automation on every replica at once: nothing is begun until it is lifted.",
        answers={200: StopView, **_problems()},
        body=StopBody,
    )
    yield Route(
        method="DELETE",
        path=_STOP,
        access=Access.PERSON,
        handle=acting.resume,
        summary="Let automation go on.",
        answers={200: StopView, **dict.fromkeys((400, 401, 403, 409, 503), Problem)},
        query=ResumeQuery,
    )


def _problems(*more: int) -> Mapping[int, type[BaseModel]]:
    return dict.fromkeys((400, 401, 403, *more, 413, 415, 503), Problem)
