// Xen's clock beside the machine's HPET. Xen's is a TSC, whose frequency Xen measured once, and under an emulator the
// TSC is the host's; the HPET counts ns whatever the host is. In a machine that was restored on another host they differ.

import { load32, load64 } from "xenlet/internal/intrinsics";
import { systemTime } from "xenlet/internal/time/time";
import { mapDevicePage } from "./device-page";

// IA-PC HPET specification 1.0a, 2.3: registers of the page that the ACPI table HPET names; QEMU's pc machine has it here.
const HPET_BASE: u64 = 0xfed00000;
/** General capabilities; their high half is the counter's period in fs. */
const HPET_PERIOD: usize = 0x04;
const HPET_CONFIGURATION: usize = 0x10;
const HPET_ENABLED: u64 = 1;
const HPET_COUNTER: usize = 0xf0;
const FS_PER_NS: u64 = 1_000_000;

/** Readings of both clocks at a time: the machine may be kept waiting between two of them. */
const READINGS = 16;

/** What both clocks said at one moment. */
class Reading {
  constructor(
    /** Xen's system time, ns. */
    readonly xen: u64,
    /** The low half of the HPET's counter: it comes round after seconds. */
    readonly counter: u32,
    /** By how much `xen` may be off, ns. */
    readonly error: u64,
  ) {}
}

export class ClockCheck {
  private hpet: usize;
  private start: Reading;

  /** Begins. Costs some ten thousand instructions. */
  constructor() {
    const at = mapDevicePage(HPET_BASE >> 12);
    this.hpet = at != 0 && (load64(at + HPET_CONFIGURATION) & HPET_ENABLED) != 0 ? at : 0;
    this.start = new Reading(0, 0, 0);
    if (this.hpet != 0) this.start = this.read();
  }

  /** Whether there is an HPET to compare with, and it runs. */
  get possible(): bool {
    return this.hpet != 0;
  }

  /**
   * By how much Xen's clock was faster than the HPET since the beginning, in ppm; negative: slower. What the readings
   * cannot tell counts as 0. Within the HPET's 42 s.
   */
  drift(): i64 {
    const end = this.read();
    const period = <u64>load32(this.hpet + HPET_PERIOD);
    const passed = <i64>((<u64>(end.counter - this.start.counter) * period) / FS_PER_NS);
    const ahead = <i64>(end.xen - this.start.xen) - passed;
    const sure = <i64>(this.start.error + end.error);
    if (passed <= 0 || abs(ahead) <= sure) return 0;
    return ((ahead > 0 ? ahead - sure : ahead + sure) * 1_000_000) / passed;
  }

  /** Of several readings the one that took the shortest. */
  private read(): Reading {
    let best = new Reading(0, 0, u64.MAX_VALUE);
    for (let i = 0; i < READINGS; i++) {
      const before = systemTime();
      const counter = load32(this.hpet + HPET_COUNTER);
      const width = systemTime() - before;
      if (width < best.error) best = new Reading(before + width / 2, counter, width);
    }
    return best;
  }
}
