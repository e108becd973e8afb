// What the loader handed over, as it did: struct hvm_start_info's own parts, and the memory map.

export { boot_data } from "../internal/intrinsics";
export { BootData } from "../internal/start/start-info";
export { MemoryMap, MemoryMapEntry } from "../internal/kexec/memory-map";
