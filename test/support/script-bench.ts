/**
 * A VM for scripts without a server: it has one command, which answers its arguments.
 */
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { Request } from "../../src/protocol/request.ts";
import { Engine } from "../../src/scripting/engine.ts";
import type { ScriptHost } from "../../src/scripting/host.ts";

const MEGABYTE = 1024 * 1024;

export class ScriptBench {
  readonly engine: Engine;
  /** Scripts are suspended whenever the server is asked whether they are to be. */
  isRestless = false;
  /** How often scripts were suspended. */
  suspensions = 0;
  private readonly reply = new ReplyWriter();

  constructor(limitBytes = 64 * MEGABYTE) {
    const { reply } = this;
    const host: ScriptHost = {
      reply,
      call(request) {
        reply.array(request.argc);
        for (let i = 0; i < request.argc; i++) reply.bulk(Buffer.from(request.bytes(i)));
        return undefined;
      },
      setResp() {},
      setPropagation() {},
      mayCall: () => true,
      log() {},
      mustEndLoading: () => false,
      mustSuspend: () => this.isRestless,
    };
    this.engine = new Engine(host, limitBytes, true);
  }

  /** The reply to a script with these arguments, one character per byte. */
  run(script: string, ...args: readonly Buffer[]): string {
    let isSuspended = this.start(script, args);
    while (isSuspended) {
      this.suspensions++;
      isSuspended = this.engine.resume() === "suspended";
    }
    this.engine.finish("sha", 2);
    return this.replyText();
  }

  /** The reply to a script that is ended where it was suspended for the third time. */
  kill(script: string): string {
    let isSuspended = this.start(script, []);
    for (let i = 0; i < 2 && isSuspended; i++) isSuspended = this.engine.resume() === "suspended";
    if (!isSuspended) throw new Error("the script has come to its end");
    this.engine.kill("sha");
    return this.replyText();
  }

  /** The bytes of a bulk reply. */
  bulk(script: string, ...args: readonly Buffer[]): Buffer {
    const reply = this.run(script, ...args);
    if (!reply.startsWith("$")) throw new Error(reply);
    return Buffer.from(reply.slice(reply.indexOf("\n") + 1, -2), "latin1");
  }

  private start(script: string, args: readonly Buffer[]): boolean {
    const compiled = this.engine.compile(Buffer.from(script, "latin1"), 0, "user_script");
    if ("error" in compiled) throw new Error(compiled.error);
    const request = Request.of("EVAL", script, "0", ...args);
    this.reply.reset();
    return this.engine.start(compiled.reference, { request, firstKey: 3, keys: 0 }) === "suspended";
  }

  private replyText(): string {
    return this.reply.buf.toString("latin1", 0, this.reply.end);
  }
}
