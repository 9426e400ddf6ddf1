/**
 * A harness with all commands, and services as of a server that was just started.
 */
import { commandSpecs } from "../../../src/commands/all.ts";
import type { ServerServices } from "../../../src/commands/services.ts";
import { CommandHarness, type HarnessOptions } from "../../support/command-harness.ts";

export function newServerHarness(options: Partial<HarnessOptions> = {}): CommandHarness {
  const services: Partial<ServerServices> = {
    info: () => "",
    abortShutdown: () => false,
    ...options.services,
  };
  return new CommandHarness({ commands: commandSpecs, ...options, services });
}
