/**
 * MEMORY's figures, read off a running server.
 */
import type { MemoryAccess, MemoryFigures } from "../commands/services.ts";
import type { ServerInfoSource } from "./info/server-source.ts";
import type { Server } from "./server.ts";

export class MemoryReport implements MemoryAccess {
  private readonly server: Server;
  private readonly source: ServerInfoSource;

  constructor(server: Server, source: ServerInfoSource) {
    this.server = server;
    this.source = source;
  }

  figures(): MemoryFigures {
    const { clients, keyspace } = this.server;
    const { scripting, maxmemoryBytes, ...memory } = this.source.memory();
    return {
      ...memory,
      peakBytes: Math.max(memory.peakBytes, memory.usedBytes),
      limitBytes: maxmemoryBytes,
      clients: clients.size,
      scripts: scripting.scripts,
      scriptBytes: scripting.scriptBytes + scripting.vmUsedBytes,
      functionBytes: scripting.functionBytes + scripting.functionVmUsedBytes,
      databases: keyspace.databases.map(({ index, size, table, timedHashes, volatile }) => ({
        index,
        keys: size,
        mainBytes: table.directoryBytes,
        expiresBytes: volatile.directoryBytes + timedHashes.directoryBytes,
      })),
    };
  }

  allocatorText(): string {
    const { slabs, huge } = this.server.keyspace.entries;
    const lines = slabs
      .classes()
      .map(({ objectBytes, pages, objects }) => `${objectBytes} bytes: ${pages} pages, ${objects} objects`);
    return [
      "Slabs (objects of 16 bytes to 8 KB, pages of 64 KB, slabs of 4 MB)",
      `Taken from the system: ${slabs.reservedBytes} bytes`,
      `Given out: ${slabs.allocatedBytes} bytes`,
      `Larger objects, each a buffer of its own: ${huge.allocatedBytes} bytes`,
      "",
      ...lines,
      "",
    ].join("\n");
  }

  purge(): void {
    const { dispatcher, keyspace } = this.server;
    keyspace.freeRetired(Number.MAX_SAFE_INTEGER);
    dispatcher.reply.shrink();
  }
}
