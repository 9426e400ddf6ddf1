/**
 * Sessions of users on the real Redis and on tsredis, step by step: what is denied and how, in transactions and scripts
 * too, what ACL LOG tells of it, and who is disconnected.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

/** A step: the client's name, and its request; "·" stands for a blank in an argument. */
type Step = readonly [client: string, request: string];

/** What differs from run to run. */
function masked(reply: string): string {
  return (
    reply
      .replaceAll(
        /\b(id|addr|laddr|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem)=\S*/g,
        "$1=?",
      )
      .replaceAll(/ lib-(name|ver)=\S*/g, "")
      .replaceAll(/\$\d+\r\nid=/g, "$?\r\nid=")
      .replace(/version\r\n\$\d+\r\n[\d.]+/, "version?")
      .replace(/(\nid\r\n):\d+/, "$1:?")
      // What ACL LOG has since Redis 7.2.
      .replaceAll(
        /([*%])(20|10)(\r\n\$5\r\ncount)/g,
        (_, sign, __, count) => sign + (sign === "*" ? 14 : 7) + count,
      )
      .replaceAll(/\$\d+\r\n(entry-id|timestamp-created|timestamp-last-updated)\r\n:\d+\r\n/g, "")
      .replaceAll(/(age-seconds\r\n)(,[\d.]+|\$\d+\r\n[\d.]+)\r\n/g, "$1?\r\n")
  );
}

/** Single commands are in the order of a hash table. */
function sorted(text: string): string {
  return text
    .split(/[ \r\n]+/)
    .sort()
    .join(" ");
}

describe.skipIf(!hasRedisServer)("sessions of users as the real Redis's", () => {
  let folder: string;
  let servers: readonly { readonly port: number }[] = [];
  let redis: RedisServer;
  let own: ServerProcess;
  const aclFiles: string[] = [];
  const clients = new Map<string, RawClient[]>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-acl-"));
    const common = [
      "--enable-debug-command",
      "yes",
      "--save",
      "",
      "--appendonly",
      "no",
      "--aclfile",
      "users.acl",
    ];
    const [redisFolder, ownFolder] = ["redis-", "own-"].map((name) => mkdtempSync(join(folder, name)));
    for (const each of [redisFolder, ownFolder]) {
      aclFiles.push(join(each, "users.acl"));
      writeFileSync(
        join(each, "users.acl"),
        "user default on nopass ~* &* +@all\n\n  user filed on >pw ~f* +@read\n",
      );
    }
    redis = await startRedisServer(common, redisFolder);
    own = await startServerProcess(ownFolder, common);
    servers = [redis, own];
  });

  afterAll(async () => {
    await Promise.all([redis?.stop(), own?.kill()]);
    rmSync(folder, { recursive: true });
  });

  const both = async (name: string): Promise<RawClient[]> => {
    const known = clients.get(name);
    if (known !== undefined) return known;
    const connected = await Promise.all(servers.map(({ port }) => RawClient.connect(port)));
    clients.set(name, connected);
    return connected;
  };

  async function play(steps: readonly Step[]): Promise<string[]> {
    const replies: string[] = [];
    for (const [name, request] of steps) {
      const args = request.split(" ").map((word) => word.replaceAll("·", " "));
      const [expected, actual] = await Promise.all(
        (await both(name)).map((client) => client.text(...args).catch((error: Error) => error.message)),
      );
      const shown = /^ACL (LIST|CAT)/.test(request) ? sorted : masked;
      expect(shown(actual), `${name}: ${request}`).toBe(shown(expected));
      replies.push(actual);
    }
    return replies;
  }

  beforeEach(async () => {
    await play([
      ["admin", "FLUSHALL"],
      ["admin", "ACL LOG RESET"],
      ["admin", "ACL DELUSER alice tom scribe some all two u v later x"],
    ]);
  });

  afterEach(() => {
    for (const each of clients.values()) for (const client of each) client.close();
    clients.clear();
  });

  test("authentication, and what each user is told", async () => {
    const replies = await play([
      ["a", "ACL WHOAMI"],
      ["a", "AUTH x"],
      ["a", "AUTH default x"],
      ["a", "AUTH a b c"],
      [
        "admin",
        "ACL SETUSER alice on >one >two ~a* %R~r* %W~w* +@string +acl|whoami +client|list +multi +exec",
      ],
      ["a", "AUTH alice three"],
      ["a", "AUTH nobody three"],
      ["a", "ACL WHOAMI"],
      ["a", "HELLO 3 AUTH alice two SETNAME me"],
      ["a", "ACL WHOAMI"],
      ["a", "SET a 1"],
      ["a", "GET b"],
      ["a", "SET r 1"],
      ["a", "GET r"],
      ["a", "SET w 1"],
      ["a", "SET w 1 GET"],
      ["a", "MGET a r x a"],
      ["a", "MSET a 1 w 2"],
      ["a", "DEL a"],
      ["a", "CLIENT LIST ID 0"],
      ["a", "CLIENT nothing"],
      ["a", "NOTHING"],
      ["a", "GET"],
      ["a", "DEBUG"],
      ["admin", "ACL SETUSER alice off"],
      ["a", "GET a"],
      ["b", "AUTH alice one"],
      ["admin", "ACL LOG"],
      ["admin", "ACL LOG 1"],
      ["admin", "ACL LOG -1"],
      ["admin", "ACL LOG x"],
      ["admin", "ACL LOG 1 2"],
      ["a", "RESET"],
      ["a", "ACL WHOAMI"],
      ["a", "GET b"],
    ]);
    expect(replies[9]).toBe("$5\r\nalice\r\n");
  });

  test("a default user with a password, or switched off", async () => {
    await play([
      ["before", "PING"],
      ["admin", "CONFIG SET requirepass secret"],
      ["admin", "CONFIG GET requirepass"],
      ["before", "PING"],
      ["after", "PING"],
      ["after", "NOTHING"],
      ["after", "GET"],
      ["after", "HELLO 3"],
      ["after", "HELLO"],
      ["after", "AUTH wrong"],
      ["after", "AUTH secret"],
      ["after", "PING"],
      ["after", "RESET"],
      ["after", "PING"],
      ["admin", "ACL SETUSER default >another"],
      ["after", "AUTH another"],
      ["admin", "CONFIG SET requirepass "],
      ["admin", "CONFIG GET requirepass"],
      ["new", "AUTH secret"],
      ["admin", "ACL SETUSER default off"],
      ["late", "PING"],
      ["late", "AUTH default x"],
      ["late", "AUTH x"],
      ["late", "QUIT"],
      ["admin", "ACL SETUSER default on"],
      ["late2", "HELLO 2"],
      ["admin", "ACL SETUSER default on nopass"],
      ["late3", "HELLO 2"],
    ]);
  });

  test("keys of a command that will fail because their number is none", async () => {
    const replies = await play([
      ["admin", "COMMAND GETKEYS ZUNION 1.5 a"],
      ["admin", "COMMAND GETKEYS ZUNION ·2 a b"],
      ["admin", "COMMAND GETKEYS ZUNION 4294967297 a b"],
      ["admin", "COMMAND GETKEYS ZUNION 9007199254740993 a b"],
      ["admin", "COMMAND GETKEYS ZUNION 99999999999999999999 a b"],
      ["admin", "COMMAND GETKEYS ZUNION -4294967295 a"],
      ["admin", "COMMAND GETKEYS ZUNION x a"],
      ["admin", "COMMAND GETKEYS EVAL x 1z a b"],
      ["admin", "COMMAND GETKEYS BLMPOP 0 1z a LEFT"],
      ["admin", "ACL SETUSER alice on nopass ~a* +@all"],
      ["a", "AUTH alice x"],
      ["a", "ZUNION 1.5 b"],
      ["a", "ZUNION 1.5 a"],
      ["a", "ZUNIONSTORE a 1.5 b"],
      ["a", "EVAL return 1z b"],
      ["a", "SINTERCARD +1 b"],
      ["a", "LMPOP x b LEFT"],
      ["a", "ZUNION 7 b"],
    ]);
    expect(replies.filter((reply) => reply.startsWith("-NOPERM"))).toHaveLength(4);
  });

  test("transactions: when commands are queued, and again when they are executed", async () => {
    await play([
      ["admin", "ACL SETUSER tom on nopass ~a* +@all -@dangerous"],
      ["t", "AUTH tom x"],
      ["t", "MULTI"],
      ["t", "SET a 1"],
      ["t", "SET b 1"],
      ["t", "EXEC"],
      ["t", "MULTI"],
      ["t", "SET a 1"],
      ["t", "INCR ab"],
      ["t", "EVAL return·redis.call('set','a',5) 0"],
      ["t", "FLUSHALL"],
      ["t", "DISCARD"],
      ["t", "MULTI"],
      ["t", "SET a 1"],
      ["t", "INCR ab"],
      ["t", "EVAL return·redis.pcall('incr','ab') 0"],
      ["t", "GET a"],
      ["admin", "ACL SETUSER tom resetkeys ~ab -get"],
      ["t", "EXEC"],
      ["t", "MULTI"],
      ["admin", "ACL SETUSER tom -exec"],
      ["t", "EXEC"],
      ["t", "EXEC"],
      ["admin", "ACL LOG"],
    ]);
  });

  test("scripts have the rights of their user", async () => {
    await play([
      ["admin", "SET k v"],
      ["admin", "ACL SETUSER scribe on nopass ~a* +eval +eval_ro +set +get +function +fcall +incr"],
      ["s", "AUTH scribe x"],
      ["s", "EVAL return·redis.call('set',KEYS[1],1) 1 a"],
      ["s", "EVAL return·redis.call('set',KEYS[1],1) 1 k"],
      ["s", "EVAL return·redis.call('set','k',1) 0"],
      ["s", "EVAL return·redis.pcall('set','k',1) 0"],
      ["s", "EVAL return·redis.call('del','a') 0"],
      ["s", "EVAL return·redis.pcall('del','a') 0"],
      ["s", "EVAL return·redis.acl_check_cmd('set','k','v') 0"],
      ["s", "EVAL return·redis.acl_check_cmd('set','ab','v') 0"],
      ["s", "EVAL return·redis.acl_check_cmd('del','a') 0"],
      ["s", "EVAL return·redis.acl_check_cmd('nothing','a') 0"],
      ["s", "EVAL return·redis.acl_check_cmd('set') 0"],
      ["s", "EVALSHA x 0"],
      [
        "s",
        "FUNCTION LOAD #!lua·name=l\n·redis.register_function('f',·function(keys)·return·redis.call('incr',keys[1])·end)",
      ],
      ["s", "FCALL f 1 abc"],
      ["s", "FCALL f 1 b"],
      ["s", "FCALL f 0"],
      ["s", "FCALL_RO f 0"],
      ["admin", "ACL LOG"],
      ["admin", "FUNCTION FLUSH"],
    ]);
  });

  test("SORT with BY and GET needs to read all keys", async () => {
    await play([
      ["admin", "RPUSH list 3 1 2"],
      ["admin", "ACL SETUSER some on nopass ~list ~w* +sort +sort_ro +eval"],
      ["admin", "ACL SETUSER all on nopass %R~* %W~out +sort"],
      ["admin", "ACL SETUSER two on nopass ~x* +sort (%R~* +sort) (~list +sort)"],
      ["some", "AUTH some x"],
      ["some", "SORT list"],
      ["some", "SORT list BY nosort"],
      ["some", "SORT list BY w_*"],
      ["some", "SORT list GET #"],
      ["some", "SORT list ALPHA GET w_* NONSENSE"],
      ["some", "SORT list STORE out"],
      ["some", "SORT_RO list BY w_*"],
      ["some", "EVAL return·redis.call('sort','list','by','w_*') 0"],
      ["all", "AUTH all x"],
      ["all", "SORT list BY w_* GET #"],
      ["all", "SORT list BY w_* STORE out"],
      ["all", "SORT list BY w_* STORE other"],
      ["two", "AUTH two x"],
      ["two", "SORT list BY w_*"],
      ["two", "SORT list BY w_* STORE x"],
    ]);
  });

  test("users that are removed are disconnected, and so are others by CLIENT KILL", async () => {
    await play([
      ["admin", "ACL SETUSER u on nopass +@all ~* &*"],
      ["admin", "ACL SETUSER v on nopass +@all ~* &*"],
      ["u", "AUTH u x"],
      ["u2", "AUTH u x"],
      ["v", "AUTH v x"],
      ["admin", "CLIENT KILL USER nobody"],
      ["admin", "CLIENT KILL USER u SKIPME maybe"],
      ["u", "ACL DELUSER nobody default"],
      ["u", "ACL DELUSER nobody u"],
      ["admin", "ACL USERS"],
      ["v", "PING"],
      ["admin", "CLIENT KILL USER v"],
    ]);
    for (const name of ["u", "u2", "v"]) {
      for (const client of await both(name))
        await expect(client.run("PING")).rejects.toThrow(/closed|ended|ECONNRESET|EPIPE/);
    }
  });

  test("the file of users: loaded as a whole or not at all, and saved", async () => {
    const load = (text: string) => {
      for (const file of aclFiles) writeFileSync(file, text);
    };
    await play([
      ["admin", "ACL LIST"],
      ["admin", "ACL SETUSER later on nopass +@all ~* &*"],
      ["l", "AUTH later x"],
      ["f", "AUTH filed pw"],
      ["admin", "ACL SAVE"],
    ]);
    const [saved, savedOwn] = aclFiles.map((file) => readFileSync(file, "utf8"));
    expect(sorted(savedOwn)).toBe(sorted(saved));
    load("user default on\nuser a on +nothing -@nothing ~* ~a\nnonsense\nuser a on\nuser \nuser b\tc on\n");
    await play([
      ["admin", "ACL LOAD"],
      ["admin", "ACL USERS"],
      ["l", "PING"],
    ]);
    load(saved);
    await play([
      ["admin", "ACL LOAD"],
      ["admin", "ACL LIST"],
    ]);
    for (const name of ["l", "f"]) {
      for (const client of await both(name))
        await expect(client.run("PING")).rejects.toThrow(/closed|ended|ECONNRESET|EPIPE/);
    }
    load("");
    await play([
      ["again", "AUTH later x"],
      ["again", "ACL LOAD"],
    ]);
    for (const client of await both("again"))
      await expect(client.run("PING")).rejects.toThrow(/closed|ended|ECONNRESET|EPIPE/);
    await play([["fresh", "ACL LIST"]]);
    for (const file of aclFiles) rmSync(file);
    await play([["fresh", "ACL LOAD"]]);
    load("user default on nopass ~* &* +@all\n\n  user filed on >pw ~f* +@read\n");
    await play([["fresh", "ACL LOAD"]]);
  });

  test("CLIENT LIST shows the last command, also if it was refused", async () => {
    const list = ["admin", "CLIENT LIST"] as const;
    const last = async (request: string): Promise<string> => {
      const replies = await play([["a", request], list]);
      return /cmd=(?!client)(\S*)/.exec(replies[1])![1];
    };
    expect(await last("CLIENT nothing")).toBe("NULL");
    expect(await last("GET")).toBe("get");
    expect(await last("nothing at all")).toBe("NULL");
    expect(await last("CONFIG GET")).toBe("config|get");
    expect(await last("CONFIG")).toBe("config");
    expect(await last("MULTI")).toBe("multi");
    expect(await last("SET a b")).toBe("set");
    expect(await last("WATCH a")).toBe("watch");
    expect(await last("EXEC")).toBe("exec");
    expect(await last("SUBSCRIBE c")).toBe("subscribe");
    expect(await last("GET a")).toBe("get");
  });

  test("odd requests", async () => {
    await play([
      ["admin", "ACL CAT"],
      ["admin", "ACL CAT nothing"],
      ["admin", "ACL CAT read write"],
      ["admin", "ACL CAT Transaction"],
      ["admin", "ACL GENPASS 0"],
      ["admin", "ACL GENPASS 4097"],
      ["admin", "ACL GENPASS x"],
      ["admin", "ACL GENPASS 1 2"],
      ["admin", "ACL GETUSER nobody"],
      ["admin", "ACL SETUSER a·b"],
      ["admin", "ACL SETUSER (x"],
      ["admin", "ACL SETUSER x ( +get"],
      ["admin", "ACL SETUSER x +get nonsense"],
      ["admin", "ACL GETUSER x"],
      ["admin", "ACL DELUSER x"],
      ["admin", "ACL DRYRUN nobody get x"],
      ["admin", "ACL DRYRUN default nothing x"],
      ["admin", "ACL DRYRUN default get x y"],
      ["admin", "ACL DRYRUN default client"],
      ["admin", "ACL DRYRUN default client list"],
      ["admin", "ACL DRYRUN default"],
      ["admin", "ACL HELP x"],
      ["admin", "ACL WHOAMI x"],
      ["admin", "ACL"],
      ["admin", "ACL nothing"],
      ["admin", "HELLO 3"],
      ["admin", "ACL GETUSER default"],
      ["admin", "ACL WHOAMI"],
      ["admin", "AUTH x y"],
      ["admin", "ACL LOG"],
    ]);
    const digits = await Promise.all(
      (await both("admin")).map((client) => client.text("ACL", "GENPASS", "5")),
    );
    for (const reply of digits) expect(reply).toMatch(/^\$2\r\n[0-9a-f]{2}\r\n$/);
  });
});
