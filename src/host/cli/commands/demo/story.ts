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
    /** The soft reset is made; otherwise it is left out, and the story ends badly. */
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
      if (this.#spoke) this.#main("the jump: the next kernel is entered, by PVH");
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
        this.#main(`the toolstack, which is dom0, makes domain ${field("domid")} and lets it run`);
        return;
      case "state":
        if (this.resets.length > 0) return; // once is enough
        if (this.#states++ === 0)
          this.#main("the toolstack pauses the domain, and Xen cleans it. Before and after:");
        if (!UNTOLD.includes(field("name")) && field("before") !== field("after"))
          this.#detail(`${field("name")}: ${field("before")} → ${field("after")}`);
        return;
      case "soft-reset": {
        const result = Number(field("result"));
        if (this.resets.length > 0) this.#main("the toolstack resets it again");
        this.resets.push(result);
        const then =
          result === 0 ? ": new event channels for console and store, and it goes on" : "";
        this.#detail(`XEN_DOMCTL_soft_reset = ${result}${then}`);
        return;
      }
      case "ended":
        this.#main(
          `the toolstack: the domain has shut down, ${REASONS[Number(field("reason"))] ?? `reason ${field("reason")}`}`,
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

  /** Whether it went as the story goes, and in a sentence how it went. */
  verdict(result: BootResult): { good: boolean; text: string } {
    const said = (text: string): boolean => this.lines.some((line) => line.text.startsWith(text));
    if (!this.reset) {
      const stumbled = result.verdict === "exit" && result.guestCode === 1 && said("it STUMBLES");
      return stumbled
        ? { good: false, text: "as it goes without the soft reset: the second kernel stumbled" }
        : { good: false, text: result.message };
    }
    const good =
      result.damage.length === 0 &&
      result.ended?.reason === 3 &&
      result.trap?.kind === "out-of-bounds" &&
      this.resets.join() === "0,0" &&
      said("everything is as new") &&
      said("SCHEDOP_shutdown(SHUTDOWN_crash)");
    return good
      ? {
          good,
          text: "two soft resets, two jumps, and a crash that was meant and found its witness",
        }
      : { good, text: result.message };
  }
}

/** As a terminal shows it. */
export function showLine({ number, text }: StoryLine): string {
  return number === null ? `      ${text}` : `${String(number).padStart(3)}. ${text}`;
}
