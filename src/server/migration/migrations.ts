/**
 * MIGRATE for commands: begins migrations, holds their keys, keeps connections to targets.
 */
import type { MigrationAccess, MigrationOrder, MigrationResult } from "../../commands/services.ts";
import type { Server } from "../server.ts";
import { HeldKeys } from "./held-keys.ts";
import { Migration } from "./migration.ts";
import { Targets } from "./targets.ts";

export class Migrations implements MigrationAccess {
  readonly heldKeys: HeldKeys;
  readonly targets: Targets;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    this.heldKeys = new HeldKeys(server.keyspace, () => server.propagation.commandEffects);
    this.targets = new Targets(server.world.clock, server.world.random);
  }

  async migrate(dbIndex: number, order: MigrationOrder): Promise<MigrationResult> {
    const hold = this.heldKeys.hold(dbIndex, order.keys);
    try {
      return await new Migration(this.server, this.targets, hold, dbIndex, order).run();
    } finally {
      hold.release(order.keys);
    }
  }
}
