/**
 * The language of rules: what each does to a user, and what is refused.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { mergeSelectors } from "../../../src/server/acl/rules.ts";
import { READ, WRITE } from "../../../src/server/acl/selector.ts";
import { createRules, faultOf, sets, userOf } from "./support.ts";

const digest = (password: string) => createHash("sha256").update(password).digest("hex");

function allows(user: ReturnType<typeof userOf>, name: string): boolean {
  return user.root.has(sets.find(name)!.id);
}

describe("rules of the user", () => {
  it("begin with nothing allowed", () => {
    const user = userOf();
    expect(user.flags).toEqual(["off"]);
    expect(user.accepts(Buffer.alloc(0))).toBe(false);
    expect(user.allowsAll).toBe(false);
    expect(sets.all.some(({ id }) => user.root.has(id))).toBe(false);
  });

  it("keep passwords as digests, each once, and compare those", () => {
    const user = userOf("on", ">secret", ">secret", `#${digest("other")}`);
    expect(user.passwords).toEqual([digest("secret"), digest("other")]);
    expect(user.accepts(Buffer.from("secret"))).toBe(true);
    expect(user.accepts(Buffer.from("other"))).toBe(true);
    expect(user.accepts(Buffer.from("secret "))).toBe(false);
    expect(user.accepts(Buffer.from(digest("secret")))).toBe(false);
    expect(userOf("on", ">a", ">b", "<a").accepts(Buffer.from("a"))).toBe(false);
    expect(userOf("on", ">a", `!${digest("a")}`).passwords).toEqual([]);
    expect(userOf(">a").accepts(Buffer.from("a"))).toBe(false);
  });

  it("take bytes as passwords", () => {
    const bytes = Buffer.from([0, 0xff, 0x80, 0x20]);
    expect(userOf("on", `>${bytes.toString("latin1")}`).accepts(bytes)).toBe(true);
  });

  it("let in with any password, or with none any more", () => {
    expect(userOf("on", ">a", "nopass")).toMatchObject({ hasNoPassword: true, passwords: [] });
    expect(userOf("on", "nopass", ">a").accepts(Buffer.from("b"))).toBe(false);
    expect(userOf("on", "nopass", "resetpass").accepts(Buffer.from("b"))).toBe(false);
  });

  it("reset everything", () => {
    const user = userOf(
      "on",
      "nopass",
      "allkeys",
      "allchannels",
      "+@all",
      "(+get ~a)",
      "skip-sanitize-payload",
      "reset",
    );
    expect(user.flags).toEqual(["off", "sanitize-payload"]);
    expect(user.selectors).toEqual([]);
    expect(user.root).toMatchObject({
      allKeys: false,
      allChannels: false,
      allCommands: false,
      startsFull: false,
    });
  });

  it("begin with all channels where the configuration says so", () => {
    const rules = createRules(true);
    const user = rules.createUser("a");
    expect(rules.apply(user, "(+publish2)")).toBe("unknown");
    expect(rules.apply(user, "(+get)")).toBeUndefined();
    expect([user.root.allChannels, user.selectors[0].allChannels]).toEqual([true, true]);
  });

  it.each([
    [["nonsense"], "syntax"],
    [["+nothing"], "unknown"],
    [["-@nothing"], "unknown"],
    [["+client|nothing"], "unknown"],
    [["-debug|object"], "unknown"],
    [["+debug|"], "syntax"],
    [["+client|list|x"], "argumentOfSubcommand"],
    [["allkeys", "~a"], "allKeys"],
    [["~*", "%R~a"], "allKeys"],
    [["&*", "&a"], "allChannels"],
    [["~a b"], "syntax"],
    [["&a\0"], "syntax"],
    [["%~a"], "syntax"],
    [["%RR~a"], "syntax"],
    [["%X~a"], "syntax"],
    [["<a"], "noSuchPassword"],
    [["#abc"], "noDigest"],
    [[`!${"A".repeat(64)}`], "noDigest"],
    [["(+get ~a nonsense)"], "syntax"],
    [["(on)"], "syntax"],
    [["()"], undefined],
    [[""], undefined],
    [["\0"], "syntax"],
  ] as const)("%j: %s", (rules, fault) => {
    expect(faultOf(...rules)).toBe(fault);
  });
});

describe("rules of a selector", () => {
  it("name commands, subcommands and categories in any case", () => {
    const user = userOf("+@String", "-GET", "+Client|LIST");
    expect(["set", "get", "client|list", "client|kill", "client"].map((name) => allows(user, name))).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it("take a container with all its subcommands", () => {
    const user = userOf("+client", "-client|kill");
    expect([allows(user, "client|list"), allows(user, "client|kill")]).toEqual([true, false]);
    expect(allows(userOf("+client|kill", "-client"), "client|kill")).toBe(false);
  });

  it("allow first arguments, with a warning, until the command is named again", () => {
    const warnings: string[] = [];
    const rules = createRules(false, warnings);
    const user = rules.createUser("a");
    for (const rule of ["+select|0", "+select|ZERO", "+select|zero"]) rules.apply(user, rule);
    expect([...user.root.firstArguments.values()]).toEqual([["0", "ZERO"]]);
    expect(warnings[0]).toContain("(offender: +select|0)");
    rules.apply(user, "-select");
    expect(user.root.firstArguments.size).toBe(0);
  });

  it("know when nothing needs to be checked", () => {
    expect(userOf("+@all", "~*", "&*").allowsAll).toBe(true);
    expect(userOf("+@all", "~*", "&*", "-get").allowsAll).toBe(false);
    expect(userOf("+@all", "~*", "&*", "-get", "+get").allowsAll).toBe(false);
    expect(userOf("+@all", "%RW~*", "&*").allowsAll).toBe(false);
    expect(userOf("+get", "(+@all ~* &*)").allowsAll).toBe(true);
    expect(userOf("+@all", "(~* &*)").allowsAll).toBe(false);
  });

  it("add rights to a pattern that is there", () => {
    const { keyPatterns } = userOf("%R~a", "%W~b", "%W~a", "~c", "%rw~d").root;
    expect(keyPatterns.map(({ text, rights }) => [text, rights])).toEqual([
      ["a", READ | WRITE],
      ["b", WRITE],
      ["c", READ | WRITE],
      ["d", READ | WRITE],
    ]);
  });

  it("may be quoted in parentheses", () => {
    expect(userOf(`("+get" '~a b')`.replace(" b", "")).selectors[0].keyPatterns[0].text).toBe("a");
  });
});

describe("mergeSelectors", () => {
  it("puts together what stands in parentheses", () => {
    expect(mergeSelectors(["on", "(+get", "~a)", "(x)", "(", ")"])).toEqual([
      "on",
      "(+get ~a)",
      "(x)",
      "( )",
    ]);
  });

  it("tells which parenthesis is never closed", () => {
    expect(mergeSelectors(["(a)", "(b", "c"])).toEqual({ unclosed: 1 });
    expect(mergeSelectors(["(b", "(c", "d"])).toEqual({ unclosed: 1 });
  });
});
