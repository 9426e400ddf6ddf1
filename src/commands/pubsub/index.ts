/**
 * The commands of publish and subscribe.
 */
import type { CommandSpec } from "../command.ts";
import { publish, spublish } from "./publishing.ts";
import { pubsub } from "./pubsub.ts";
import { subscribingCommands } from "./subscribing.ts";

export const pubsubCommands: readonly CommandSpec[] = [publish, pubsub, spublish, ...subscribingCommands];
