/**
 * A client of the debugger of scripts: begins a session, gives it commands one after the other, and writes down what
 * it answers.
 */
import { encodeRequest, RawClient } from "./raw-client.ts";

export interface DebugScenario {
  readonly mode?: "yes" | "sync";
  readonly script: string;
  readonly keys?: readonly string[];
  readonly args?: readonly string[];
  /** Words are divided by blanks. Bytes are sent as they are. */
  readonly commands: readonly (string | Buffer)[];
  /** Sent before the session, each with a reply. */
  readonly before?: readonly (readonly string[])[];
}

const END = "+<endsession>\r\n";
/** Functions and other things that have an address. */
const ADDRESS = /@0x[0-9a-f]+/g;

export class DebugClient {
  readonly client: RawClient;
  readonly log: string[] = [];
  isOver = false;

  private constructor(client: RawClient) {
    this.client = client;
  }

  static async connect(port: number): Promise<DebugClient> {
    return new DebugClient(await RawClient.connect(port));
  }

  /** Begins a session; resolves to what it says first. */
  async begin({ mode = "sync", script, keys = [], args = [], before = [] }: DebugScenario): Promise<string> {
    for (const request of before) await this.client.run(...request);
    const reply = await this.client.text("SCRIPT", "DEBUG", mode);
    if (reply !== "+OK\r\n") throw new Error(`SCRIPT DEBUG: ${reply}`);
    this.client.write(encodeRequest(["EVAL", script, keys.length, ...keys, ...args]));
    return this.next();
  }

  /** Gives a command; resolves to the answer. */
  async command(command: string | Buffer): Promise<string> {
    this.client.write(typeof command === "string" ? encodeRequest(command.split(" ")) : command);
    return this.next();
  }

  /** What the session says next; with its end, all that comes until the connection is closed. */
  async next(): Promise<string> {
    const [reply] = await this.client.readReplies(1);
    let text = reply.toString("latin1");
    if (text.endsWith(END)) {
      this.isOver = true;
      text += (await this.client.readToEnd()).toString("latin1");
    }
    this.log.push(text.replaceAll(ADDRESS, "@address"));
    return text;
  }
}

/** Begins a session whose script stops at its first line. */
export async function startDebugging(port: number, scenario: DebugScenario): Promise<DebugClient> {
  const session = await DebugClient.connect(port);
  const first = await session.begin(scenario);
  if (!first.includes("* Stopped at 1,")) throw new Error(`no session: ${first}`);
  return session;
}

/** All that a session says. */
export async function debugTranscript(port: number, scenario: DebugScenario): Promise<readonly string[]> {
  const session = await DebugClient.connect(port);
  try {
    await session.begin(scenario);
    for (const command of scenario.commands) {
      if (session.isOver) break;
      await session.command(command);
    }
    if (!session.isOver) {
      session.client.endSending();
      while (!session.isOver) await session.next();
    }
    return session.log;
  } finally {
    session.client.close();
  }
}
