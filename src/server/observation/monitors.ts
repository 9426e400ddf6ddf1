/**
 * Clients that watch all commands (MONITOR). Each line is made once, whatever their number, and leaves at the end of
 * the turn, behind the replies of the turn.
 */
import { REDACTED, secretArguments } from "../../commands/secrets.ts";
import type { ServerServices } from "../../commands/services.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import { quote } from "../../protocol/quoting.ts";
import type { Request } from "../../protocol/request.ts";
import type { Connection } from "../connection.ts";
import type { Outbox } from "../outbox.ts";

const MICROSECONDS = 1e6;
const MICROSECOND_DIGITS = 6;

export interface MonitorsParts {
  readonly clock: { microseconds(): number };
  readonly services: ServerServices;
  readonly outbox: Outbox;
  readonly scheduleTurnEnd: () => void;
}

export class Monitors {
  private readonly parts: MonitorsParts;
  private readonly connections = new Set<Connection>();
  /** Lines that have not left yet, and where in them each of the monitors that came since begins. */
  private lines: string[] = [];
  private readonly firstLines = new Map<Connection, number>();

  constructor(parts: MonitorsParts) {
    this.parts = parts;
  }

  get isEmpty(): boolean {
    return this.connections.size === 0;
  }

  /** From the next command on. */
  add(connection: Connection): void {
    this.connections.add(connection);
    this.firstLines.set(connection, this.lines.length);
  }

  remove(connection: Connection): void {
    this.connections.delete(connection);
    this.firstLines.delete(connection);
    if (this.isEmpty) this.lines = [];
  }

  /** A command was executed (or, if it runs scripts, is about to be). */
  show(command: CompiledCommand, request: Request, client: Connection): void {
    const { clock, services, scheduleTurnEnd } = this.parts;
    const nowMicroseconds = clock.microseconds();
    const seconds = Math.floor(nowMicroseconds / MICROSECONDS);
    const rest = String(nowMicroseconds % MICROSECONDS).padStart(MICROSECOND_DIGITS, "0");
    const who = client.isInScript ? "lua" : shownAddress(client.address);
    const words = wordsOf(command, request, services).join(" ");
    this.lines.push(`+${seconds}.${rest} [${client.dbIndex} ${who}] ${words}\r\n`);
    scheduleTurnEnd();
  }

  /** Queues what was shown since the last call. Only between the runs of connections. */
  flush(): void {
    const { lines } = this;
    if (lines.length === 0) return;
    const { outbox } = this.parts;
    this.lines = [];
    const writer = outbox.pushWriter(2);
    // Where the lines begin: a monitor that was added among them is shown the rest.
    const starts = lines.map((line) => {
      const start = writer.end;
      writer.raw(Buffer.from(line, "latin1"));
      return start;
    });
    for (const connection of this.connections) {
      const first = this.firstLines.get(connection) ?? 0;
      if (first < lines.length) outbox.push(connection, writer.buf, starts[first], writer.end);
    }
    this.firstLines.clear();
  }
}

/** Only clients of a unix socket have port 0. */
function shownAddress(address: string): string {
  return address.endsWith(":0") ? `unix:${address.slice(0, -2)}` : address;
}

function wordsOf(command: CompiledCommand, request: Request, services: ServerServices): string[] {
  const secrets = secretArguments(command.spec, request, services.config);
  return Array.from({ length: request.argc }, (_, i) =>
    quote(secrets.includes(i) ? REDACTED : request.text(i)),
  );
}
