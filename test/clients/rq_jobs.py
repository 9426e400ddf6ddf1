"""RQ: jobs in queues, a worker that does them. Prints what came of them. Argument: port."""
import os
import sys

import redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job


def square(n):
    return n * n


def fail():
    raise ValueError("on purpose")


def main():
    connection = redis.Redis(port=int(sys.argv[1]))
    connection.flushall()
    high, low = Queue("high", connection=connection), Queue("low", connection=connection)
    # By name, as a worker finds them.
    jobs = [low.enqueue("rq_jobs.square", n) for n in range(20)]
    urgent = high.enqueue("rq_jobs.square", 100)
    failing = high.enqueue("rq_jobs.fail", retry=Retry(max=2))
    after = low.enqueue("rq_jobs.square", 7, depends_on=urgent)
    print("waiting", len(high), len(low), after.get_status())
    worker = SimpleWorker([high, low], connection=connection)
    worker.work(burst=True, logging_level="CRITICAL")
    print("results", [job.refresh() or job.result for job in jobs], urgent.refresh() or urgent.result)
    print("after", after.refresh() or (after.result, after.get_status()))
    print("failed", failing.get_status(refresh=True), low.failed_job_registry.count, high.failed_job_registry.count)
    print("finished", low.finished_job_registry.count, high.finished_job_registry.count)
    print("fetched", Job.fetch(urgent.id, connection=connection).result)
    print("emptied", low.count, low.empty())


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
