/**
 * Requests of web browsers. A page that somebody visits can have his browser send a request to a server in his own
 * network, with commands in its body; the lines before those are taken for inline commands. So, as in Redis, a client
 * that begins one with `POST` or `Host:` is closed at once.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";

const FIRST_WORDS = /^(?:post|host:)$/i;
const LONGEST_WORD_BYTES = 5;
/** The log is told of one, and then not again for so long. */
const QUIET_MS = 60_000;

export class WebRequests {
  private quietUntilMs = Number.NEGATIVE_INFINITY;
  private readonly clock: Clock;
  private readonly log: Log;

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** Closes the connection if a request that names no command is a browser's; says whether it is. */
  closes(connection: Connection, request: Request): boolean {
    if (request.len[0] > LONGEST_WORD_BYTES || !FIRST_WORDS.test(request.text(0))) return false;
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.quietUntilMs) {
      this.quietUntilMs = nowMs + QUIET_MS;
      this.log.warning(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands. This is likely" +
          " due to an attacker attempting to use Cross Protocol Scripting to reach this server. Connection aborted:" +
          ` id=${connection.id} addr=${connection.address}`,
      );
    }
    connection.close();
    return true;
  }
}
