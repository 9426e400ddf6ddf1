"""What python3-redis sees of a server: prints one line for each thing it does. Argument: port.

The lines must be the same from every server.
"""
import sys
import threading

import redis


def show(name, value):
    print(f"{name}: {value!r}")


def failure(action):
    try:
        return action()
    except redis.RedisError as error:
        return f"{type(error).__name__}: {error}"


def values(r):
    show("set", r.set("k", "v", ex=100, nx=True))
    show("set again", r.set("k", "w", nx=True))
    show("mset", r.mset({f"m{i}": i for i in range(300)}))
    show("mget", sum(int(value) for value in r.mget([f"m{i}" for i in range(300)])))
    show("hset", r.hset("h", mapping={"a": 1, "b": 2.5}))
    show("hgetall", r.hgetall("h"))
    show("zadd", r.zadd("z", {"x": 1, "y": 2.5, "z": float("inf")}))
    show("zrange", r.zrange("z", 0, -1, withscores=True))
    show("zrangebyscore", r.zrangebyscore("z", "(1", "+inf"))
    show("sadd", r.sadd("s", *range(200)))
    show("smembers", len(r.smembers("s")))
    show("sort", r.sort("s", start=0, num=5, desc=True))
    show("wrong type", failure(lambda: r.lpush("k", 1)))
    show("not a number", failure(lambda: r.incr("k")))
    show("scan", sorted(key for key in r.scan_iter("m*", count=30))[:3])
    show("getrange", r.getrange("k", 0, 0))
    show("bits", (r.setbit("bits", 7, 1), r.bitcount("bits")))
    show("geo", r.geoadd("geo", (13.4, 52.5, "Berlin", 2.35, 48.85, "Paris")))
    show("distance", r.geodist("geo", "Berlin", "Paris", unit="km"))
    show("pfadd", (r.pfadd("hll", *range(1000)), r.pfcount("hll")))
    show("xadd", r.xadd("stream", {"f": "v"}, id="1-1"))
    show("group", r.xgroup_create("stream", "g", id="0"))
    show("xreadgroup", r.xreadgroup("g", "c", {"stream": ">"}))
    show("xpending", r.xpending("stream", "g"))
    show("ttl", 0 < r.ttl("k") <= 100)
    show("dump", r.restore("copy", 0, r.dump("h")) and r.hgetall("copy"))
    show("client", (r.client_setname("py"), r.client_getname()))
    show("object", r.object("encoding", "s"))
    show("info", r.info("keyspace")["db0"]["keys"])


def transactions(r, other):
    with r.pipeline() as pipe:
        pipe.multi()
        pipe.set("t", 1).incr("t").lpush("t", 1)
        show("exec", pipe.execute(raise_on_error=False)[:2])
    with r.pipeline() as pipe:
        pipe.watch("t")
        other.set("t", "other")
        pipe.multi()
        pipe.set("t", "mine")
        show("watch", failure(pipe.execute))
    show("transaction", r.transaction(lambda pipe: pipe.multi() or pipe.incr("n"), "n"))
    with r.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set(f"p{i}", i).get(f"p{i}")
        show("pipeline", sum(int(value) for value in pipe.execute()[1::2]))


def scripts(r):
    add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    show("script", (add(keys=["c"], args=[5]), add(keys=["c"], args=[2])))
    r.script_flush()
    show("script after flush", add(keys=["c"], args=[1]))
    show("tables", r.eval("return {1, 'two', {3, false}}", 0))
    show("error", failure(lambda: r.eval("return redis.error_reply('MINE own')", 0)))


def locks(r):
    lock = r.lock("lock", timeout=10)
    show("acquire", lock.acquire(blocking=False))
    show("second", r.lock("lock").acquire(blocking=False))
    show("extend", lock.extend(5))
    show("release", (lock.release(), r.exists("lock")))


def subscriptions(r):
    pubsub = r.pubsub()
    pubsub.subscribe("news")
    pubsub.psubscribe("n*")
    show("confirmed", [pubsub.get_message(timeout=10)["data"] for _ in range(2)])
    show("publish", r.publish("news", "hello"))
    got = [pubsub.get_message(timeout=10) for _ in range(2)]
    show("messages", [(each["type"], each["channel"], each["data"]) for each in got])
    pubsub.close()


def waiting(r):
    got = []
    thread = threading.Thread(target=lambda: got.append(r.blpop(["q1", "q2"], timeout=30)))
    thread.start()
    while r.info("clients")["blocked_clients"] == 0:
        pass
    r.rpush("q2", "x")
    thread.join()
    show("blpop", got)


def main():
    port = int(sys.argv[1])
    r, other = (redis.Redis(port=port) for _ in range(2))
    r.flushall()
    values(r)
    transactions(r, other)
    scripts(r)
    locks(r)
    subscriptions(r)
    waiting(r)


main()
