/**
 * The debugger of scripts, where this server differs from Redis, or Redis cannot be asked: what others are told, how a
 * session ends from outside, and what is durable.
 */
import { describe, expect, it } from "vitest";
import { type DebugClient, type DebugScenario, startDebugging } from "../support/debug-session.ts";
import { encodeRequest } from "../support/raw-client.ts";
import { POLL, useServer } from "./server-fixture.ts";

const server = useServer();
const BUSY = /^-BUSY Redis is busy running a script/;
const KILLED = /<endsession>\r\n-ERR Script killed by user with SCRIPT KILL/;
const WRITES = "redis.call('SET', 'a', '1')\nredis.call('SET', 'b', '2')\nreturn 'done'";

function debug(scenario: DebugScenario): Promise<DebugClient> {
  return startDebugging(server.server.port, scenario);
}

describe("while a script is debugged with SYNC", () => {
  it("others are told so, and can see and close clients", async () => {
    const other = await server.start();
    const session = await debug({ script: WRITES, commands: [] });
    await session.command("s");
    expect(await other.text("GET", "a")).toMatch(BUSY);
    expect(await other.text("EVAL", "return 1", "0")).toMatch(BUSY);
    expect(await other.text("SHUTDOWN")).toMatch(BUSY);
    expect(await other.text("PING")).toBe("+PONG\r\n");
    expect(await other.text("CLIENT", "LIST")).toContain("cmd=eval");
    await session.command("s");
    expect(await session.command("c")).toContain("$4\r\ndone\r\n");
    expect(await other.text("MGET", "a", "b")).toBe("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    session.client.close();
  });

  it("SCRIPT KILL ends it, although it has written", async () => {
    const other = await server.start();
    const session = await debug({ script: WRITES, commands: [] });
    await session.command("s");
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    expect(await session.next()).toMatch(KILLED);
    expect(await other.text("MGET", "a", "b")).toBe("*2\r\n$1\r\n1\r\n$-1\r\n");
    expect(await other.text("SCRIPT", "KILL")).toMatch(/^-NOTBUSY/);
    session.client.close();
  });

  it("the end of its connection has it run to its end", async () => {
    const other = await server.start();
    const closed = await debug({ script: WRITES, commands: [] });
    closed.client.close();
    await expect.poll(() => other.text("GET", "b"), POLL).toBe("$1\r\n2\r\n");
    await other.run("DEL", "b");
    const killed = await debug({ script: WRITES, commands: [] });
    const id = /id=(\d+) [^\n]*cmd=eval/.exec(await other.text("CLIENT", "LIST"))![1];
    expect(await other.text("CLIENT", "KILL", "ID", id)).toBe(":1\r\n");
    await expect.poll(() => other.text("GET", "b"), POLL).toBe("$1\r\n2\r\n");
    killed.client.close();
  });

  it("an endless script without a client is ended", async () => {
    const other = await server.start("--busy-reply-threshold", "100");
    const session = await debug({ script: "redis.call('SET','a','1')\nwhile true do end", commands: [] });
    session.client.close();
    await expect.poll(() => other.text("GET", "a"), POLL).toBe("$1\r\n1\r\n");
  });

  it("without a client, breakpoints hold up nobody", async () => {
    const other = await server.start();
    const session = await debug({ script: "while true do redis.breakpoint() end", commands: [] });
    session.client.close();
    expect(await other.text("GET", "a")).toMatch(BUSY);
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    await expect.poll(() => other.text("GET", "a"), POLL).toBe("$-1\r\n");
  });

  it("a client that says nothing for long is closed, if clients are", async () => {
    const other = await server.start("--timeout", "1");
    const session = await debug({ script: WRITES, commands: [] });
    expect((await session.client.readToEnd()).toString()).toBe("");
    await expect.poll(async () => (await server.connect()).text("GET", "b"), POLL).toBe("$1\r\n2\r\n");
    other.close();
  });

  it("its effects are one group of the log, and there after a restart", async () => {
    const other = await server.start("--appendfsync", "always");
    const session = await debug({ script: WRITES, commands: [] });
    await session.command("s");
    await session.command("s");
    await session.command("c");
    session.client.close();
    expect(await other.text("DBSIZE")).toBe(":2\r\n");
    await server.server.kill();
    const again = await server.start();
    expect(await again.text("MGET", "a", "b")).toBe("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  });

  it("SIGTERM has it run to its end; SHUTDOWN NOSAVE drops what it did", async () => {
    await server.start();
    const session = await debug({ script: WRITES, commands: [] });
    await session.command("s");
    await server.server.stop();
    const again = await server.start();
    expect(await again.text("MGET", "a", "b")).toBe("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    await again.run("DEL", "a", "b");
    const dropped = await debug({ script: WRITES, commands: [] });
    await dropped.command("s");
    again.write(encodeRequest(["SHUTDOWN", "NOSAVE"]));
    await again.readToEnd();
    const last = await server.start();
    expect(await last.text("DBSIZE")).toBe(":0\r\n");
    session.client.close();
    dropped.client.close();
  });
});

describe("a script that is debugged", () => {
  it("is not part of a transaction", async () => {
    const client = await server.start();
    await client.run("SCRIPT", "DEBUG", "YES");
    const replies = await client.runAll([["MULTI"], ["EVAL", "return 1", "0"], ["EXEC"]]);
    expect(replies.at(-1)!.toString()).toBe("*1\r\n-ERR Scripts cannot be debugged within a transaction\r\n");
  });

  it("stops within a metamethod", async () => {
    await server.start();
    const script = `local t = setmetatable({}, {__index = function(_, key)
  return key
end})
local v = t.foo
return v`;
    const session = await debug({ script, commands: [] });
    await session.command("b 2");
    expect(await session.command("c")).toContain("* Stopped at 2, stop reason = break point");
    expect(await session.command("c")).toContain("$3\r\nfoo\r\n");
    session.client.close();
  });

  it("lets others go on while it computes, and can be looked at by commands sent together", async () => {
    const other = await server.start();
    const script = "local i = 0\nwhile i < 3e6 do i = i + 1 end\nreturn i";
    const session = await debug({ mode: "yes", script, commands: [] });
    session.client.write(encodeRequest(["c"]));
    let turns = 0;
    const ended = session.next().then(() => true);
    while (!(await Promise.race([ended, other.text("PING").then(() => false)]))) turns++;
    expect(turns).toBeGreaterThan(3);
    session.client.close();
    const second = await debug({ script: "local a = 1\nlocal b = 2\nreturn a", commands: [] });
    second.client.write(Buffer.concat([["s"], ["p"], ["c"]].map(encodeRequest)));
    expect(await second.next()).toContain("Stopped at 2");
    expect(await second.next()).toContain("a = 1");
    expect(await second.next()).toContain("<endsession>");
    second.client.close();
  });

  it("does not run code that was given to eval for ever", async () => {
    await server.start("--busy-reply-threshold", "100");
    const session = await debug({ script: "return 1", commands: [] });
    expect(await session.command("e while true do end")).toContain("<error>");
    expect(await session.command("e pcall(function() return KEYS end)")).toContain("<retval> true");
    expect(await session.command("e redis.call('nosuch')")).toContain("Unknown Redis command");
    expect(await session.command("c")).toContain(":1\r\n");
    session.client.close();
  });

  it("may run out of memory", async () => {
    const other = await server.start("--maxmemory", "100mb", "--cold-tier", "no");
    const session = await debug({
      script: "local t = {}\nfor i = 1, 1e9 do t[i] = {i} end\nreturn 1",
      commands: [],
    });
    expect(await session.command("c")).toMatch(/<endsession>\r\n-ERR/);
    expect(await other.text("EVAL", "return 1", "0")).toBe(":1\r\n");
    session.client.close();
  });
});
