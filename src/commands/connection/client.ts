/**
 * CLIENT: the container, and the switches of a connection (ID, REPLY, NO-EVICT, NO-TOUCH).
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord } from "../arguments.ts";
import { type CommandFlag, type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { listSubcommands } from "./client-list.ts";
import { nameSubcommands } from "./client-names.ts";
import { pauseSubcommands } from "./client-pause.ts";
import { trackingSubcommands } from "./client-tracking.ts";
import { unblock } from "./client-unblock.ts";

const id = defineCommand({
  name: "id",
  group: "connection",
  since: "5.0.0",
  summary: "Tells the connection's number",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run: ({ client, reply }) => reply.integer(client.id),
});

const reply = defineCommand({
  name: "reply",
  group: "connection",
  since: "3.2.0",
  summary: "Says whether the connection wants replies",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const { request, client } = ctx;
    if (isWord(request, 2, "on")) {
      client.replyMode = "on";
      return ctx.reply.ok();
    }
    if (isWord(request, 2, "off")) client.replyMode = "off";
    else if (!isWord(request, 2, "skip")) return ctx.reply.error(SYNTAX_ERROR);
    else if (client.replyMode !== "off") client.replyMode = "skip-next";
    return DONE;
  },
});

/** A subcommand with the argument ON or OFF. */
function switchCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  flags: readonly CommandFlag[],
  apply: (ctx: CommandContext, isOn: boolean) => void,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "connection",
    complexity: "O(1)",
    arity: 3,
    flags,
    categories: ["connection"],
    keys: [],
    run(ctx) {
      const isOn = switchPosition(ctx.request, 2);
      if (isOn === undefined) return ctx.reply.error(SYNTAX_ERROR);
      apply(ctx, isOn);
      return ctx.reply.ok();
    },
  });
}

function switchPosition(request: Request, i: number): boolean | undefined {
  if (isWord(request, i, "on")) return true;
  return isWord(request, i, "off") ? false : undefined;
}

const noEvict = switchCommand(
  {
    name: "no-evict",
    since: "7.0.0",
    summary: "Exempts the connection from being closed for want of memory",
  },
  ["admin", "noscript", "loading", "stale"],
  ({ client }, isOn) => {
    client.noEvict = isOn;
  },
);

const noTouch = switchCommand(
  { name: "no-touch", since: "7.2.0", summary: "Lets the connection use keys without marking them as used" },
  ["noscript", "loading", "stale"],
  ({ client }, isOn) => {
    client.noTouch = isOn;
  },
);

const help = helpCommand("client", { group: "connection", since: "5.0.0", categories: ["connection"] }, [
  "CACHING (YES|NO)",
  "    Whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
  "GETNAME",
  "    The connection's name.",
  "GETREDIR",
  "    Which client gets the messages of tracking instead of this connection.",
  "ID",
  "    The connection's number.",
  "INFO",
  "    A description of the connection.",
  "KILL <ip:port>",
  "    Close the connection from that address.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Close all connections that match:",
  "    * ID <client-id>",
  "    * ADDR <ip:port>    the peer's address",
  "    * LADDR <ip:port>   the server's address",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "    * USER <username>",
  "    * SKIPME (YES|NO)   whether to spare this connection (default: yes)",
  "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <client-id> [<client-id> ...]]",
  "    Descriptions of all connections, or of the chosen ones.",
  "NO-EVICT (ON|OFF)",
  "    Whether this connection is spared when connections are closed for want of memory.",
  "NO-TOUCH (ON|OFF)",
  "    Whether this connection's commands leave the keys' last use as it was.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Keep clients waiting for so many milliseconds: all, or those that write.",
  "REPLY (ON|OFF|SKIP)",
  "    Whether this connection gets replies; SKIP is for the next command only.",
  "SETINFO (LIB-NAME|LIB-VER) <value>",
  "    Tell the client library and its version.",
  "SETNAME <name>",
  "    Name the connection.",
  "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
  "    Whether this connection is told of changes to the keys it has read.",
  "TRACKINGINFO",
  "    How this connection's keys are tracked.",
  "UNBLOCK <clientid> [TIMEOUT|ERROR]",
  "    End the wait of that connection's blocking command, as if its time were over or with an error.",
  "UNPAUSE",
  "    End a pause.",
]);

export const client = defineCommand({
  name: "client",
  group: "connection",
  since: "2.4.0",
  summary: "Container of commands about connections",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [
    help,
    id,
    noEvict,
    noTouch,
    reply,
    ...listSubcommands,
    ...nameSubcommands,
    ...pauseSubcommands,
    ...trackingSubcommands,
    unblock,
  ],
});
