/**
 * Goal: real damage is refused at the start with a message that names it, never served as if it were whole, and the
 * attempt makes nothing worse: once the damage is undone, the server starts with all data.
 * Method: a directory with a base, a cold tier and a log on the simulated disk; each kind of damage; a start.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { startServer } from "../../src/server/start.ts";
import { StoredFolder } from "../support/simulated-tables.ts";
import { examine } from "./examiner.ts";
import { Model } from "./model.ts";
import { ObservedServer } from "./observed-server.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { configOf, FOLDER, SimulatedWorld } from "./simulated-world.ts";

const DATABASES = 2;
const MAX_ROUNDS = 30;
const KEYS = 60;
const AOF_FOLDER = `${FOLDER}/appendonlydir`;
const TIER_FOLDER = `${FOLDER}/cold-tier`;

interface Running {
  readonly observed: ObservedServer;
  readonly client: SimulatedClient;
}

/** A world with data, whose server has been killed. */
class Scene {
  readonly random = new SeededRandom(7);
  readonly world = new SimulatedWorld(7, this.random);
  /** The tier as it was before the last rewrite. */
  olderTier = new StoredFolder();

  async start(): Promise<Running> {
    const { world } = this;
    // The tables alone take 27 KB of it: most of the data will be cold.
    const config = configOf({ databases: String(DATABASES), appendfsync: "always", maxmemory: "32kb" });
    const server = await startServer(world.ofProcess(), config);
    server.budget.measureOverhead = () => {};
    const onFault = (text: string): never => {
      throw new Error(text);
    };
    const parts = { server, model: new Model(DATABASES), history: [], isAlive: () => true, onFault };
    const observed = new ObservedServer(parts);
    const client = new SimulatedClient({
      random: this.random,
      isAlive: () => true,
      onReply: () => {},
      onFault,
    });
    observed.connect(client);
    return { observed, client };
  }

  /** Writes data, twice rewrites the log, writes some more, and dies. Returns all that was written. */
  async fill(): Promise<Model> {
    const { observed, client } = await this.start();
    const { server } = observed;
    const expected = new Model(DATABASES);
    observed.begin(expected);
    // In the last round until there are some batches that only LevelDB's log holds.
    const isEnough = (round: number) => round > 3 && this.world.store.loggedBatches(TIER_FOLDER).length > 2;
    for (let round = 1; !isEnough(round); round++) {
      if (round > MAX_ROUNDS) throw new Error("nothing is spilled: is maxmemory too small for the tables?");
      for (let i = 0; i < KEYS; i++) {
        await client.ask("SET", `key:${i}`, `${round}:${this.random.bytes(150).toString("latin1")}`);
        await client.ask("INCR", `counter:${i % 7}`);
        server.cron.run();
      }
      if (round >= 3) continue;
      this.olderTier = this.world.store.copy(TIER_FOLDER);
      await client.ask("BGREWRITEAOF");
      await server.aof.idle();
    }
    expect(server.keyspace.databases[0].coldSize).toBeGreaterThan(0);
    this.world.kill();
    return expected;
  }

  /** The message with which the server refuses to start. */
  async refusal(): Promise<string> {
    const message = await this.start().then(
      () => "",
      (error: Error) => error.message,
    );
    this.world.kill();
    return message;
  }

  aofFile(pattern: RegExp): string {
    const paths = [...this.world.disk.contents().keys()].filter((path) => pattern.test(path));
    expect(paths).toHaveLength(1);
    return paths[0];
  }

  contentOf(path: string): Buffer {
    return this.world.disk.contents().get(path)!;
  }

  /** Files of the append-only directory. */
  aofFiles(): [string, string][] {
    const all = [...this.world.disk.contents()].filter(([path]) => path.startsWith(AOF_FOLDER));
    return all.map(([path, bytes]) => [path, bytes.toString("latin1")]);
  }

  async data(): Promise<Model> {
    const { client } = await this.start();
    return examine(client, DATABASES, this.random);
  }
}

const BASE = /\.base\.rdb$/;
const INCR = /\.incr\.aof$/;
const MANIFEST = /\/appendonly\.aof\.manifest$/;

/** Changes a file; returns how to undo it. */
function change(scene: Scene, pattern: RegExp, edit: (bytes: Buffer) => Buffer): () => void {
  const path = scene.aofFile(pattern);
  const before = scene.contentOf(path);
  scene.world.disk.place(path, edit(Buffer.from(before)));
  return () => scene.world.disk.place(path, before);
}

/** Flips one bit; not in filling behind a log's last block, where it means nothing. */
function flip(scene: Scene, pattern: RegExp, share: number): () => void {
  return change(scene, pattern, (bytes) => {
    const lastBlock = bytes.lastIndexOf("#BLOCK");
    bytes[Math.floor((lastBlock === -1 ? bytes.length : lastBlock) * share)] ^= 0x10;
    return bytes;
  });
}

interface Damage {
  readonly what: string;
  readonly message: RegExp;
  /** Returns how to undo it. */
  readonly make: (scene: Scene) => (() => void) | Promise<() => void>;
}

const DAMAGES: readonly Damage[] = [
  {
    what: "the cold tier is lost",
    message: /cold tier.*(missing|there is none).*backup/is,
    make({ world: { store } }) {
      const copy = store.copy(TIER_FOLDER);
      store.lose(TIER_FOLDER);
      return () => store.rollBack(TIER_FOLDER, copy);
    },
  },
  {
    what: "the cold tier is an older one",
    message: /cold tier .* cannot be used.*backup/is,
    make({ olderTier, world: { store } }) {
      const copy = store.copy(TIER_FOLDER);
      store.rollBack(TIER_FOLDER, olderTier);
      return () => store.rollBack(TIER_FOLDER, copy);
    },
  },
  {
    what: "LevelDB passed over a batch in the middle",
    message: /cold tier .* cannot be used.*backup/is,
    make({ world: { store } }) {
      const copy = store.copy(TIER_FOLDER);
      const batches = store.loggedBatches(TIER_FOLDER);
      expect(batches.length).toBeGreaterThan(2);
      store.dropBatch(TIER_FOLDER, batches[batches.length - 2]);
      return () => store.rollBack(TIER_FOLDER, copy);
    },
  },
  {
    what: "a file of the log is lost",
    message: /names the AOF file .*\.incr\.aof but it doesn't exist/,
    async make(scene) {
      const path = scene.aofFile(INCR);
      const before = scene.contentOf(path);
      await scene.world.disk.unlink(path);
      return () => scene.world.disk.place(path, before);
    },
  },
  {
    what: "a bit flipped early in the log",
    message: /\.incr\.aof at offset \d+.*tsredis-check-aof --salvage/s,
    make: (scene) => flip(scene, INCR, 0.3),
  },
  {
    what: "a sector in the middle of the log became zeros",
    message: /\.incr\.aof at offset \d+.*tsredis-check-aof --salvage/s,
    make: (scene) => change(scene, INCR, (bytes) => bytes.fill(0, 2048, 2560)),
  },
  {
    what: "a bit flipped in the base file",
    message: /\.base\.rdb/,
    make: (scene) => flip(scene, BASE, 0.8),
  },
  {
    what: "the base file ends too early",
    message: /\.base\.rdb/,
    make: (scene) => change(scene, BASE, (bytes) => bytes.subarray(0, bytes.length - 20)),
  },
  {
    what: "a manifest that is not one",
    message: /manifest/i,
    make: (scene) => change(scene, MANIFEST, () => Buffer.from("file appendonly.aof.1.base.rdb seq\n")),
  },
  {
    what: "a manifest that names a file which is not there",
    message: /appendonly\.aof\.99\.incr\.aof.*doesn't exist/,
    make: (scene) =>
      change(scene, MANIFEST, (bytes) =>
        Buffer.concat([bytes, Buffer.from("file appendonly.aof.99.incr.aof seq 99 type i\n")]),
      ),
  },
];

describe("a damaged directory", () => {
  it.each(DAMAGES)("is refused: $what", async ({ make, message }) => {
    const scene = new Scene();
    const expected = await scene.fill();
    const repair = await make(scene);
    const before = scene.aofFiles();
    expect(await scene.refusal()).toMatch(message);
    // A second attempt fares no better.
    expect(await scene.refusal()).toMatch(message);
    expect(scene.aofFiles()).toEqual(before);
    repair();
    expect((await scene.data()).difference(expected)).toBeUndefined();
  });

  it("is whole without damage", async () => {
    const scene = new Scene();
    const expected = await scene.fill();
    expect((await scene.data()).difference(expected)).toBeUndefined();
  });
});
