/**
 * The kexec story of `xenlet demo`, line by line, from the records of one run: the guest's steps, what the toolstack saw
 * Xen clean, and whether it ended as it should. Nothing in it is known beforehand.
 */
import type { BootResult } from "../../../boot/boot.js";
import { fieldsOf, type GuestRecord } from "../../../protocol/record.js";
import { isPart, StateFollower, type DomainState } from "./domain-state.js";

/** Whose doing a line is: `xen` is what Xen answered, or changed. */
export type Lane = "guest" | "toolstack" | "xen";

export interface StoryLine {
  /** Counts the main lines from 1; null for what belongs to the line before. */
  number: number | null;
  text: string;
  lane: Lane;
  /** Since the story's first line, by the host's clock. */
  atMs: number;
  /** What is known of the domain once the line has happened. */
  state: DomainState;
}

/** A line that gives Xen's answer to a hypercall. */
const ANSWER = /^(?:(?:XEN_)?[A-Z]+(?:OP|CTL)|XENMEM)_\w+/;

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
  readonly #domain = new StateFollower();
  #number = 0;
  #began: number | null = null;
  /** The kernel that runs, in its own words. */
  #kernel = "guest";
  /** A kernel has spoken: one that says it runs is the next. */
  #spoke = false;
  #states = 0;

  constructor(
    /** Whether the soft reset is made; without it the second kernel has to fail. */
    readonly reset: boolean,
    private readonly onLine: (line: StoryLine) => void = () => undefined,
  ) {}

  /** A record of the guest's, whichever kernel it is by now. */
  guest(record: GuestRecord): void {
    const { kind, payload } = record;
    const fields = fieldsOf(record);
    if (kind === "step") {
      if (payload.startsWith(" ")) this.#guestDetail(payload.trimStart());
      else {
        this.#kernel = /^(\w+ kernel):/.exec(payload)?.[1] ?? this.#kernel;
        this.#main("guest", payload);
      }
    } else if (kind === "boot" && fields?.get("stage") === "runtime") {
      if (this.#spoke)
        this.#main("guest", "jump: the next kernel is entered at its PVH entry point");
    } else if (kind === "trap") {
      const where = fields?.get("address");
      const at = where === undefined ? "" : ` at ${where}`;
      this.#main("guest", `TRAP: ${fields?.get("kind") ?? "?"}${at}`);
    }
    this.#spoke = true;
  }

  toolstack(record: GuestRecord): void {
    const fields = record.kind === "domain" ? fieldsOf(record) : null;
    if (fields === null) return;
    const field = (name: string): string => decodeURIComponent(fields.get(name) ?? "?");
    switch (field("event")) {
      case "created":
        this.#domain.created();
        this.#main("toolstack", `toolstack (dom0): creates domain ${field("domid")} and starts it`);
        return;
      case "state":
        this.#state(field, fields);
        return;
      case "soft-reset": {
        const result = Number(field("result"));
        if (this.resets.length > 0) this.#main("toolstack", "toolstack: resets it again");
        this.resets.push(result);
        if (result === 0) this.#domain.wasReset();
        const then = result === 0 ? ": console and store reconnected, domain resumed" : "";
        this.#detail("xen", `XEN_DOMCTL_soft_reset = ${result}${then}`);
        return;
      }
      case "ended": {
        const reason = REASONS[Number(field("reason"))] ?? `reason ${field("reason")}`;
        this.#main("toolstack", `toolstack: the domain has shut down, ${reason}`);
        return;
      }
    }
  }

  /** What Xen has of the domain: at a point of its life, or before and after its soft reset. */
  #state(field: (name: string) => string, fields: ReadonlyMap<string, string>): void {
    const name = field("name");
    const now = fields.has("when") ? field("now") : field("after");
    const told = (value: string): void => {
      if (isPart(name)) this.#domain.told(name, value);
    };
    if (fields.has("when") || this.resets.length > 0) {
      told(now);
      const last = this.lines.at(-1);
      // It follows the line that it belongs to; what is reported later precedes its line, and a reset is shown in full once.
      if (field("when") === "created" && last !== undefined) last.state = this.#domain.state;
      return;
    }
    told(field("before"));
    if (this.#states++ === 0)
      this.#main("toolstack", "toolstack: pauses the domain; Xen cleans it up. Before and after:");
    told(now);
    if (!UNTOLD.includes(name) && field("before") !== now)
      this.#detail("xen", `${name}: ${field("before")} → ${now}`);
  }

  #guestDetail(text: string): void {
    this.#domain.answered(text, this.#kernel);
    this.#detail(ANSWER.test(text) ? "xen" : "guest", text);
  }

  #main(lane: Lane, text: string): void {
    this.#add(++this.#number, lane, text);
  }

  #detail(lane: Lane, text: string): void {
    this.#add(null, lane, text);
  }

  #add(number: number | null, lane: Lane, text: string): void {
    const now = performance.now();
    this.#began ??= now;
    const line = { number, text, lane, atMs: now - this.#began, state: this.#domain.state };
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
export function showLine({ number, text }: Pick<StoryLine, "number" | "text">): string {
  return number === null ? `      ${text}` : `${String(number).padStart(3)}. ${text}`;
}
