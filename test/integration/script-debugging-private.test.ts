/**
 * The debugger of scripts with SCRIPT DEBUG YES: what it changes is nowhere to be seen, whatever others do and whatever
 * becomes of the server.
 */
import { describe, expect, it } from "vitest";
import { type DebugClient, type DebugScenario, startDebugging } from "../support/debug-session.ts";
import { encodeRequest } from "../support/raw-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const server = useServer();
const BUSY = /^-BUSY Redis is busy running a script/;
const WRITES = "redis.call('SET', 'a', '1')\nredis.call('SET', 'b', '2')\nreturn 'done'";

function debug(scenario: DebugScenario): Promise<DebugClient> {
  return startDebugging(server.server.port, scenario);
}

describe("while a script is debugged with YES", () => {
  it("what cannot be taken back is refused", async () => {
    const other = await server.start();
    await other.run("SET", "kept", "1");
    const session = await debug({ mode: "yes", script: "return 1", commands: [] });
    for (const command of ["r flushall", "r flushdb", "r swapdb 0 1"]) {
      expect(await session.command(command)).toContain(
        "<error> What this command changes cannot be taken back",
      );
    }
    expect(await session.command("r flushall x y")).toContain("<error>");
    expect(await session.command("r dbsize")).toContain("<reply> 1");
    session.client.close();
    expect(await other.text("GET", "kept")).toBe("$1\r\n1\r\n");
  });

  it("nothing of it is in the log, in memory, or told to others", async () => {
    const other = await server.start("--appendfsync", "always");
    await other.run("RPUSH", "list", ...Array.from({ length: 3000 }, (_, i) => i));
    await other.run("SET", "short", "1", "PX", "100");
    const before = [
      await infoOf(other, "rdb_changes_since_last_save"),
      await infoOf(other, "aof_current_size"),
    ];
    const script =
      "redis.call('RPUSH','list','x')\nredis.call('SET','new','1','PX',1)\nredis.call('DEL','list')\nreturn 1";
    const session = await debug({ mode: "yes", script, commands: [] });
    await session.command("s");
    await session.command("s");
    // It goes in a moment, but only here.
    await expect.poll(() => session.command("r get new"), POLL).toContain("<reply> NULL");
    await session.command("s");
    expect(await session.command("r exists list")).toContain("<reply> 0");
    const after = [
      await infoOf(other, "rdb_changes_since_last_save"),
      await infoOf(other, "aof_current_size"),
    ];
    expect(await other.text("LLEN", "list")).toBe(":3000\r\n");
    await session.command("c");
    expect(after[0] === before[0] || Number(after[0]) === Number(before[0]) + 1).toBe(true);
    await server.server.kill();
    const again = await server.start();
    expect(await again.text("LRANGE", "list", "-1", "-1")).toBe("*1\r\n$4\r\n2999\r\n");
    expect(await again.text("EXISTS", "new")).toBe(":0\r\n");
    session.client.close();
  });

  it("cold keys are read, changed, and given back", async () => {
    const other = await server.start("--cold-tier-spill-all", "yes", "--save", "");
    await other.runAll(Array.from({ length: 50 }, (_, i) => ["SET", `k${i}`, i]));
    await expect.poll(() => infoOf(other, "cold_keys"), POLL).toBe("50");
    const script = `for i = 0, 49 do redis.call('APPEND', 'k' .. i, 'x') end
redis.call('RENAME', 'k1', 'k2')
redis.call('DEL', 'k3')
return redis.call('MGET', 'k0', 'k2', 'k3')`;
    const session = await debug({ mode: "yes", script, commands: [] });
    await session.command("b 2 4");
    await session.command("c");
    await session.command("c");
    expect(await other.text("MGET", "k0", "k1", "k2", "k3")).toBe(
      "*4\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n",
    );
    await expect.poll(() => infoOf(other, "cold_keys"), POLL).toBe("50");
    await other.run("SET", "k0", "other");
    expect(await session.command("r get k0")).toContain('<reply> "0x"');
    expect(await session.command("c")).toContain("*3\r\n$2\r\n0x\r\n$2\r\n1x\r\n$-1\r\n");
    expect(await other.text("MGET", "k0", "k1", "k3", "k49")).toBe(
      "*4\r\n$5\r\nother\r\n$1\r\n1\r\n$1\r\n3\r\n$2\r\n49\r\n",
    );
    await expect.poll(() => infoOf(other, "cold_keys"), POLL).toBe("50");
    expect(await other.text("DBSIZE")).toBe(":50\r\n");
    session.client.close();
  });

  it("there can be several, beside scripts of others, until too many", async () => {
    const other = await server.start();
    const script = "redis.call('INCR','n')\nreturn redis.call('INCR','n')";
    const sessions: DebugClient[] = [];
    for (let i = 0; i < 16; i++) sessions.push(await debug({ mode: "yes", script, commands: [] }));
    const tooMany = await server.connect();
    await tooMany.run("SCRIPT", "DEBUG", "YES");
    expect(await tooMany.text("EVAL", script, "0")).toMatch(/^-ERR Too many scripts are being debugged/);
    for (const session of sessions) await session.command("s");
    expect(await other.text("EVAL", "return redis.call('INCRBY','n',10)", "0")).toBe(":10\r\n");
    for (const session of sessions) {
      expect(await session.command("c")).toContain(":2\r\n");
      session.client.close();
    }
    expect(await other.text("GET", "n")).toBe("$2\r\n10\r\n");
    expect(await tooMany.text("EVAL", script, "0")).toContain("* Stopped at 1");
  });

  it("it waits while another script is in the middle of what it does", async () => {
    const other = await server.start("--busy-reply-threshold", "10");
    const session = await debug({ mode: "yes", script: "return 1", commands: [] });
    other.write(
      encodeRequest(["EVAL", "redis.call('SET','a','1') while redis.call('EXISTS','b') == 0 do end", "0"]),
    );
    const third = await server.connect();
    await expect.poll(() => third.text("GET", "a"), POLL).toMatch(BUSY);
    session.client.write(encodeRequest(["c"]));
    const sync = await debug({ mode: "yes", script: "return 2", commands: [] }).catch(
      (error: unknown) => error,
    );
    expect(String(sync)).toContain("BUSY");
    third.write(encodeRequest(["SHUTDOWN", "NOSAVE"]));
    await third.readToEnd();
    session.client.close();
  });

  it("it ends with its connection and with the server", async () => {
    const other = await server.start();
    const closed = await debug({ mode: "yes", script: WRITES, commands: [] });
    await closed.command("s");
    closed.client.close();
    expect(await other.text("DBSIZE")).toBe(":0\r\n");
    const session = await debug({ mode: "yes", script: WRITES, commands: [] });
    await session.command("s");
    await server.server.stop();
    session.client.close();
    const again = await server.start();
    expect(await again.text("DBSIZE")).toBe(":0\r\n");
  });
});
