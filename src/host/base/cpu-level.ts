/**
 * Levels of x86-64, as its ABI names them (System V ABI, AMD64 supplement, "Micro-Architecture Levels"). The second has
 * SSE4.1, SSSE3 and POPCNT besides what every x86-64 has.
 */
export const CPU_LEVELS = ["x86-64", "x86-64-v2"] as const;
export type CpuLevel = (typeof CPU_LEVELS)[number];
