/**
 * The commands of a connection.
 */
import type { CommandSpec } from "../command.ts";
import { auth, hello } from "./authentication.ts";
import { echo, ping, quit, reset, select } from "./basics.ts";
import { client } from "./client.ts";

export const connectionCommands: readonly CommandSpec[] = [
  auth,
  client,
  echo,
  hello,
  ping,
  quit,
  reset,
  select,
];
