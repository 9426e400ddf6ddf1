/**
 * The text of INFO: Redis 7.0's sections, names and order, and a section of our own for the cold tier. Fields that
 * mean nothing here are left out rather than made up.
 */

import type { Field } from "./fields.ts";
import type { InfoSource } from "./info-source.ts";
import { memoryFields } from "./memory-fields.ts";
import { persistenceFields } from "./persistence-fields.ts";
import {
  clientFields,
  clusterFields,
  commandFields,
  cpuFields,
  errorFields,
  keyspaceFields,
  latencyFields,
  replicationFields,
  serverFields,
  statsFields,
  tierFields,
} from "./sections.ts";

interface Section {
  /** Names by which it is asked for. */
  readonly names: readonly string[];
  readonly title: string;
  /** Part of what INFO without arguments reports. */
  readonly isDefault: boolean;
  /** Undefined leaves the section out. */
  readonly fields: (source: InfoSource) => readonly Field[] | undefined;
}

const SECTIONS: readonly Section[] = [
  { names: ["server"], title: "Server", isDefault: true, fields: serverFields },
  { names: ["clients"], title: "Clients", isDefault: true, fields: clientFields },
  { names: ["memory"], title: "Memory", isDefault: true, fields: memoryFields },
  { names: ["persistence"], title: "Persistence", isDefault: true, fields: persistenceFields },
  { names: ["stats"], title: "Stats", isDefault: true, fields: statsFields },
  { names: ["replication"], title: "Replication", isDefault: true, fields: replicationFields },
  { names: ["cpu"], title: "CPU", isDefault: true, fields: cpuFields },
  // Empty, but looked for by clients that ask what modules there are.
  { names: ["modules", "module_list"], title: "Modules", isDefault: true, fields: () => [] },
  { names: ["commandstats"], title: "Commandstats", isDefault: false, fields: commandFields },
  { names: ["errorstats"], title: "Errorstats", isDefault: true, fields: errorFields },
  { names: ["latencystats"], title: "Latencystats", isDefault: false, fields: latencyFields },
  { names: ["cluster"], title: "Cluster", isDefault: true, fields: clusterFields },
  { names: ["tier"], title: "Tier", isDefault: true, fields: tierFields },
  { names: ["keyspace"], title: "Keyspace", isDefault: true, fields: keyspaceFields },
];

/**
 * INFO's reply. `wanted` are names of sections in lower case, "default", "all" or "everything" (the same here);
 * none means the default ones. Sections come in their own order and once each; unknown names are passed over.
 */
export function infoText(source: InfoSource, wanted: readonly string[]): string {
  const isAll = wanted.includes("all") || wanted.includes("everything");
  const isDefault = wanted.length === 0 || wanted.includes("default");
  const parts: string[] = [];
  for (const section of SECTIONS) {
    const isNamed = section.names.some((name) => wanted.includes(name));
    if (!isAll && !isNamed && !(isDefault && section.isDefault)) continue;
    const fields = section.fields(source);
    if (fields === undefined) continue;
    const lines = fields.map(([name, value]) => `${name}:${value}\r\n`);
    parts.push(`# ${section.title}\r\n${lines.join("")}`);
  }
  return parts.join("\r\n");
}
