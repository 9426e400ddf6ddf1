/**
 * Secrets in requests: what the slow log and MONITOR show in their place.
 */
import type { ServerServices } from "../../commands/services.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { Request } from "../../protocol/request.ts";

export const REDACTED = Buffer.from("(redacted)");

const NONE: readonly number[] = [];

/** Positions of the arguments that must not be seen. */
export function secretsOf(
  command: CompiledCommand,
  request: Request,
  server: ServerServices,
): readonly number[] {
  return command.spec.secretsOf?.(request, server) ?? NONE;
}

export function isShown(argument: number, secrets: readonly number[]): boolean {
  return secrets.length === 0 || !secrets.includes(argument);
}
