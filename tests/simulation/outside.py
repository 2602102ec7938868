"""What comes to the processes of a story from outside: alerts, people's words, stops, and what changes in the world."""

from datetime import timedelta

from responder.model.timeline import ActionAsked
from tests.engine.world import alert, delivery
from tests.simulation import books
from tests.simulation.people import Said
from tests.simulation.stage import Stage

NAMESPACES = ("prod", "dev", "kube-system")
Key = tuple[str, str]
"""An alert: its name and its namespace."""


class Outside:
    """What happens around; `firing` and `ending` are alerts by their beginning, the latter until their end is heard."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.firing: dict[Key, int] = {}
        self.ending: dict[tuple[Key, int], int] = {}

    async def anything(self) -> None:
        """Let something happen."""
        stage, rng = self.stage, self.stage.rng
        dice = rng.random()
        if dice < 0.3 or not stage.latest:
            for _ in range(rng.choice((1, 1, 3))):
                self._deliver()
            await stage.look()
        elif dice < 0.8:
            said = stage.people.anything(rng.choice(stage.latest))
            if said is not None:
                self.say(said)
        elif dice < 0.88:
            name = rng.choice(books.OBJECTS)
            stage.world.meddle(name)
            stage.tell(f"somebody changes {name}")
        elif dice < 0.92:
            stage.world.sick = rng.choice((0.0, 1.0, 1.0))
            stage.tell(f"the world is {stage.world.sick} ill")
        else:
            self.stop_or_lift()

    # --- alerts ---

    def _deliver(self) -> None:
        rng, now = self.stage.rng, self._now()
        key = rng.choice(books.ALERTS), rng.choice(NAMESPACES[: rng.choice((1, 2, 3))])
        if key in self.firing and rng.random() < 0.35:
            if self.stage.records.was_accepted(key, self.firing[key]):
                start = self.firing.pop(key)
                self._post(key, start, end=max(now, start + 1))
            return
        start = self.firing.setdefault(key, now)
        self.stage.world.sick = 1.0
        self._post(key, start)

    def fire(self, key: Key) -> None:
        """Let an alert begin."""
        self.firing[key] = 0
        self._post(key, 0)

    def quieten(self) -> bool:
        """Let all alerts end; False when they have."""
        now = self._now()
        for (key, start), end in list(self.ending.items()):
            self._post(key, start, end)
        firing = list(self.firing.items())
        for key, start in firing:
            if self.stage.records.was_accepted(key, start):
                self._post(key, self.firing.pop(key), end=max(now, start + 1))
            else:
                self._post(key, start)
        return bool(firing or self.ending)

    def _post(self, key: Key, start: int, end: int | None = None) -> None:
        name, namespace = key
        status = "firing" if end is None else "resolved"
        more = {} if end is None else {"end": end}
        one = alert(name, status=status, start=start, namespace=namespace, **more)
        if end is not None:
            self.ending[key, start] = end
        replica = self.stage.anybody()
        if replica is None:
            return
        self.stage.tell(f"{replica.process.name} gets {name} in {namespace}: {status} since {start}")

        async def post() -> None:
            await self.stage.heard(replica.engine.intake.accept(delivery(one)))
            self.stage.records.accepted(key, start, one["fingerprint"], ended=end is not None)
            if end is not None:
                self.ending.pop((key, start), None)

        replica.spawn(post(), "door")

    def _now(self) -> int:
        return int(self.stage.since().total_seconds())

    # --- people ---

    def say(self, said: Said) -> None:
        """Say something at some door."""
        replica = self.stage.anybody()
        if replica is None:
            return
        self.stage.tell(f"{replica.process.name} hears for INC-{said.incident}: {said.what}")
        answers, what = replica.engine.answers, said.what
        saying = (
            answers.ask(said.incident, what) if isinstance(what, ActionAsked) else answers.answer(said.incident, what)
        )
        replica.spawn(self.stage.heard(saying), "door")

    def answer(self) -> bool:
        """Say what incidents wait for; False when none does."""
        stage = self.stage
        needed = [said for incident in stage.latest if (said := stage.people.needed(incident)) is not None]
        for said in needed:
            self.say(said)
        return bool(needed)

    def halt(self) -> None:
        """Stop all automation where somebody wants that, just when something is about to happen."""
        if self.stage.halt and self.stage.records.stopped_since() is None:
            self.stop_or_lift()
        self.stage.halt = False

    def lift(self) -> bool:
        """Let automation go on; False when it does."""
        stopped = self.stage.records.stopped_since() is not None
        if stopped:
            self.stop_or_lift()
        return stopped

    def stop_or_lift(self) -> None:
        """Stop all automation, or let it go on."""
        stage = self.stage
        replica = stage.anybody()
        if replica is None:
            return
        if stage.records.stopped_since() is None:
            until = stage.clock.now() + timedelta(minutes=5) if stage.rng.random() < 0.3 else None
            stage.tell(f"{replica.process.name} is told to stop")
            replica.spawn(stage.heard(replica.engine.controls.stop("ann", until=until)), "door")
        else:
            stage.tell(f"{replica.process.name} is told to go on")
            replica.spawn(stage.heard(replica.engine.controls.lift("ann")), "door")
