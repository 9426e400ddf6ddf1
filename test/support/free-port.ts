/** Ports for servers that tests and measurements start. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Ports below those that Linux gives to outgoing connections: one of these may take a port between the look whether it
 * is free and the start of the server. */
const FIRST_PORT = 10_240;
const FIRST_EPHEMERAL_PORT = 32_768;

/** A port that is free, and which no outgoing connection takes. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
