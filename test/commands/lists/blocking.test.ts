/**
 * What is propagated for a client that waited: as Redis 7.0 does, the command that takes the element, with the words of
 * its own. Who is served, and when, is tested with the server (test/integration/blocking.test.ts).
 */
import { expect, test } from "vitest";
import type { CommandSpec } from "../../../src/commands/command.ts";
import type { CommandContext, KeyWait } from "../../../src/commands/context.ts";
import { listCommands } from "../../../src/commands/lists/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

/** Runs commands as for a client that can wait: the wait is kept, and served on the next run of the same command. */
class WaitingHarness {
  wait: KeyWait | undefined;
  private readonly harness = new CommandHarness({
    commands: [...stringCommands, ...listCommands.map((spec) => this.waiting(spec))],
  });

  private waiting(spec: CommandSpec): CommandSpec {
    return {
      ...spec,
      run: (ctx) => {
        const { wait } = this;
        if (wait !== undefined && spec.flags.includes("blocking")) return wait.serve(ctx, wait.last);
        const later: CommandContext = Object.create(ctx, {
          waitForKeys: {
            value: (kept: KeyWait) => {
              this.wait = kept;
              return ctx.reply.simple("waits");
            },
          },
        });
        return spec.run!(later);
      },
    };
  }

  text(command: string): string {
    return this.harness.text(...command.split(" "));
  }

  takeEffects(): string[] {
    return this.harness.takeEffects();
  }
}

test.each([
  ["BLPOP none k 1", "*2\r\n$1\r\nk\r\n$1\r\na\r\n", "LPOP k"],
  ["brpop none k 1", "*2\r\n$1\r\nk\r\n$1\r\nc\r\n", "RPOP k"],
  ["BLMPOP 1 2 none k LEFT", "*2\r\n$1\r\nk\r\n*1\r\n$1\r\na\r\n", "LPOP k 1"],
  ["BLMPOP 1 1 k right COUNT 2", "*2\r\n$1\r\nk\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n", "RPOP k 2"],
  ["BLMPOP 1 1 k RIGHT COUNT 9", "*2\r\n$1\r\nk\r\n*3\r\n$1\r\nc\r\n$1\r\nb\r\n$1\r\na\r\n", "RPOP k 3"],
  ["BLMOVE k to LEFT Right 1", "$1\r\na\r\n", "LMOVE k to left right"],
  ["BRPOPLPUSH k to 1", "$1\r\nc\r\n", "RPOPLPUSH k to"],
])("%s, when it is served", (command, reply, effect) => {
  const harness = new WaitingHarness();
  expect(harness.text(command)).toBe("+waits\r\n");
  expect(harness.takeEffects()).toEqual([]);
  const { wait } = harness;
  expect([wait?.type, wait?.timeoutMs]).toEqual([1, 1000]);
  harness.text("RPUSH k a b c");
  harness.takeEffects();
  expect(harness.text(command)).toBe(reply);
  expect(harness.takeEffects()).toEqual([effect]);
});

test.each(["BLMOVE k to LEFT RIGHT 0", "BRPOPLPUSH k to 0"])(
  "%s gets an error if the destination holds another type by then, and moves nothing",
  (command) => {
    const harness = new WaitingHarness();
    harness.text(command);
    harness.text("SET to text");
    harness.text("RPUSH k a");
    harness.takeEffects();
    expect(harness.text(command)).toMatch(/^-WRONGTYPE /);
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("LLEN k")).toBe(":1\r\n");
  },
);

test("a command that finds what it needs does not wait, and is propagated with the words it was given", () => {
  const harness = new WaitingHarness();
  harness.text("RPUSH k a b c d e");
  harness.takeEffects();
  for (const command of ["BLPOP k 0", "BLMPOP 0 1 k LEFT COUNT 1", "BLMOVE k to Left rIGHT 0"])
    harness.text(command);
  expect(harness.wait).toBeUndefined();
  expect(harness.takeEffects()).toEqual(["LPOP k", "LPOP k 1", "LMOVE k to Left rIGHT"]);
});
