"""Celery with the server as broker and for results. A worker in a thread does the tasks. Argument: port."""
import sys

from celery import Celery, chain, chord, group
from celery.contrib.testing.worker import start_worker

URL = f"redis://127.0.0.1:{sys.argv[1]}"
app = Celery("jobs", broker=f"{URL}/0", backend=f"{URL}/1")
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def stubborn(self, times):
    if self.request.retries < times:
        raise self.retry(countdown=0.05)
    return self.request.retries


def main():
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        print("one", add.delay(2, 3).get(timeout=30))
        print("later", add.apply_async((1, 1), countdown=0.2).get(timeout=30))
        print("group", group(add.s(i, i) for i in range(10))().get(timeout=30))
        print("chain", chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=30))
        print("chord", chord([add.s(i, 1) for i in range(5)], total.s())().get(timeout=30))
        print("retry", stubborn.delay(2).get(timeout=30))
        result = add.delay("a", 1)
        print("error", type(result.get(timeout=30, propagate=False)).__name__, result.state)


main()
