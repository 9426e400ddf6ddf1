/**
 * Configuration files: quoting, includes, order of the sources, and errors with file and line.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/server/config/config-error.ts";
import { type LoadedConfig, loadConfig } from "../../../src/server/config/parser.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

let fileCount = 0;

function write(text: string | Buffer, name = `${++fileCount}.conf`): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(argv: readonly string[], stdin = ""): LoadedConfig {
  const loaded = loadConfig(argv, () => Buffer.from(stdin));
  if (loaded.kind !== "run") throw new Error(`unexpected ${loaded.kind}`);
  return loaded;
}

function loadText(text: string | Buffer): LoadedConfig {
  return load([write(text)]);
}

function errorOf(argv: readonly string[], stdin = ""): ConfigError {
  try {
    load(argv, stdin);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no error");
}

describe("loadConfig", () => {
  it("reads names in any case, values, comments and blank lines", () => {
    const { config, warnings } = loadText(
      "# a comment\n\n  \t PORT 7000\r\n\tMaxMemory 1Gb   \n  # another\ntimeout 5",
    );
    expect([config.values.port, config.values.maxmemory, config.values.timeout]).toEqual([7000, 2 ** 30, 5]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['requirepass "a b"', "a b"],
    ['requirepass "\\x41\\xfF\\n\\r\\t\\a\\b\\q\\"\\\\"', 'A\xff\n\r\t\x07\bq"\\'],
    ['requirepass "\\xg1"', "xg1"],
    ["requirepass 'a \"b\" \\'c\\' \\n'", "a \"b\" 'c' \\n"],
    ['requirepass ""', ""],
    ["requirepass ''", ""],
    ['requirepass a"b c"', "ab c"],
    ["requirepass a#b", "a#b"],
    ["requirepass a\\nb", "a\\nb"],
    ['"requirepass" x', "x"],
  ])("unquotes %s", (line, password) => {
    expect(loadText(line).config.values.requirepass.toString("latin1")).toBe(password);
  });

  it.each([
    'requirepass "a',
    "requirepass 'a",
    'requirepass "a"b',
    "requirepass 'a'b",
    'requirepass "a\\"',
    "requirepass 'a\\\\'",
  ])("refuses the quotes of %s", (line) => {
    expect(errorOf([write(line)]).message).toBe("Unbalanced quotes in configuration line");
  });

  it("keeps bytes that are not UTF-8 where a value may be any bytes, and refuses them in names of files", () => {
    const bytes = Buffer.from("requirepass \xfe\xff\n", "latin1");
    expect(loadText(bytes).config.values.requirepass).toEqual(Buffer.from([0xfe, 0xff]));
    expect(errorOf([write(Buffer.from("logfile \xfe\n", "latin1"))]).message).toBe(
      "argument must be valid UTF-8",
    );
    expect(errorOf([write("port 1\0 2")]).message).toBe("the line contains a zero byte");
    expect(errorOf([write('logfile "a\\x00b"')]).message).toBe("argument must not contain a zero byte");
  });

  it("reads the file, then standard input, then the options", () => {
    const file = write("port 1\ntimeout 1\nhz 1\ndatabases 3\n");
    const { config } = load([file, "--hz", "30", "-"], "timeout 20\nhz 20\n");
    const { port, timeout, hz, databases } = config.values;
    expect([port, timeout, hz, databases]).toEqual([1, 20, 30, 3]);
  });

  it("lets the first save line replace the default, and adds the others", () => {
    const points = (text: string): string => loadText(text).config.text("save");
    expect(points("port 1")).toBe("3600 1 300 100 60 10000");
    expect(points("save 900 1\nsave 300 10")).toBe("900 1 300 10");
    expect(points("save 900 1 300 10")).toBe("900 1 300 10");
    expect(points('save "900 1 300 10"')).toBe("900 1 300 10");
    expect(points('save 900 1\nsave ""\nsave 5 6')).toBe("5 6");
    expect(points('save ""')).toBe("");
    expect(load([write("save 900 1"), "--save", "60", "5"]).config.text("save")).toBe("900 1 60 5");
    expect(load([write("save 900 1"), "--save", ""]).config.text("save")).toBe("");
  });

  it("merges buffer limits of several lines", () => {
    const { config } = loadText(
      "client-output-buffer-limit normal 1mb 0 0\nclient-output-buffer-limit pubsub 1k 2k 3",
    );
    expect(config.text("client-output-buffer-limit")).toBe(
      "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 1000 2000 3",
    );
    expect(config.values["client-output-buffer-limit"].pubsub).toEqual({
      hardLimitBytes: 1000,
      softLimitBytes: 2000,
      softSeconds: 3,
    });
  });

  it("makes dir absolute, relative to what it was, and starts other relative names there", () => {
    mkdirSync(join(folder, "data", "deeper"), { recursive: true });
    const { config } = loadText(`dir ${folder}/data\ndir deeper\nlogfile server.log`);
    expect(config.values.dir).toBe(join(folder, "data", "deeper"));
    expect(config.resolve(config.values.logfile)).toBe(join(folder, "data", "deeper", "server.log"));
    expect(errorOf([write(`dir ${write("a file")}`)]).message).toBe("Not a directory");
    expect(errorOf([write('dir ""')]).message).toBe("No such file or directory");
  });

  it("makes the folder that dir names, with those above it", () => {
    const { config } = loadText(`dir ${folder}/new/and/deeper`);
    expect(config.values.dir).toBe(join(folder, "new", "and", "deeper"));
    expect(existsSync(config.values.dir)).toBe(true);
    const below = join(write("a file"), "below");
    expect(errorOf([write(`dir ${below}`)]).message).toBe("Not a directory");
  });

  it("keeps the lines about access", () => {
    const { config } = loadText(
      'rename-command FLUSHALL ""\nuser alice on >a (~k +get) (~l +set)\nuser bob\nrename-command get holen',
    );
    expect(config.renamings).toEqual([
      { from: "FLUSHALL", to: "" },
      { from: "get", to: "holen" },
    ]);
    expect(config.users).toEqual([
      { name: "alice", rules: ["on", ">a", "(~k +get)", "(~l +set)"] },
      { name: "bob", rules: [] },
    ]);
  });

  it("warns of directives without effect, unless they say what is the case anyway", () => {
    const file = write(
      "daemonize no\nio-threads 4\nslave-priority 100\nlist-max-ziplist-entries 5\nmaxclients 5",
    );
    const { config, warnings } = load([file, "--tls-cluster", "yes"]);
    expect(warnings).toEqual([
      `The directive 'io-threads' has no effect in tsredis (line 2 of the file '${file}').`,
      "The directive 'tls-cluster' has no effect in tsredis (the command line).",
    ]);
    expect(config.text("io-threads")).toBe("4");
  });
});

describe("include", () => {
  it("reads the file at its place, with wildcards in order", () => {
    mkdirSync(join(folder, "conf.d"));
    write("timeout 1\nport 1", "conf.d/a.conf");
    write("timeout 2", "conf.d/b.conf");
    write("timeout 3", "conf.d/.hidden.conf");
    write("timeout 4", "conf.d/c.txt");
    const { values } = loadText(`port 5\ninclude ${folder}/conf.d/*.conf\nhz 20`).config;
    expect([values.port, values.timeout, values.hz]).toEqual([1, 2, 20]);
    expect(loadText(`include ${folder}/conf.d/[!ab].txt`).config.values.timeout).toBe(4);
    expect(loadText(`dir ${folder}\ninclude conf.d/?.txt`).config.values.timeout).toBe(4);
    expect(load([join(folder, "co*.d", "b.*")]).config.values.timeout).toBe(2);
  });

  it("does not mind a pattern without files, but a missing file", () => {
    expect(loadText(`include ${folder}/nothing/*.conf\nport 9`).config.values.port).toBe(9);
    const path = write(`port 9\ninclude ${folder}/missing.conf`);
    expect(errorOf([path])).toMatchObject({
      message: `Fatal error, can't open config file '${folder}/missing.conf': No such file or directory`,
      place: { source: `the file '${path}'`, line: 2 },
    });
  });

  it("names the included file in errors, and stops at one that includes itself", () => {
    const inner = write("port 1\n\nport x");
    expect(errorOf([write(`include ${inner}`)]).place).toEqual({
      source: `the file '${inner}'`,
      line: 3,
      text: "port x",
    });
    const loop = join(folder, "loop.conf");
    write(`include ${loop}`, "loop.conf");
    expect(errorOf([loop]).message).toMatch(/include goes deeper than 16 files/);
  });
});

describe("errors", () => {
  it("are reported in Redis's form, with the file", () => {
    const file = write("port 1\n  maxmemory 5x  \n");
    expect(errorOf([file]).report("1.2.3")).toBe(
      [
        "",
        "*** FATAL CONFIG FILE ERROR (tsredis 1.2.3) ***",
        "Reading the configuration file, at line 2",
        ">>> 'maxmemory 5x'",
        "argument must be a memory value",
        `(from the file '${file}')`,
        "",
      ].join("\n"),
    );
  });

  it("name standard input and the command line, and count their lines after the file's", () => {
    const file = write("port 1\n");
    expect(errorOf([file, "-"], "hz 1\nport x\n").place).toMatchObject({ source: "standard input", line: 4 });
    expect(errorOf([file, "--port", "x"]).place).toMatchObject({ source: "the command line", line: 3 });
    expect(errorOf(["--port", "x"]).report("1")).toMatch(/\n\(from the command line\)\n$/);
  });

  it("are reported without a line where there is none", () => {
    const report = errorOf([join(folder, "missing.conf")]).report("1.2.3");
    expect(report).toMatch(
      /^\n\*\*\* FATAL .* \*\*\*\nFatal error, can't open config file '.*': No such file or directory\n$/,
    );
    const { message } = errorOf(["--logfile", join(folder, "no folder", "log")]);
    expect(message).toBe("Can't open the log file: No such file or directory");
  });

  it.each([
    ["requirepass one two", "requirepass (redacted)"],
    ['masterauth "se cret', "masterauth (redacted)"],
    [
      "user a on >secret <secret #abc !abc (>x ~k nonsense",
      "user a on (redacted) (redacted) (redacted) (redacted) (redacted) ~k nonsense",
    ],
    ["user a on nonsense", "user a on nonsense"],
  ])("do not show secrets: %s", (line, shown) => {
    expect(errorOf([write(line)]).report("1.2.3")).toContain(`>>> '${shown}'`);
  });

  it.each([
    ["foo bar", "Bad directive or wrong number of arguments"],
    ["include", "Bad directive or wrong number of arguments"],
    ["list-max-ziplist-entries", "Bad directive or wrong number of arguments"],
    ["port", "wrong number of arguments"],
    ["port 1 2", "wrong number of arguments"],
    ["port 70000", "argument must be between 0 and 65535 inclusive"],
    ["appendonly maybe", "argument must be 'yes' or 'no'"],
    ["save 900", "Invalid save parameters"],
    ["save 0 1", "Invalid save parameters"],
    ["dbfilename a/b", "dbfilename can't be a path, just a filename"],
    ['appendfilename ""', "appendfilename can't be empty"],
    ["appenddirname a/b", "appenddirname can't be a path, just a dirname"],
    ["appendfsync sometimes", "argument(s) must be one of the following: everysec, always, no"],
    ["cold-tier-cache-size 1k", "argument must be between 1048576 and 1099511627776 inclusive"],
    [`bind ${"1.1.1.1 ".repeat(17)}`, "Too many bind addresses specified."],
    ["sentinel monitor a", "sentinel directive while not in sentinel mode"],
    ["cluster-enabled yes\nreplicaof a 1", "replicaof directive not allowed in cluster mode"],
    ["replicaof a x", "Invalid master port"],
    ["rename-command nothing x", "No such command in rename-command"],
    ["rename-command get SET", "Target command name already exists"],
    ['rename-command get ""\nrename-command get x', "No such command in rename-command"],
    [
      "user a on\nuser a off",
      "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config files",
    ],
    ["user a on nonsense", "Error in user declaration 'nonsense': Syntax error"],
    ['user "a b" on', "Spaces not allowed in ACL usernames"],
    [
      "user a #secret",
      "Error in user declaration 'a': The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
    ],
    ["user a on (~x +get", "Error in user declaration '(~x': Unmatched parenthesis"],
    ["loadmodule a.so", "tsredis has no modules: loadmodule cannot be obeyed"],
  ])("%s: %s", (text, message) => {
    expect(errorOf([write(text)]).message).toBe(message);
  });

  it("do not hit the user line that CONFIG REWRITE of Redis leaves in every file", () => {
    expect(loadText("user default on nopass sanitize-payload ~* &* +@all").warnings).toEqual([]);
  });
});
