/** Why data is not loaded. */

/** Data that cannot be loaded. `message` says which, why, and what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}
