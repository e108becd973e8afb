/** Reads the serial console of one boot and keeps what it says: no clock, no process, no file. */
import {
  RecordReader,
  fieldsOf,
  type Damage,
  type GuestRecord,
  type Item,
} from "../protocol/record.js";
import { readConsoleLine } from "../protocol/serial.js";
import { PrintedVerdict, type Expectation } from "./expectation.js";
import { STAGES, type Stage } from "./stages.js";
import {
  BANNER,
  Findings,
  HANDED_OVER,
  LastDump,
  PANIC,
  endingOfDomain,
  readEnding,
  type Ending,
} from "./xen-messages.js";

export interface MonitorEvents {
  /** Each once, in their order. */
  onStage?(stage: Stage): void;
  /** Nothing that matters comes after it. */
  onEnding?(ending: Ending): void;
  onRecord?(record: GuestRecord): void;
  /** What the guest wrote to its console outside of records. */
  onText?(text: string): void;
  /** What the toolstack reports: of domains that it makes, and its own failure. */
  onToolstackRecord?(record: GuestRecord): void;
  /** The guest has printed what was expected, and no more is. */
  onExpected?(): void;
  /** A line of Xen's own, or of the firmware. */
  onXenLine?(line: string): void;
}

export interface MonitorOptions extends MonitorEvents {
  /** What the guest's user expects of it. */
  expected?: Expectation;
  nonce: string;
  /** Of the toolstack that makes the guest's domain; without one the guest is domain 0. */
  toolstackNonce?: string;
  /** Whether Xen was told to print timestamps (console_timestamps=). */
  timestamps?: boolean;
}

/** A guest that never ends its line must not eat our memory: what is longer is passed on in pieces. */
const MAX_CONSOLE_LINE = 1 << 20;

/** Xen's hardware domain: the guest, or the toolstack that makes the guest's domain. */
const HARDWARE_DOMAIN = 0;

export class Monitor {
  readonly records: GuestRecord[] = [];
  readonly damage: Damage[] = [];
  readonly findings = new Findings();
  /** What Xen's banner says: "4.17.7", and Debian's version of it where it is Debian's. */
  banner: { version: string; debian: string | null } | null = null;
  /** Xen has done all it does before a guest runs. */
  handedOver = false;
  /** How the guest's domain ended. */
  ending: Ending | null = null;
  /** How Xen says that the toolstack ended. It ends the machine once it has said how the guest's domain did; on its own it has failed. */
  toolstackEnding: Ending | null = null;
  /** Xen's own words for its panic. */
  panic: string | null = null;
  /** The function of Xen's that panicked, if Xen dumped its registers before. */
  panicIn: string | null = null;

  /** What the toolstack reported; empty where the guest is domain 0. */
  readonly toolstackRecords: GuestRecord[] = [];

  /** Whether a toolstack makes the guest's domain. */
  get hasToolstack(): boolean {
    return this.#toolstack !== null;
  }

  /** What the guest printed, as far as a verdict hangs on it. */
  readonly printed: PrintedVerdict;

  readonly #reader: RecordReader;
  readonly #toolstack: RecordReader | null;
  readonly #options: MonitorOptions;
  /** Of the guest's console: the parts of an unfinished line. */
  #consoleLine = "";
  #panicBegan = false;
  readonly #lastDump = new LastDump();
  #stage: Stage | null = null;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.printed = new PrintedVerdict(options.expected ?? null);
    this.#reader = new RecordReader(options.nonce);
    this.#toolstack =
      options.toolstackNonce === undefined ? null : new RecordReader(options.toolstackNonce);
  }

  /** One line of the serial console, without its newline. */
  push(line: string): void {
    const { source, text } = readConsoleLine(line, this.#options.timestamps ?? false);
    if (source === null && this.#toolstack === null && this.handedOver)
      this.#pushGuest(text); // domain 0's console_io: Xen puts nothing before it
    else if (typeof source !== "number") this.#readXen(text, line);
    else if (this.#toolstack === null) {
      if (source === HARDWARE_DOMAIN) this.#pushGuest(text);
      else this.#readXen(text, line);
    } else if (source !== HARDWARE_DOMAIN || this.#isRelayed(text)) this.#pushGuest(text);
    else for (const item of this.#toolstack.push(text)) this.#takeToolstacks(item);
  }

  #pushGuest(text: string): void {
    for (const item of this.#reader.push(text)) this.#take(item);
  }

  /** The toolstack passes on the records that came by the guest's console as they are. Its own have its nonce, or none yet. */
  #isRelayed(text: string): boolean {
    const nonce = /^~x1 (\S+) /.exec(text)?.[1];
    return nonce !== undefined && nonce !== "-" && nonce !== this.#options.toolstackNonce;
  }

  /** What else came by the guest's console, in parts if the line was long. */
  #takeConsole(record: GuestRecord): void {
    const fields = fieldsOf(record);
    this.#consoleLine += fields?.get("text") ?? "";
    if (fields?.get("more") === "1" && this.#consoleLine.length < MAX_CONSOLE_LINE) return;
    const line = this.#consoleLine;
    this.#consoleLine = "";
    this.#pushGuest(line);
  }

  /** The console is closed. */
  end(): void {
    for (const item of this.#toolstack?.end() ?? []) this.#takeToolstacks(item);
    if (this.#consoleLine !== "") this.#pushGuest(this.#consoleLine);
    for (const item of this.#reader.end()) this.#take(item);
  }

  #takeToolstacks(item: Item): void {
    switch (item.type) {
      case "text":
        this.#options.onXenLine?.(item.text);
        break;
      case "damage":
        this.damage.push(item.damage);
        break;
      case "record": {
        const { record } = item;
        this.toolstackRecords.push(record);
        if (record.kind === "console") this.#takeConsole(record);
        const stage = stageOfToolstack(record);
        if (stage !== null) this.#reach(stage);
        this.#options.onToolstackRecord?.(record);
        const ending = readDomainEnding(record);
        if (ending !== null) this.#end(ending);
      }
    }
  }

  /** Stages only go forward: a kernel that another one jumped into does not count as one. */
  #reach(stage: Stage): void {
    if (this.#stage !== null && STAGES.indexOf(stage) <= STAGES.indexOf(this.#stage)) return;
    this.#stage = stage;
    this.#options.onStage?.(stage);
  }

  #end(ending: Ending): void {
    if (this.ending !== null) return;
    this.ending = ending;
    this.#options.onEnding?.(ending);
  }

  #take(item: Item): void {
    switch (item.type) {
      case "text":
        this.#options.onText?.(item.text);
        if (this.printed.read(item.text)) this.#options.onExpected?.();
        break;
      case "damage":
        this.damage.push(item.damage);
        break;
      case "record": {
        const { record } = item;
        this.records.push(record);
        if (this.printed.take(record)) this.#options.onExpected?.();
        for (const stage of stagesOf(record)) this.#reach(stage);
        this.#options.onRecord?.(record);
      }
    }
  }

  #readXen(text: string, line: string): void {
    this.#options.onXenLine?.(line);
    const banner = BANNER.exec(text)?.groups;
    if (banner !== undefined) {
      this.banner ??= { version: banner["version"] ?? "", debian: banner["debian"] ?? null };
      this.#reach("xen");
    }
    if (HANDED_OVER.test(text)) {
      this.handedOver = true;
      if (this.#toolstack === null) this.#reach("entered");
    }
    this.findings.read(text);

    if (this.#panicBegan && this.panic === null && text !== "") this.panic = text;
    this.#lastDump.read(text);
    if (PANIC.test(text) && !this.#panicBegan) {
      this.#panicBegan = true;
      this.panicIn = this.#lastDump.inFunction;
    }
    // The line after the message closes a panic: by then all of it is in the log.
    const panicked = this.panic !== null && /^\*{8,}$/.test(text);
    if (panicked) this.#end({ how: "panic", reason: null });
    const ending = readEnding(text);
    if (ending === null) return;
    if (this.#toolstack === null) this.#end(ending);
    else {
      this.toolstackEnding ??= ending;
      this.#options.onEnding?.(ending);
    }
  }
}

/** How the guest's domain ended, if this record of the toolstack says so. */
function readDomainEnding(record: GuestRecord): Ending | null {
  if (record.kind !== "domain" || !record.signed) return null;
  const fields = fieldsOf(record);
  if (fields?.get("event") !== "ended") return null;
  return endingOfDomain(Number(fields.get("reason") ?? "255"), fields.get("by") === "xl");
}

/** Trouble may come before the guest's own code runs; whatever else it says, it says from there. */
const TROUBLE = ["trap", "abort", "fatal"];

/** Unsigned records are believed when they tell of trouble, never when they tell of progress. */
function stagesOf(record: GuestRecord): Stage[] {
  if (!record.signed || TROUBLE.includes(record.kind)) return [];
  if (record.kind === "exit") return ["runtime", "verdict"];
  if (record.kind !== "boot") return ["runtime"];
  const stage = fieldsOf(record)?.get("stage");
  return stage === "entered" || stage === "runtime" ? [stage] : [];
}

/** xenlet's toolstack reports the stage as any guest does; dom0's Linux has stages of its own. */
function stageOfToolstack(record: GuestRecord): Stage | null {
  if (!record.signed) return null;
  const fields = fieldsOf(record);
  // It is let run right behind this.
  if (record.kind === "domain" && fields?.get("event") === "created") return "entered";
  if (record.kind !== "boot") return null;
  const stage = fields?.get("stage");
  if (stage === "runtime") return "toolstack";
  return stage === "dom0" || stage === "xl-create" ? stage : null;
}
