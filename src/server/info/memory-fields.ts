/**
 * INFO's section Memory.
 */
import { type Field, humanBytes, percent, ratio, withHuman } from "./fields.ts";
import type { InfoSource } from "./info-source.ts";

export function memoryFields(source: InfoSource): Field[] {
  const memory = source.memory();
  const { allocatedBytes, slabBytes, usedBytes, residentBytes, overheadBytes, scripting, startupBytes } =
    memory;
  const peakBytes = Math.max(memory.peakBytes, usedBytes);
  const datasetBytes = Math.max(0, usedBytes - overheadBytes);
  return [
    ...withHuman("used_memory", usedBytes),
    ...withHuman("used_memory_rss", residentBytes),
    ...withHuman("used_memory_peak", peakBytes),
    ["used_memory_peak_perc", percent(usedBytes, peakBytes)],
    ["used_memory_overhead", overheadBytes],
    ["used_memory_startup", startupBytes],
    ["used_memory_dataset", datasetBytes],
    ["used_memory_dataset_perc", percent(datasetBytes, Math.max(1, usedBytes - startupBytes))],
    ["allocator_allocated", allocatedBytes],
    ["allocator_active", slabBytes],
    ["allocator_resident", slabBytes],
    ...withHuman("total_system_memory", memory.systemBytes),
    ["used_memory_lua", scripting.vmUsedBytes],
    ["used_memory_vm_eval", scripting.vmUsedBytes],
    ["used_memory_lua_human", humanBytes(scripting.vmUsedBytes)],
    ["used_memory_scripts_eval", scripting.scriptBytes],
    ["number_of_cached_scripts", scripting.scripts],
    ["number_of_functions", scripting.functions],
    ["number_of_libraries", scripting.libraries],
    ["used_memory_vm_functions", scripting.functionVmUsedBytes],
    ...withHuman("used_memory_vm_total", scripting.vmUsedBytes + scripting.functionVmUsedBytes),
    ["used_memory_functions", scripting.functionBytes],
    ...withHuman("used_memory_scripts", scripting.scriptBytes + scripting.functionBytes),
    ...withHuman("maxmemory", memory.maxmemoryBytes),
    ["maxmemory_policy", memory.maxmemoryPolicy],
    ["allocator_frag_ratio", ratio(slabBytes, allocatedBytes)],
    ["allocator_frag_bytes", slabBytes - allocatedBytes],
    ["allocator_rss_ratio", ratio(1, 1)],
    ["allocator_rss_bytes", 0],
    ["rss_overhead_ratio", ratio(residentBytes, slabBytes)],
    ["rss_overhead_bytes", residentBytes - slabBytes],
    ["mem_fragmentation_ratio", ratio(residentBytes, usedBytes)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
    ["mem_not_counted_for_evict", memory.uncountedBytes],
    ["mem_replication_backlog", memory.backlogBytes],
    ["mem_total_replication_buffers", memory.streamBytes],
    ["mem_clients_slaves", memory.replicaBytes],
    ["mem_clients_normal", memory.clientBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", memory.aofBufferBytes],
    ["mem_allocator", "slabs"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", memory.lazyPending],
    ["lazyfreed_objects", memory.lazyFreed],
    ["mem_javascript_heap", memory.heapBytes],
    ["mem_lua_reserved", scripting.vmReservedBytes],
  ];
}
