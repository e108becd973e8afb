// The CPU itself: its time stamp counter and its interrupt flag.

export { interrupts_off, interrupts_on, rdtsc } from "../internal/intrinsics";
