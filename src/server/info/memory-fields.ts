/**
 * INFO's section Memory.
 */
import { type Field, humanBytes, percent, ratio, withHuman } from "./fields.ts";
import type { InfoSource } from "./info-source.ts";

export function memoryFields(source: InfoSource): Field[] {
  const memory = source.memory();
  const { usedBytes, residentBytes, overheadBytes, scripting, startupBytes } = memory;
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
    ["allocator_allocated", usedBytes],
    ["allocator_resident", memory.slabBytes],
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
    ["mem_fragmentation_ratio", ratio(residentBytes, usedBytes)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
    ["mem_clients_normal", memory.clientBytes],
    ["mem_aof_buffer", memory.aofBufferBytes],
    ["mem_allocator", "slabs"],
    ["mem_javascript_heap", memory.heapBytes],
    ["mem_lua_reserved", scripting.vmReservedBytes],
  ];
}
