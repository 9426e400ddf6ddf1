/**
 * What a command handler returns. A number and not void, because a function type that returns void accepts an async
 * function: an await inside a handler would break the atomicity of commands, so it must not compile.
 */
export type Outcome = typeof DONE | typeof SUSPENDED;

/** The reply is in the reply buffer. */
export const DONE = 1;
/** The client waits; its reply comes later, through the continuation it was suspended with. */
export const SUSPENDED = 2;
