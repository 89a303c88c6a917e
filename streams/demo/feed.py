"""The simulated centre, written to Kafka as it happens."""

import threading
from collections.abc import Callable

from streams.kafka.produce import EventProducer
from streams.settings import Settings
from streams.simulate import Centre, CentreConfig, paced

__all__ = ["Feed"]


class Feed:
    """A thread that plays the centre in real time until it is stopped.

    `failed` is called, on that thread, with what ended it before its time.
    """

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        config: CentreConfig,
        seed: int,
        failed: Callable[[Exception], None],
    ) -> None:
        self._producer = EventProducer(settings, bootstrap)
        self._deliveries = Centre(config, seed).deliveries()
        self._failed = failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-feed")

    @property
    def written(self) -> int:
        """How many records were written."""
        return self._producer.written

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            for delivery in paced(self._deliveries, sleep=self._sleep):
                if self._stop.is_set():
                    break
                self._producer.send(delivery.key, delivery.event)
                self._producer.poll()
            self._producer.flush(1.0)
        except Exception as error:  # told to whoever runs the demo
            self._failed(error)

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
