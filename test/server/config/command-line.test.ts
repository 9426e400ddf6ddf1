/**
 * The command line: what becomes a file, an option, a value.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { helpText, parseCommandLine, versionText } from "../../../src/server/config/command-line.ts";
import { loadConfig } from "../../../src/server/config/parser.ts";

function options(...argv: string[]): string {
  const parsed = parseCommandLine(argv);
  return parsed.kind === "run" ? parsed.options : parsed.kind;
}

describe("parseCommandLine", () => {
  it("knows the requests that start nothing", () => {
    expect(["-v", "--version", "-h", "--help"].map((argument) => parseCommandLine([argument]).kind)).toEqual([
      "version",
      "version",
      "help",
      "help",
    ]);
    expect(helpText("tsredis-server")).toContain("Usage: tsredis-server");
    expect(versionText("1.2.3")).toMatch(/^tsredis server v=1\.2\.3 redis=7\.0\.15 .*\n$/);
  });

  it("takes a first argument without a dash for the file, and a dash at either end for standard input", () => {
    const none = { kind: "run", file: undefined, readsStdin: false, options: "" };
    expect(parseCommandLine([])).toEqual(none);
    expect(parseCommandLine(["a.conf"])).toEqual({ ...none, file: "a.conf" });
    expect(parseCommandLine(["-"])).toEqual({ ...none, readsStdin: true });
    expect(parseCommandLine(["a.conf", "--port", "1", "-"])).toEqual({
      kind: "run",
      file: "a.conf",
      readsStdin: true,
      options: 'port "1" ',
    });
  });

  it("makes a line of each option", () => {
    expect(options("--port", "7000", "--dir", "/tmp/d e")).toBe('port "7000" \ndir "/tmp/d e" ');
    expect(options("--port 7000", "--save", "900", "1", "300", "10")).toBe(
      'port 7000 \nsave "900" "1" "300" "10" ',
    );
    expect(options("--requirepass", 'a"b\\c\n\x01')).toBe('requirepass "a\\"b\\\\c\\n\\x01" ');
  });

  it("takes a word with dashes for the value of an option that has none yet", () => {
    expect(options("--requirepass", "--secret", "--port", "1")).toBe('requirepass "--secret" \nport "1" ');
  });

  it("takes --save without values for no save points", () => {
    expect(options("--save")).toBe('save ""');
    expect(options("--save", "--port", "1")).toBe('save ""\nport "1" ');
    expect(options("--save", "", "--port", "1")).toBe('save "" \nport "1" ');
  });

  it("carries any value through quoting", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (password) => {
        const loaded = loadConfig(["--requirepass", password]);
        expect(loaded.kind === "run" && loaded.config.values.requirepass.toString()).toBe(
          Buffer.from(password).toString(),
        );
      }),
    );
  });
});
