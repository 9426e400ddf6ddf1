/**
 * Which arguments of a request are secrets: passwords, and rules that may hold some. Whoever shows requests to others
 * (SLOWLOG, MONITOR, a log) puts REDACTED in their place.
 */
import type { Request } from "../protocol/request.ts";
import type { CommandSpec } from "./command.ts";
import type { ConfigAccess } from "./services.ts";

export const REDACTED = "(redacted)";

const NONE: readonly number[] = [];

/** The secret arguments of a request of the command; most have none. */
export function secretArguments(
  spec: CommandSpec,
  request: Request,
  config: Pick<ConfigAccess, "isSensitive">,
): readonly number[] {
  return spec.secretsOf?.(request, config) ?? NONE;
}

/** Argument `first` and all behind it. */
export function argumentsFrom(request: Request, first: number): number[] {
  return Array.from({ length: Math.max(0, request.argc - first) }, (_, i) => first + i);
}
