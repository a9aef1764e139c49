"""What the server saw, as one JSON object per observation, with the time in nanoseconds of CLOCK_MONOTONIC."""
import asyncio
import json
import sys
import time


class Observations:
    """Keeps the newest observations and writes each as a line: to standard output for the log `-`, to a file otherwise."""

    LIMIT = 100_000

    def __init__(self, log=None):
        self.all = []
        self._dropped = 0
        self._waiting = []
        self._output = sys.stdout if log == "-" else open(log, "w", buffering=1, encoding="utf-8") if log else None

    def add(self, event, **fields):
        observation = {"t": time.monotonic_ns(), "event": event, **{name: value for name, value in fields.items() if value is not None}}
        self.all.append(observation)
        if len(self.all) > self.LIMIT:
            del self.all[: self.LIMIT // 2]
            self._dropped += self.LIMIT // 2
        if self._output:
            try:
                self._output.write(json.dumps(observation) + "\n")
                self._output.flush()
            except (BrokenPipeError, ValueError):
                self._output = None  # The reader has gone; the server lives on until it is stopped.

        for wanted, future in self._waiting:
            if not future.done() and self._fits(observation, wanted):
                future.set_result(observation)

    @staticmethod
    def _fits(observation, wanted):
        return all(str(observation.get(name)) == value for name, value in wanted.items())

    async def wait_for(self, wanted, seconds):
        """The first observation with these fields, past or to come; `None` when none comes in time."""
        for observation in self.all:
            if self._fits(observation, wanted):
                return observation
        entry = (wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            return await asyncio.wait_for(entry[1], seconds)
        except asyncio.TimeoutError:
            return None
        finally:
            self._waiting.remove(entry)

    def json(self, since=0):
        """The observations from a number on, and the number to go on with."""
        return {"observations": self.all[max(since - self._dropped, 0):], "next": self._dropped + len(self.all)}
