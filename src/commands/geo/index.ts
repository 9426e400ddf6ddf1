/** The commands of the geo group. */
import type { CommandSpec } from "../command.ts";
import { geoadd } from "./add.ts";
import { geodist, geohash, geopos } from "./members.ts";
import {
  georadius,
  georadiusbymember,
  georadiusbymemberRo,
  georadiusRo,
  geosearch,
  geosearchstore,
} from "./search.ts";

export const geoCommands: readonly CommandSpec[] = [
  geoadd,
  geopos,
  geodist,
  geohash,
  geosearch,
  geosearchstore,
  georadius,
  georadiusRo,
  georadiusbymember,
  georadiusbymemberRo,
];
