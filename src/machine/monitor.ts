/** Reads the serial console of one boot and keeps what it says: no clock, no process, no file. */
import { RecordReader, fieldsOf, type Damage, type GuestRecord, type Item } from "./record.js";
import { readConsoleLine } from "./serial.js";
import type { Stage } from "./stages.js";
import { BANNER, Findings, HANDED_OVER, PANIC, readEnding, type Ending } from "./xen-messages.js";

export interface MonitorEvents {
  onStage?(stage: Stage): void;
  /** Once: nothing that matters comes after it. */
  onEnding?(ending: Ending): void;
  onRecord?(record: GuestRecord): void;
  /** What the guest wrote to its console outside of records. */
  onText?(text: string): void;
  /** A line of Xen's own, or of the firmware. */
  onXenLine?(line: string): void;
}

export interface MonitorOptions extends MonitorEvents {
  nonce: string;
  /** Whether Xen was told to print timestamps (console_timestamps=). */
  timestamps?: boolean;
}

/** The run's guest is Xen's hardware domain: domain 0. */
const GUEST = 0;

export class Monitor {
  readonly records: GuestRecord[] = [];
  readonly damage: Damage[] = [];
  readonly findings = new Findings();
  /** What Xen's banner says: "4.17.7", and Debian's version of it where it is Debian's. */
  banner: { version: string; debian: string | null } | null = null;
  /** Xen has done all it does before a guest runs. */
  handedOver = false;
  ending: Ending | null = null;
  /** Xen's own words for its panic. */
  panic: string | null = null;

  readonly #reader: RecordReader;
  readonly #options: MonitorOptions;
  #panicBegan = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#reader = new RecordReader(options.nonce);
  }

  /** One line of the serial console, without its newline. */
  push(line: string): void {
    const { source, text } = readConsoleLine(line, this.#options.timestamps ?? false);
    if (source === GUEST) for (const item of this.#reader.push(text)) this.#take(item);
    else this.#readXen(text, line);
  }

  /** The console is closed. */
  end(): void {
    for (const item of this.#reader.end()) this.#take(item);
  }

  #take(item: Item): void {
    switch (item.type) {
      case "text":
        this.#options.onText?.(item.text);
        break;
      case "damage":
        this.damage.push(item.damage);
        break;
      case "record": {
        const { record } = item;
        this.records.push(record);
        const stage = stageOf(record);
        if (stage !== null) this.#options.onStage?.(stage);
        this.#options.onRecord?.(record);
      }
    }
  }

  #readXen(text: string, line: string): void {
    this.#options.onXenLine?.(line);
    const banner = BANNER.exec(text)?.groups;
    if (banner !== undefined) {
      this.banner ??= { version: banner["version"] ?? "", debian: banner["debian"] ?? null };
      this.#options.onStage?.("xen");
    }
    if (HANDED_OVER.test(text)) this.handedOver = true;
    this.findings.read(text);

    if (this.#panicBegan && this.panic === null && text !== "") this.panic = text;
    if (PANIC.test(text)) this.#panicBegan = true;
    // The line after the message closes a panic: by then all of it is in the log.
    const panicked = this.panic !== null && /^\*{8,}$/.test(text);
    const ending: Ending | null = panicked ? { how: "panic", reason: null } : readEnding(text);
    if (ending === null || this.ending !== null) return;
    this.ending = ending;
    this.#options.onEnding?.(ending);
  }
}

/** Unsigned records are believed when they tell of trouble, never when they tell of progress. */
function stageOf(record: GuestRecord): Stage | null {
  if (!record.signed) return null;
  if (record.kind === "exit") return "verdict";
  if (record.kind !== "boot") return null;
  const stage = fieldsOf(record)?.get("stage");
  return stage === "entered" || stage === "runtime" ? stage : null;
}
