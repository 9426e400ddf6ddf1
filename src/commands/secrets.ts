/**
 * For declarations that say which arguments of a request are secrets (CommandSpec.secretsOf): passwords, and rules that
 * may hold some. Whoever shows requests to others must leave them out.
 */
import type { Request } from "../protocol/request.ts";

/** Argument `first` and all behind it. */
export function argumentsFrom(request: Request, first: number): number[] {
  return Array.from({ length: Math.max(0, request.argc - first) }, (_, i) => first + i);
}
