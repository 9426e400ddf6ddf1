/**
 * A client as CLIENT LIST and CLIENT INFO show it: one line of `field=value`, the fields and their order those of
 * Redis 7.0, then lib-name and lib-ver of 7.2. What a client here never has (a static reply buffer) is shown as Redis
 * shows a client without it.
 */
import type { Client } from "../client.ts";

/**
 * The line, without a newline, one character per byte.
 * @param argumentBytes arguments of the command that the client just executes: nothing is kept of them afterwards
 */
export function clientLine(client: Client, nowMs: number, argumentBytes = 0): string {
  const nowSeconds = seconds(nowMs);
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["fd", client.fileDescriptor],
    ["name", client.name],
    ["age", nowSeconds - seconds(client.createdMs)],
    ["idle", nowSeconds - seconds(client.lastActiveMs)],
    ["flags", flagLetters(client)],
    ["db", client.dbIndex],
    ["sub", client.subscribedChannels],
    ["psub", client.subscribedPatterns],
    ["ssub", client.subscribedShardChannels],
    ["multi", client.queuedCommands],
    ["qbuf", client.queryBufferBytes],
    ["qbuf-free", client.queryBufferFreeBytes],
    ["argv-mem", argumentBytes],
    ["multi-mem", client.queuedBytes],
    ["rbs", 0],
    ["rbp", 0],
    ["obl", 0],
    ["oll", client.outputListLength],
    ["omem", client.outputBufferBytes],
    ["tot-mem", client.memoryBytes + argumentBytes],
    ["events", client.outputBufferBytes > 0 ? "rw" : "r"],
    ["cmd", client.lastCommand === "" ? "NULL" : client.lastCommand],
    ["user", client.user?.name ?? "(superuser)"],
    ["redir", client.tracking?.redirect ?? -1],
    ["resp", client.resp],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

function flagLetters(client: Client): string {
  let letters = "";
  if (client.isReplica) letters += "S";
  if (client.isMonitor) letters += "O";
  if (client.isSubscribed) letters += "P";
  if (client.queuedCommands >= 0) letters += "x";
  if (client.isBlocked) letters += "b";
  if (client.tracking !== undefined) letters += "t";
  if (client.tracking?.isRedirectBroken === true) letters += "R";
  if (client.tracking?.isBroadcast === true) letters += "B";
  if (client.hasLostWatch) letters += "d";
  if (client.isClosing) letters += "c";
  // Only clients of a unix socket have port 0.
  if (client.address.endsWith(":0")) letters += "U";
  if (client.noEvict) letters += "e";
  if (client.noTouch) letters += "T";
  return letters === "" ? "N" : letters;
}

/** Redis's clock for ages has whole seconds. */
function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
