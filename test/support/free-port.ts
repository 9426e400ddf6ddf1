/** Ports for servers that tests and measurements start. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Ports below those that Linux gives to outgoing connections: one of these may take a port between the look whether it
 * is free and the start of the server. */
const FIRST_PORT = 10_240;
const FIRST_EPHEMERAL_PORT = 32_768;

/**
 * A port that is free, and which nobody else takes: no outgoing connection, and no other process that asks here, until
 * this one ends. Two processes that start servers all the time would sooner or later choose the same one.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
    if ((await reserve(port)) && (await canListen(port))) return port;
  }
}

/** UDP has ports of its own: to hold one is in the way of no server, but of others that reserve. */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
