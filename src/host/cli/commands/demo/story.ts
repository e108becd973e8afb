/**
 * The kexec story of `xenlet demo`, line by line, from the records of one run: the guest's steps, what the toolstack saw
 * Xen clean, and whether it ended as it should. Nothing in it is known beforehand.
 */
import type { BootResult } from "../../../boot/boot.js";
import { fieldsOf, type GuestRecord } from "../../../protocol/record.js";

export interface StoryLine {
  /** Counts the main lines from 1; null for what belongs to the line before. */
  number: number | null;
  text: string;
}

/** What a soft reset is not about: they say that the domain stood still meanwhile. */
const UNTOLD = ["shut down", "shutdown reason", "paused"];

/** SHUTDOWN_*, by number (Xen's public/sched.h). */
const REASONS = ["poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"].map(
  (name) => `SHUTDOWN_${name}`,
);

export class KexecStory {
  readonly lines: StoryLine[] = [];
  /** Results of XEN_DOMCTL_soft_reset. */
  readonly resets: number[] = [];
  #number = 0;
  /** A kernel has spoken: one that says it runs is the next. */
  #spoke = false;
  #states = 0;

  constructor(
    /** Whether the soft reset is made; without it the second kernel has to fail. */
    private readonly reset: boolean,
    private readonly onLine: (line: StoryLine) => void = () => undefined,
  ) {}

  /** A record of the guest's, whichever kernel it is by now. */
  guest(record: GuestRecord): void {
    const { kind, payload } = record;
    const fields = fieldsOf(record);
    if (kind === "step") {
      if (payload.startsWith(" ")) this.#detail(payload.trimStart());
      else this.#main(payload);
    } else if (kind === "boot" && fields?.get("stage") === "runtime") {
      if (this.#spoke) this.#main("jump: the next kernel is entered at its PVH entry point");
    } else if (kind === "trap") {
      const where = fields?.get("address");
      this.#main(`TRAP: ${fields?.get("kind") ?? "?"}${where === undefined ? "" : ` at ${where}`}`);
    }
    this.#spoke = true;
  }

  toolstack(record: GuestRecord): void {
    const fields = record.kind === "domain" ? fieldsOf(record) : null;
    if (fields === null) return;
    const field = (name: string): string => decodeURIComponent(fields.get(name) ?? "?");
    switch (field("event")) {
      case "created":
        this.#main(`toolstack (dom0): creates domain ${field("domid")} and starts it`);
        return;
      case "state":
        if (this.resets.length > 0) return; // once is enough
        if (this.#states++ === 0)
          this.#main("toolstack: pauses the domain; Xen cleans it up. Before and after:");
        if (!UNTOLD.includes(field("name")) && field("before") !== field("after"))
          this.#detail(`${field("name")}: ${field("before")} → ${field("after")}`);
        return;
      case "soft-reset": {
        const result = Number(field("result"));
        if (this.resets.length > 0) this.#main("toolstack: resets it again");
        this.resets.push(result);
        const then = result === 0 ? ": console and store reconnected, domain resumed" : "";
        this.#detail(`XEN_DOMCTL_soft_reset = ${result}${then}`);
        return;
      }
      case "ended":
        this.#main(
          `toolstack: the domain has shut down, ${REASONS[Number(field("reason"))] ?? `reason ${field("reason")}`}`,
        );
        return;
    }
  }

  #main(text: string): void {
    this.#add({ number: ++this.#number, text });
  }

  #detail(text: string): void {
    this.#add({ number: null, text });
  }

  #add(line: StoryLine): void {
    this.lines.push(line);
    this.onLine(line);
  }

  /** `good`: every step of the story was seen. `expected`: it ended as it had to, with the reset or without. */
  verdict(result: BootResult): { good: boolean; expected: boolean; text: string } {
    const said = (text: string): boolean => this.lines.some((line) => line.text.startsWith(text));
    if (!this.reset) {
      const expected = result.verdict === "exit" && result.guestCode === 1 && said("FAILS");
      const text = "as expected without a reset: the second kernel found the first one's state";
      return { good: false, expected, text: expected ? text : result.message };
    }
    const good =
      result.damage.length === 0 &&
      result.ended?.reason === 3 &&
      result.trap?.kind === "out-of-bounds" &&
      this.resets.join() === "0,0" &&
      said("clean domain") &&
      said("SCHEDOP_shutdown(SHUTDOWN_crash)");
    const text = "2 soft resets, 2 jumps, 1 intentional crash captured by the crash kernel";
    return { good, expected: good, text: good ? text : result.message };
  }
}

/** As a terminal shows it. */
export function showLine({ number, text }: StoryLine): string {
  return number === null ? `      ${text}` : `${String(number).padStart(3)}. ${text}`;
}
