/**
 * GEOSEARCH and GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER with their read-only variants.
 */
import { type CommandFlag, type CommandSpec, defineCommand, type KeySpec, keyAt } from "../command.ts";
import { answerSearch } from "./results.ts";
import { GeoSearch, type SearchCommand } from "./search-arguments.ts";

const search = new GeoSearch();

/** Declares a command that searches. */
function searchCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary" | "arity">,
  flags: readonly CommandFlag[],
  keys: readonly KeySpec[],
  what: SearchCommand,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "geo",
    complexity: "O(N+log(M)) for N members in and around the area, M in it",
    flags,
    categories: ["geo"],
    keys,
    run: (ctx) => search.run(ctx, what, answerSearch),
  });
}

/** The keys of GEORADIUS and GEORADIUSBYMEMBER; `from` is the first argument that may be STORE. */
function keysWithStore(from: number): KeySpec[] {
  return [
    keyAt(1, "RO", "access"),
    { kind: "keyword", flags: ["OW", "update"], word: "STORE", from, share: 0 },
    { kind: "keyword", flags: ["OW", "update"], word: "STOREDIST", from, share: 0 },
  ];
}

export const geosearch: CommandSpec = searchCommand(
  { name: "geosearch", since: "6.2.0", summary: "Find members within a circle or a box", arity: -7 },
  ["readonly"],
  [keyAt(1, "RO", "access")],
  { center: "option", source: 1, optionsFrom: 2, storing: "never" },
);

export const geosearchstore: CommandSpec = searchCommand(
  {
    name: "geosearchstore",
    since: "6.2.0",
    summary: "Find members within a circle or a box, and store them in another sorted set",
    arity: -8,
  },
  ["write", "denyoom"],
  [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
  { center: "option", source: 2, optionsFrom: 3, storing: "always" },
);

export const georadius: CommandSpec = searchCommand(
  { name: "georadius", since: "3.2.0", summary: "Find members within a circle around a position", arity: -6 },
  ["write", "denyoom"],
  keysWithStore(6),
  { center: "position", source: 1, optionsFrom: 6, storing: "option" },
);

export const georadiusRo: CommandSpec = searchCommand(
  { name: "georadius_ro", since: "3.2.10", summary: "As GEORADIUS, without storing", arity: -6 },
  ["readonly"],
  [keyAt(1, "RO", "access")],
  { center: "position", source: 1, optionsFrom: 6, storing: "never" },
);

export const georadiusbymember: CommandSpec = searchCommand(
  {
    name: "georadiusbymember",
    since: "3.2.0",
    summary: "Find members within a circle around another member",
    arity: -5,
  },
  ["write", "denyoom"],
  keysWithStore(5),
  { center: "member", source: 1, optionsFrom: 5, storing: "option" },
);

export const georadiusbymemberRo: CommandSpec = searchCommand(
  {
    name: "georadiusbymember_ro",
    since: "3.2.10",
    summary: "As GEORADIUSBYMEMBER, without storing",
    arity: -5,
  },
  ["readonly"],
  [keyAt(1, "RO", "access")],
  { center: "member", source: 1, optionsFrom: 5, storing: "never" },
);
