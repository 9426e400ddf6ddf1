/**
 * What scripts need of the server, declared here by the consumer.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";

/** What `ScriptHost.call` gives instead of an error if the command has to wait for the disk. */
export const MUST_WAIT = "wait";

export interface ScriptHost {
  /** Where commands of a script answer, and the script itself. */
  readonly reply: ReplyWriter;
  /** Executes a command of the running script: its reply is in `reply`, behind what was there. If the command is
   * refused, the error instead, which the statistics know. With MUST_WAIT nothing was done: the script has to be
   * suspended, and the call made again when it goes on. */
  call(request: Request): string | undefined;
  /** redis.setresp. */
  setResp(version: 2 | 3): void;
  /** redis.set_repl: whether effects go to the append-only file, and to replicas. */
  setPropagation(toLog: boolean, toReplicas: boolean): void;
  /** redis.acl_check_cmd; undefined if there is no such command. */
  mayCall(request: Request): boolean | undefined;
  /** redis.log: 0 is debug, 3 a warning. */
  log(level: number, text: string): void;
  /** Whether a library of functions has taken too long to load. Asked now and then. */
  mustEndLoading(): boolean;
  /** Whether the running script is to be suspended. Asked now and then. */
  mustSuspend(): boolean;
}
