/**
 * CONFIG GET and CONFIG SET: values, texts, and that several changes happen together or not at all.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Config, type SetContext } from "../../../src/server/config/config.ts";
import { ConfigSetError } from "../../../src/server/config/config-error.ts";
import { loadConfig } from "../../../src/server/config/parser.ts";
import { settingNames } from "../../../src/server/config/settings.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

function replyOf(config: Config, pairs: [string, string][], context?: SetContext): string {
  try {
    config.set(pairs, context);
    return "OK";
  } catch (error) {
    if (error instanceof ConfigSetError) return error.message;
    throw error;
  }
}

function get(config: Config, ...patterns: string[]): Record<string, string> {
  return Object.fromEntries(config.get(patterns).map(([name, text]) => [name, text.toString()]));
}

describe("Config", () => {
  it("has a value for every directive, and half of the memory for maxmemory", () => {
    const { values } = new Config();
    expect(Object.keys(values)).toEqual(settingNames);
    expect(values.maxmemory).toBeGreaterThan(2 ** 20);
    expect(values["maxmemory-policy"]).toBe("noeviction");
    expect(values.appendonly).toBe(true);
    expect(values.save[2]).toEqual({ seconds: 60, changes: 10_000 });
    expect(values.bind).toEqual(["127.0.0.1", "-::1"]);
    expect(values.dir).toBe(process.cwd());
  });

  it("keeps every default when it is set to its own text", () => {
    const config = new Config();
    for (const name of settingNames) {
      if (config.text(name) === "") continue;
      config.load(
        name,
        name === "save" || name === "bind" ? config.text(name).split(" ") : texts(config, name),
      );
      expect(config.isDefault(name), name).toBe(true);
    }
  });

  it("keeps values in an object of fixed shape, not a dictionary", () => {
    setFlagsFromString("--allow-natives-syntax");
    const isFast = runInThisContext("(object) => %HasFastProperties(object)") as (object: object) => boolean;
    const config = new Config();
    config.set([
      ["maxmemory", "1gb"],
      ["maxmemory-policy", "allkeys-lru"],
      ["save", ""],
    ]);
    expect(isFast(config.values)).toBe(true);
    expect(isFast(Object.fromEntries([...Array(2000).keys()].map((key) => [`key${key}`, key])))).toBe(false);
  });

  it("reports sizes beyond 2^53 exactly", () => {
    const config = new Config();
    config.set([["maxmemory", "18446744073709551615"]]);
    expect(config.text("maxmemory")).toBe("18446744073709551615");
    expect(config.values.maxmemory).toBe(2 ** 64);
  });
});

/** The present text as arguments of a file's line. */
function texts(config: Config, name: (typeof settingNames)[number]): string[] {
  const text = config.text(name);
  const isSeveral =
    /^(client-output-buffer-limit|oom-score-adj-values|latency-tracking-info-percentiles)$/.test(name);
  return isSeveral ? text.split(" ") : [text];
}

describe("get", () => {
  it("finds names, aliases and patterns once each, in any case", () => {
    const config = new Config();
    expect(get(config, "TimeOut", "timeout", "time*")).toEqual({ TimeOut: "0" });
    expect(get(config, "*-priority")).toEqual({ "replica-priority": "100", "slave-priority": "100" });
    expect(get(config, "SLAVE-PRIO*")).toEqual({ "slave-priority": "100" });
    expect(get(config, "nothing", "")).toEqual({});
    expect(Object.keys(get(config, "append[fo]*", "hz"))).toEqual([
      "appendonly",
      "appendfilename",
      "appendfsync",
      "hz",
    ]);
  });

  it("finds hidden directives by their whole name only", () => {
    const config = new Config();
    expect(get(config, "key-load-dela?")).toEqual({});
    expect(get(config, "key-load-delay")).toEqual({ "key-load-delay": "0" });
  });

  it("gives passwords back byte for byte, and calls them sensitive", () => {
    const config = new Config();
    const password = Buffer.from([0, 0xff, 0x0a, 0xc3]);
    config.set([[Buffer.from("requirepass"), password]]);
    expect(config.get(["requirepass"])).toEqual([["requirepass", password]]);
    expect(config.values.requirepass).toEqual(password);
    expect([config.isSensitive("RequirePass"), config.isSensitive("port"), config.isSensitive("x")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("set", () => {
  it("changes all pairs or none", () => {
    const config = new Config();
    expect(
      replyOf(config, [
        ["timeout", "5"],
        ["hz", "20"],
      ]),
    ).toBe("OK");
    expect(
      replyOf(config, [
        ["timeout", "6"],
        ["save", ""],
        ["maxmemory", "x"],
        ["hz", "y"],
      ]),
    ).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
    );
    expect([config.values.timeout, config.values.hz, config.text("save")]).toEqual([
      5,
      20,
      "3600 1 300 100 60 10000",
    ]);
  });

  it("makes the folder that dir names at the start, and not for CONFIG SET", () => {
    const folder = temporaryFolder();
    try {
      const config = new Config();
      config.load("enable-protected-configs", ["yes"]);
      config.load("dir", [join(folder, "made")]);
      expect(existsSync(join(folder, "made"))).toBe(true);
      expect(replyOf(config, [["dir", join(folder, "missing")]])).toBe(
        "ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory",
      );
      expect(existsSync(join(folder, "missing"))).toBe(false);
    } finally {
      removeFolder(folder);
    }
  });

  it("takes activedefrag from a file, and not from CONFIG SET", () => {
    const config = new Config();
    config.load("activedefrag", ["yes"]);
    expect(get(config, "activedefrag")).toEqual({ activedefrag: "yes" });
    expect(replyOf(config, [["activedefrag", "no"]])).toBe("OK");
    expect(replyOf(config, [["activedefrag", "yes"]])).toContain("Active defragmentation cannot be enabled");
  });

  it("refuses unknown, immutable, protected and repeated names before it looks at values", () => {
    const config = new Config();
    expect(
      replyOf(config, [
        ["hz", "x"],
        ["Foo", "1"],
      ]),
    ).toBe("ERR Unknown option or number of arguments for CONFIG SET - 'Foo'");
    expect(replyOf(config, [["Databases", "3"]])).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'Databases') - can't set immutable config",
    );
    expect(replyOf(config, [["dir", "/"]], { isLocal: true })).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
    );
    expect(
      replyOf(config, [
        ["hz", "1"],
        ["HZ", "2"],
      ]),
    ).toBe("ERR CONFIG SET failed (possibly related to argument 'HZ') - duplicate parameter");
  });

  it("obeys enable-protected-configs", () => {
    const withAction = (action: string): Config => {
      const loaded = loadConfig(["--enable-protected-configs", action]);
      if (loaded.kind !== "run") throw new Error(loaded.kind);
      return loaded.config;
    };
    expect(replyOf(withAction("yes"), [["dbfilename", "a.rdb"]])).toBe("OK");
    expect(replyOf(withAction("local"), [["dbfilename", "a.rdb"]], { isLocal: true })).toBe("OK");
    expect(replyOf(withAction("local"), [["dbfilename", "a.rdb"]])).toMatch(/can't set protected config$/);
  });

  it("answers LOADING for what cannot change while the dataset is loaded", () => {
    const config = new Config();
    expect(replyOf(config, [["appendonly", "no"]], { isLoading: true })).toBe(
      "LOADING Redis is loading the dataset in memory",
    );
    expect(replyOf(config, [["hz", "11"]], { isLoading: true })).toBe("OK");
  });
});

describe("onChange", () => {
  it("calls each hook once, after all values are set, and only for changes", () => {
    const config = new Config();
    const calls: string[] = [];
    config.onChange(["timeout", "hz"], () => calls.push(`${config.values.timeout} ${config.values.hz}`));
    config.onChange("port", () => calls.push("port"));
    config.set([
      ["timeout", "5"],
      ["hz", "20"],
    ]);
    config.set([
      ["timeout", "5"],
      ["port", "6379"],
    ]);
    config.set([["notify-keyspace-events", "A"]]);
    config.onChange("notify-keyspace-events", () => calls.push("events"));
    // The text stays "A", but the value has one class more.
    config.set([["notify-keyspace-events", "An"]]);
    expect(calls).toEqual(["5 20", "events"]);
  });

  it("takes everything back when a hook refuses, and lets the hooks see it", () => {
    const config = new Config();
    const seen: string[] = [];
    const warnings: string[] = [];
    config.log = { ...config.log, warning: (text) => void warnings.push(text) };
    config.onChange("timeout", () => seen.push(`timeout ${config.values.timeout}`));
    config.onChange("port", () => {
      seen.push(`port ${config.values.port}`);
      if (config.values.port === 1) throw new Error("Unable to listen on this port. Check server logs.");
    });
    config.onChange("hz", () => seen.push("hz"));
    expect(
      replyOf(config, [
        ["timeout", "9"],
        ["port", "1"],
        ["hz", "30"],
      ]),
    ).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(seen).toEqual(["timeout 9", "port 1", "timeout 0", "port 6379"]);
    expect([config.values.timeout, config.values.port, config.values.hz]).toEqual([0, 6379, 10]);
    expect(warnings).toEqual([expect.stringContaining("possibly because of port")]);
  });
});

it("counts a directive that is given its default value as given", () => {
  const config = new Config();
  config.load("dir", ["."]);
  expect(config.isDefault("dir")).toBe(true);
  expect(config.isLoaded("dir")).toBe(true);
});
