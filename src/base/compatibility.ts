/**
 * What we say we are compatible with.
 */

/** The version of Redis that HELLO, INFO and files name: clients decide by it what they may use. */
export const REDIS_VERSION = "7.2.4";
