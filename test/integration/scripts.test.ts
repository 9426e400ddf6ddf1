/**
 * Scripts and functions in the running server: cold keys, scripts that run for long, restarts, memory.
 */
import { describe, expect, it } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, rewriteLog, useServer } from "./server-fixture.ts";

const server = useServer();
const BUSY = /^-BUSY Redis is busy running a script/;
const FOR_EVER = "while true do end";

const LIBRARY = `#!lua name=lib
local calls = 0
redis.register_function('set', function(keys, args) calls = calls + 1 return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='get', callback=function(keys) return redis.call('GET', keys[1]) end,
  flags={'no-writes'}, description='reads'}
redis.register_function('spin', function() while true do end end)`;

/** Keys k0 to before `count`, each with its number, all of them on disk. */
async function startCold(count: number): Promise<RawClient> {
  const client = await server.start("--cold-tier-spill-all", "yes", "--save", "");
  await client.runAll(Array.from({ length: count }, (_, i) => ["SET", `k${i}`, i]));
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe(String(count));
  return client;
}

function bulk(text: string | number): string {
  return `$${String(text).length}\r\n${text}\r\n`;
}

describe("cold keys of a script", () => {
  it("are read, declared or not", async () => {
    const client = await startCold(20);
    const script = `
      local sum = tonumber(redis.call('GET', KEYS[1]))
      for i = 1, 9 do sum = sum + redis.call('GET', 'k' .. i) end
      redis.call('INCRBY', 'k10', sum)
      redis.call('RENAME', 'k11', 'renamed')
      return {sum, redis.call('GET', 'k10'), redis.call('GET', 'renamed'), redis.call('EXISTS', 'k11'), redis.call('DBSIZE')}`;
    expect(await client.text("EVAL", script, "1", "k0")).toBe(
      `*5\r\n:45\r\n${bulk(55)}${bulk(11)}:0\r\n:20\r\n`,
    );
  });

  it("are found in the database that the script selects, and the client keeps its own", async () => {
    const client = await startCold(5);
    await client.run("SELECT", "1");
    const script = "redis.call('SELECT', 0) return redis.call('GET', 'k3')";
    expect(await client.text("EVAL", script, "0")).toBe(bulk(3));
    expect(await client.text("GET", "k3")).toBe("$-1\r\n");
  });

  it("are read within a transaction", async () => {
    const client = await startCold(5);
    const replies = await client.runAll([
      ["MULTI"],
      ["EVAL", "return redis.call('INCR', 'k' .. ARGV[1])", "0", "4"],
      ["GET", "k4"],
      ["EXEC"],
    ]);
    expect(replies.at(-1)!.toString()).toBe(`*2\r\n:5\r\n${bulk(5)}`);
  });
});

describe("walks of a script over cold keys", () => {
  const COUNT_BY_STEPS = `
    redis.call('SET', 'new', 'x')
    redis.call('DEL', 'k1')
    local cursor, names = '0', {}
    repeat
      local step = redis.call('SCAN', cursor, 'COUNT', ARGV[1])
      cursor = step[1]
      for _, name in ipairs(step[2]) do names[#names + 1] = name end
    until cursor == '0'
    table.sort(names)
    return table.concat(names, ' ')`;

  it.each([
    ["return #redis.call('KEYS', '*')", ":20\r\n"],
    ["return redis.pcall('KEYS', ARGV[1])", `*1\r\n${bulk("k7")}`],
    ["return pcall(redis.call, 'KEYS', '*') and #redis.call('keys', 'k1*')", ":11\r\n"],
    [
      "local ok, names = pcall(function() return redis.call('KEYS', 'k7') end) return names",
      `*1\r\n${bulk("k7")}`,
    ],
    [
      "local co = coroutine.wrap(function() return redis.call('KEYS', 'k7') end) return co()",
      `*1\r\n${bulk("k7")}`,
    ],
    ["return redis.call('EXISTS', redis.call('RANDOMKEY'))", ":1\r\n"],
    ["return setmetatable({}, {__index = function() return #redis.call('KEYS', '*') end}).x", ":20\r\n"],
    [
      "for i in function(_, i) if not i then return #redis.call('KEYS', '*') end end do return i end",
      ":20\r\n",
    ],
    [
      "local l = {2, 1} table.sort(l, function(a, b) redis.call('KEYS', 'k7') return a < b end) return l[1]",
      ":1\r\n",
    ],
    [
      "return (string.gsub('k7', '.+', function(name) return redis.call('KEYS', name)[1] .. '!' end))",
      bulk("k7!"),
    ],
    ["return redis.call('SCAN', '0', 'TYPE', 'hash', 'COUNT', '1000')", `*2\r\n${bulk(0)}*0\r\n`],
    ["return redis.call('SCAN', '4294967296')", `*2\r\n${bulk(0)}*0\r\n`],
    ["return redis.call('SCAN', '-2', 'MATCH', 'k*')", `*2\r\n${bulk(0)}*0\r\n`],
    [
      "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('DEL', k) end return redis.call('DBSIZE')",
      ":0\r\n",
    ],
  ])("find them: %s", async (script, reply) => {
    const client = await startCold(20);
    expect(await client.text("EVAL", script, "0", "k7")).toBe(reply);
    expect(await client.text("PING")).toBe("+PONG\r\n");
  });

  it.each([1, 3, 1000])("see what it has changed before, with SCAN in steps of %i", async (count) => {
    const client = await startCold(12);
    const names = ["k0", "k10", "k11", ...Array.from({ length: 8 }, (_, i) => `k${i + 2}`), "new"];
    expect(await client.text("EVAL", COUNT_BY_STEPS, "0", count)).toBe(bulk(names.join(" ")));
  });

  it("are possible in a function, and in a transaction, where nobody comes in between", async () => {
    const client = await startCold(9);
    const other = await server.connect();
    const library =
      "#!lua name=lib\nredis.register_function('count', function() return #redis.call('KEYS', '*') end)";
    await client.run("FUNCTION", "LOAD", library);
    const walking = client.runAll([
      ["MULTI"],
      ["SET", "more", "1"],
      ["FCALL", "count", "0"],
      ["EVAL", "return #redis.call('KEYS', '*')", "0"],
      ["EXEC"],
      ["KEYS", "m*"],
    ]);
    const others = other.runAll(Array.from({ length: 20 }, (_, i) => ["SET", `other${i}`, "1"]));
    const [executed, names] = (await walking).slice(-2).map(String);
    expect(executed).toMatch(/^\*3\r\n\+OK\r\n:(\d+)\r\n:\1\r\n$/);
    expect(names).toBe(`*1\r\n${bulk("more")}`);
    expect(Buffer.concat(await others).toString()).toBe("+OK\r\n".repeat(20));
  });

  it("let values go to disk again when the script is over", async () => {
    const client = await startCold(5);
    await client.run(
      "EVAL",
      "redis.call('KEYS', '*') redis.call('SET', 'more', '1') return redis.call('nope')",
      "0",
    );
    await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("6");
  });
});

describe("a script that runs for long", () => {
  it("leaves others BUSY, and is ended by SCRIPT KILL", async () => {
    const client = await server.start("--busy-reply-threshold", "50");
    const other = await server.connect();
    const reply = client.text("EVAL", FOR_EVER, "0");
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    expect(await other.text("FUNCTION", "KILL")).toMatch(/^-BUSY.*SCRIPT KILL/);
    expect(await other.text("SHUTDOWN")).toMatch(BUSY);
    expect(await other.text("MULTI")).toBe("+OK\r\n");
    expect(await other.text("GET", "a")).toMatch(BUSY);
    expect(await other.text("DISCARD")).toBe("+OK\r\n");
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    expect(await reply).toMatch(
      /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: [0-9a-f]{40}, on @user_script:1\./,
    );
    expect(await other.text("SET", "a", "1")).toBe("+OK\r\n");
    expect(await client.text("SCRIPT", "KILL")).toMatch(/^-NOTBUSY/);
  });

  it.each([
    "while true do pcall(function() while true do end end) end",
    "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "pcall(function() pcall(pcall, function() while true do end end) while true do end end) while true do end",
    "while true do redis.pcall('GET', 'a') end",
    "return xpcall(function() while true do end end, function() end)",
    "return string.gsub('abc', '%w', function() while true do end end)",
    "return (pcall(string.gsub, 'abc', '%w', function() while true do end end))",
    "return string.gsub('a', 'a', setmetatable({}, {__index = function() while true do end end}))",
    "table.sort({3, 1, 2}, function() while true do end end)",
    "table.foreach({1}, function() table.foreachi({1}, function() while true do end end) end)",
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    "local t = setmetatable({}, {__lt = function() while true do pcall(string.rep, 'x', 3) end end}) return t < t",
    "local t = setmetatable({}, {__concat = function() string.gsub('a', 'a', function() while true do end end) end})\n" +
      "while true do xpcall(function() return t .. 1 end, function() while true do end end) end",
    "for i in function() while true do pcall(function() while true do end end) end end do end",
    "return xpcall(error, function() while true do end end)",
    "load(function() while true do end end)",
    "pcall(error, setmetatable({}, {__index = function() while true do end end}))",
  ])("can be ended wherever it is: %s", async (script) => {
    const client = await server.start("--busy-reply-threshold", "50");
    const other = await server.connect();
    const reply = client.text("EVAL", script, "0");
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    expect(await reply).toMatch(/^-ERR Script killed by user.*on @user_script:\d\.\r\n$/);
    expect(await other.text("PING")).toBe("+PONG\r\n");
  });

  it("lets others go on while it is in a metamethod, and after it has written", async () => {
    const client = await server.start("--busy-reply-threshold", "10");
    const other = await server.connect();
    const script = `
      redis.call('SET', 'a', 1)
      local function long() for i = 1, 1e8 do end return 'value' end
      return setmetatable({}, {__index = long}).x`;
    const reply = client.text("EVAL", script, "0");
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    expect(await other.text("SCRIPT", "KILL")).toMatch(/^-UNKILLABLE/);
    expect(await reply).toBe(bulk("value"));
  });

  it("is no library that loads for ever, wherever it does", async () => {
    const client = await server.start();
    const code = "#!lua name=lib\nfor i in function() while true do end end do end";
    expect(await client.text("FUNCTION", "LOAD", code)).toMatch(
      /^-ERR Error registering functions: ERR FUNCTION LOAD timeout/,
    );
    expect(await client.text("FUNCTION", "LOAD", LIBRARY)).toBe(bulk("lib"));
  });

  it("goes to its end if nobody ends it, as if alone", async () => {
    const client = await server.start("--busy-reply-threshold", "20", "--appendfsync", "always");
    const [other, waiter] = [await server.connect(), await server.connect()];
    const woken = waiter.text("BLPOP", "list", "0");
    await expect.poll(() => infoOf(other, "blocked_clients"), POLL).toBe("1");
    const script = `
      redis.call('LPUSH', 'list', 'a')
      local start = redis.call('TIME')
      repeat local now = redis.call('TIME') until (now[1] - start[1]) * 1000000 + now[2] - start[2] > 1500000
      local length = redis.call('LLEN', 'list')
      redis.call('SET', 'done', 1)
      return length`;
    const reply = client.text("EVAL", script, "0");
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    expect(await other.text("SCRIPT", "KILL")).toMatch(/^-UNKILLABLE/);
    expect(await reply).toBe(":1\r\n");
    expect(await woken).toBe(`*2\r\n${bulk("list")}${bulk("a")}`);
    expect(await other.text("MGET", "done", "list")).toBe(`*2\r\n${bulk(1)}$-1\r\n`);
    await server.server.kill();
    const restarted = await server.start();
    expect(await restarted.text("MGET", "done", "list")).toBe(`*2\r\n${bulk(1)}$-1\r\n`);
  });

  it("that has written leaves nothing in the log when SHUTDOWN NOSAVE ends the server", async () => {
    const client = await server.start("--busy-reply-threshold", "20");
    const other = await server.connect();
    await client.run("SET", "before", "1");
    const reply = client.text(
      "EVAL",
      `redis.call('SET', 'half', 1) redis.call('INCR', 'before') ${FOR_EVER}`,
      "0",
    );
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    const ends = [reply, other.text("SHUTDOWN", "NOSAVE")].map((each) => each.catch(() => "closed"));
    expect(await Promise.all(ends)).toEqual(["closed", "closed"]);
    const restarted = await server.start();
    expect(await restarted.text("MGET", "before", "half")).toBe(`*2\r\n${bulk(1)}$-1\r\n`);
  });

  it("that has written is ended by SHUTDOWN NOSAVE also when a signal waits for its end", async () => {
    const client = await server.start("--busy-reply-threshold", "20");
    const other = await server.connect();
    const reply = client.text("EVAL", `redis.call('SET', 'half', 1) ${FOR_EVER}`, "0");
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    const stopped = server.server.stop();
    await expect.poll(() => server.server.output, POLL).toContain("Received SIGTERM");
    expect(await other.text("PING")).toMatch(BUSY);
    const ends = [reply, other.text("SHUTDOWN", "NOSAVE")].map((each) => each.catch(() => "closed"));
    expect(await Promise.all(ends)).toEqual(["closed", "closed"]);
    expect(await stopped).toBe(0);
    const restarted = await server.start();
    expect(await restarted.text("EXISTS", "half")).toBe(":0\r\n");
  });

  it.each(["everysec", "always"])(
    "holds back nothing of what came before it, with appendfsync %s",
    async (policy) => {
      const client = await server.start("--busy-reply-threshold", "20", "--appendfsync", policy);
      const other = await server.connect();
      const script = `redis.call('SET', 'half', 1) redis.call('SET', 'half', 2) ${FOR_EVER}`;
      const replies = client
        .runAll([["SET", "before", "1"], ["EVAL", script, "0"], ["PING"]])
        .catch(() => "closed");
      await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
      expect(await other.text("SCRIPT", "KILL")).toMatch(/^-UNKILLABLE/);
      const end = other.text("SHUTDOWN", "NOSAVE").catch(() => "closed");
      expect(await Promise.all([replies, end])).toEqual(["closed", "closed"]);
      const restarted = await server.start();
      expect(await restarted.text("MGET", "before", "half")).toBe(`*2\r\n${bulk(1)}$-1\r\n`);
    },
  );

  it("goes on with what its client has sent behind it", async () => {
    const client = await server.start("--busy-reply-threshold", "20");
    const other = await server.connect();
    const replies = client.runAll([
      ["SET", "before", "1"],
      ["EVAL", "while true do redis.call('PING') end", "0"],
      ["GET", "before"],
    ]);
    await expect.poll(() => other.text("PING"), POLL).toMatch(BUSY);
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    const [first, second, third] = (await replies).map(String);
    expect([first, third]).toEqual(["+OK\r\n", bulk(1)]);
    expect(second).toMatch(/killed by user/);
  });

  it("does not see time pass", async () => {
    const client = await server.start("--busy-reply-threshold", "20");
    const script = `
      redis.call('SET', 'short', 'v', 'PX', 150)
      local start = redis.call('TIME')
      repeat local now = redis.call('TIME') until (now[1] - start[1]) * 1000000 + now[2] - start[2] > 300000
      return redis.call('GET', 'short')`;
    expect(await client.text("EVAL", script, "0")).toBe(bulk("v"));
    expect(await client.text("GET", "short")).toBe("$-1\r\n");
  });
});

describe("functions", () => {
  it.each(["after a crash", "from a base file", "from a dump"])("are there %s", async (how) => {
    const isDump = how === "from a dump";
    const client = await server.start(...(isDump ? ["--appendonly", "no", "--save", "1", "1"] : []));
    expect(await client.text("FUNCTION", "LOAD", LIBRARY)).toBe(bulk("lib"));
    const listed = await client.text("FUNCTION", "LIST", "WITHCODE");
    expect(await client.text("FCALL", "set", "1", "a", "b")).toBe("+OK\r\n");
    if (how === "from a base file") await rewriteLog(client);
    if (isDump) await server.server.stop();
    else await server.server.kill();
    const restarted = await server.start(...(isDump ? ["--appendonly", "no"] : []));
    expect(await restarted.text("FUNCTION", "LIST", "WITHCODE")).toBe(listed);
    expect(await restarted.text("FCALL_RO", "get", "1", "a")).toBe(bulk("b"));
    expect(await infoOf(restarted, "number_of_functions")).toBe("3");
  });

  it("move with DUMP and RESTORE", async () => {
    const client = await server.start();
    await client.run("FUNCTION", "LOAD", LIBRARY);
    const listed = await client.text("FUNCTION", "LIST", "WITHCODE");
    const reply = await client.run("FUNCTION", "DUMP");
    const payload = reply.subarray(reply.indexOf("\n") + 1, reply.length - 2);
    expect(await client.text("FUNCTION", "RESTORE", payload)).toBe("-ERR Library lib already exists\r\n");
    expect(await client.text("FUNCTION", "RESTORE", payload, "REPLACE")).toBe("+OK\r\n");
    expect(await client.text("FUNCTION", "FLUSH")).toBe("+OK\r\n");
    expect(await client.text("FUNCTION", "RESTORE", payload)).toBe("+OK\r\n");
    expect(await client.text("FUNCTION", "LIST", "WITHCODE")).toBe(listed);
    expect(await client.text("FCALL", "set", "1", "a", "b")).toBe("+OK\r\n");
  });

  it("are ended by FUNCTION KILL, and FUNCTION STATS tells of them", async () => {
    const client = await server.start("--busy-reply-threshold", "20");
    const other = await server.connect();
    await client.run("FUNCTION", "LOAD", LIBRARY);
    const reply = client.text("FCALL", "spin", "0", "x");
    await expect.poll(() => other.text("PING"), POLL).toMatch(/^-BUSY.*FUNCTION KILL/);
    const stats = await other.text("FUNCTION", "STATS");
    const words = ["FCALL", "spin", "0", "x"].map(bulk).join("");
    expect(stats).toContain(`${bulk("name")}${bulk("spin")}${bulk("command")}*4\r\n${words}`);
    expect(await other.text("SCRIPT", "KILL")).toMatch(/^-BUSY.*FUNCTION KILL/);
    expect(await other.text("FUNCTION", "KILL")).toBe("+OK\r\n");
    expect(await reply).toMatch(/^-ERR Script killed by user/);
  });
});

describe("memory", () => {
  it("that a script asks for without end is refused, and scripts go on working", async () => {
    const client = await server.start("--maxmemory", "100mb");
    await client.run("FUNCTION", "LOAD", LIBRARY);
    const sha = (await client.text("SCRIPT", "LOAD", "return 42")).split("\r\n")[1];
    const script = "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000000) .. i end";
    expect(await client.text("EVAL", script, "0")).toMatch(/^-ERR.*memory/);
    expect(await client.text("EVALSHA", sha, "0")).toBe(":42\r\n");
    expect(await client.text("FCALL", "set", "1", "a", "b")).toBe("+OK\r\n");
  });

  it("of scripts is in INFO", async () => {
    const client = await server.start();
    expect(await infoOf(client, "number_of_cached_scripts")).toBe("0");
    expect(await infoOf(client, "used_memory_vm_total")).toBe("0");
    await client.run("EVAL", "return 1", "0");
    expect(await infoOf(client, "number_of_cached_scripts")).toBe("1");
    expect(Number(await infoOf(client, "used_memory_vm_eval"))).toBeGreaterThan(10_000);
    await client.run("SCRIPT", "FLUSH");
    expect(await infoOf(client, "number_of_cached_scripts")).toBe("0");
  });
});
