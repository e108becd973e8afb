// Domains, the pages that they share with a store, and the event channels between: in one process, each domain and
// the toolstack an instance of its own with a memory of its own. Either end can be played by the test instead.

import { FakeScheduler, GuestHung } from "./fake-scheduler.js";
import { FakeXen } from "./fake-xen.js";
import type { LoadedGuest } from "./load.js";

const PAGE = 4096;
const RING_SIZE = 1024;
/** Where ring pages appear, in a domain and in the toolstack: above all that either maps otherwise. */
const DOMAIN_RING = 0xfff00000;
const TOOLSTACK_RINGS = 0xfff10000;
const STORE_PFN = 0xfeffcn;
/** A domain that makes more in one test spins. */
const MOST_HYPERCALLS = 200_000;
/** The toolstack's end of a domain's event channel. */
const portOf = (domid: number): number => 100 + domid;

export const XS = {
  CONTROL: 0,
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TRANSACTION_START: 6,
  TRANSACTION_END: 7,
  INTRODUCE: 8,
  GET_DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  WATCH_EVENT: 15,
  ERROR: 16,
  RESET_WATCHES: 21,
  DIRECTORY_PART: 22,
} as const;

const REQ = { data: 0, cons: 2048, prod: 2052 };
const RSP = { data: 1024, cons: 2056, prod: 2060 };
const SERVER_FEATURES = 2064;
const CONNECTION = 2068;
const ERROR = 2072;

export interface Message {
  type: number;
  id: number;
  tx: number;
  /** The payload, each byte a character. */
  text: string;
}

export function encode({ type, id, tx, text }: Message): Buffer {
  const head = Buffer.alloc(16);
  [type, id, tx, text.length].forEach((word, index) => head.writeUInt32LE(word >>> 0, index * 4));
  return Buffer.concat([head, Buffer.from(text, "latin1")]);
}

/** Whole messages out of a stream; `rest` is what follows the last one. */
export function decode(bytes: Buffer): { messages: Message[]; rest: Buffer } {
  const messages: Message[] = [];
  let at = 0;
  while (bytes.length - at >= 16) {
    const end = at + 16 + bytes.readUInt32LE(at + 12);
    if (end > bytes.length) break;
    messages.push({
      type: bytes.readUInt32LE(at),
      id: bytes.readUInt32LE(at + 4),
      tx: bytes.readUInt32LE(at + 8),
      text: bytes.subarray(at + 16, end).toString("latin1"),
    });
    at = end;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** A page that a domain and its store share. */
export class RingPage {
  readonly bytes = new DataView(new ArrayBuffer(PAGE));

  get(at: number): number {
    return this.bytes.getUint32(at, true);
  }

  set(at: number, value: number): void {
    this.bytes.setUint32(at, value >>> 0, true);
  }

  /** Sets the four counters, all of them to the same: an idle ring of any age. */
  startAt(counter: number): void {
    for (const at of [REQ.cons, REQ.prod, RSP.cons, RSP.prod]) this.set(at, counter);
  }

  private put(ring: typeof REQ, bytes: Buffer): number {
    const start = this.get(ring.prod);
    const used = (start - this.get(ring.cons)) >>> 0;
    const count = Math.min(bytes.length, Math.max(RING_SIZE - used, 0));
    for (let i = 0; i < count; i++)
      this.bytes.setUint8(ring.data + (((start + i) >>> 0) % RING_SIZE), bytes[i] ?? 0);
    this.set(ring.prod, start + count);
    return count;
  }

  private take(ring: typeof REQ, most: number): Buffer {
    const start = this.get(ring.cons);
    const ready = (this.get(ring.prod) - start) >>> 0;
    const count = ready > RING_SIZE ? 0 : Math.min(most, ready);
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++)
      bytes[i] = this.bytes.getUint8(ring.data + (((start + i) >>> 0) % RING_SIZE));
    this.set(ring.cons, start + count);
    return bytes;
  }

  /** As the store writes; how much of it there was room for. */
  putReply(bytes: Buffer): number {
    return this.put(RSP, bytes);
  }

  /** As the domain writes. */
  putRequest(bytes: Buffer): number {
    return this.put(REQ, bytes);
  }

  takeReply(most = RING_SIZE): Buffer {
    return this.take(RSP, most);
  }

  takeRequest(most = RING_SIZE): Buffer {
    return this.take(REQ, most);
  }

  get counters(): number[] {
    return [REQ.cons, REQ.prod, RSP.cons, RSP.prod].map((at) => this.get(at));
  }
}

export const FIELD = {
  reqCons: REQ.cons,
  reqProd: REQ.prod,
  rspCons: RSP.cons,
  rspProd: RSP.prod,
  serverFeatures: SERVER_FEATURES,
  connection: CONNECTION,
  error: ERROR,
};

/** Xen under a domain that has a store: its HVM parameters, its ring, its event channel. */
export class DomainXen extends FakeScheduler {
  port = 0;
  pfn = STORE_PFN;
  mapped = 0;
  /** What the other end does when the domain sleeps; returns whether anything was done. */
  store: () => void = () => undefined;
  private made = 0;

  constructor(readonly page: RingPage) {
    super();
    this.on("hvm_op", 1, (_cmd, arg = 0n) => {
      const at = Number(arg);
      const value = { 1: this.pfn, 2: BigInt(this.port) }[this.load32(at + 4)];
      if (value === undefined) return -22n;
      this.store64(at + 8, value);
      return 0n;
    });
    const send = this.handlerOf("event_channel_op", 4);
    this.on("event_channel_op", 4, (cmd = 0n, arg = 0n) => {
      if (this.load32(Number(arg)) !== this.port) return send(cmd, arg);
      return 0n;
    });
  }

  /** Gives the domain its port, as the domain's builder does; another one than before, after a soft reset. */
  offerPort(): void {
    const argument = this.scratch();
    this.handlerOf("event_channel_op", 6)(6n, BigInt(argument));
    this.port = this.load32(argument + 4);
  }

  private scratch(): number {
    return DOMAIN_RING + PAGE - 16;
  }

  protected override view(address: number): DataView {
    return address >= DOMAIN_RING ? this.page.bytes : super.view(address);
  }

  protected override at(address: number): number {
    return address >= DOMAIN_RING ? address - DOMAIN_RING : super.at(address);
  }

  protected override hypercall(op: number, args: bigint[]): bigint {
    if (++this.made > MOST_HYPERCALLS) throw new GuestHung();
    if (op === 29 && args[0] === 3n) this.store();
    return super.hypercall(op, args);
  }

  override imports(): WebAssembly.Imports {
    const imports = super.imports();
    const xen = imports["xen"] ?? {};
    xen["shared_map"] = (gfn: bigint): number => {
      this.mapped++;
      return gfn === STORE_PFN ? DOMAIN_RING : 0;
    };
    return imports;
  }
}

/** Xen under the toolstack. */
export class ToolstackXen extends FakeXen {
  readonly pages: RingPage[] = [];
  /** Called before each 32-bit read of a ring: what the domain may do just then. */
  beforeLoad: (page: RingPage, at: number) => void = () => undefined;
  /** Events sent, by the toolstack's port. */
  notified: (port: number) => void = () => undefined;

  constructor() {
    super();
    this.on("event_channel_op", 4, (_cmd, arg = 0n) => {
      this.notified(this.load32(Number(arg)));
      return 0n;
    });
  }

  protected override view(address: number): DataView {
    if (address < TOOLSTACK_RINGS) return super.view(address);
    const page = this.pages[Math.floor((address - TOOLSTACK_RINGS) / PAGE)];
    if (!page) throw new RangeError("no ring is mapped there");
    return page.bytes;
  }

  override load32(address: number): number {
    const page = this.pages[Math.floor((address - TOOLSTACK_RINGS) / PAGE)];
    if (page) this.beforeLoad(page, this.at(address));
    return super.load32(address);
  }

  protected override at(address: number): number {
    return address < TOOLSTACK_RINGS ? super.at(address) : (address - TOOLSTACK_RINGS) % PAGE;
  }
}

/** A guest that takes lines of text, runs them, and answers with a line: guest/xenstore.ts and guest/store.ts. */
export class Probe {
  constructor(private readonly guest: LoadedGuest) {}

  get xen(): FakeXen {
    return this.guest.xen;
  }

  /** What the guest has written with console.log() and console.error() since this was last called. */
  said(): string[] {
    return this.xen.records
      .splice(0)
      .filter(({ kind }) => kind === "log" || kind === "error")
      .map(({ text }) => text);
  }

  run(...words: (string | number)[]): string {
    const line = Buffer.from(words.join(" "));
    const at = Number(this.guest.call["lineAt"]?.());
    line.copy(Buffer.from(this.xen.memory.buffer, at, line.length));
    const length = Number(this.guest.call["run"]?.(line.length));
    return Buffer.from(this.xen.memory.buffer, at, length).toString();
  }
}

/** A toolstack with its store. */
export class StoreWorld {
  readonly toolstack: Probe;
  private readonly xen = new ToolstackXen();
  private readonly domains = new Map<number, () => void>();

  constructor(startStore: (xen: FakeXen) => LoadedGuest) {
    this.toolstack = new Probe(startStore(this.xen));
    this.toolstack.said();
    this.xen.notified = (port) => this.domains.get(port - portOf(0))?.();
  }

  set beforeLoad(run: (page: RingPage, at: number) => void) {
    this.xen.beforeLoad = run;
  }

  /** A domain's page is mapped in the toolstack, and the domain is known: `notify` is called when it gets an event. */
  introduce(domid: number, page: RingPage, notify: () => void): void {
    this.xen.pages[domid] = page;
    this.domains.set(domid, notify);
    this.toolstack.run("introduce", domid, TOOLSTACK_RINGS + domid * PAGE, portOf(domid));
  }

  release(domid: number): void {
    this.toolstack.run("release", domid);
  }

  serve(domid: number): void {
    while (this.toolstack.run("serve", domid) === "more");
  }

  /** A domain with our client in it, as xl would have made it. */
  domain(domid: number, startClient: (xen: FakeXen) => LoadedGuest): Probe & { xen: DomainXen } {
    const page = new RingPage();
    const xen = new DomainXen(page);
    this.toolstack.run("domain", domid);
    const probe = new Probe(startClient(xen));
    probe.said();
    this.connect(domid, xen);
    return probe as Probe & { xen: DomainXen };
  }

  /** Event channels from and to the domain's store: once at first, and again after a soft reset. */
  connect(domid: number, xen: DomainXen): void {
    xen.offerPort();
    xen.store = () => {
      this.serve(domid);
    };
    this.introduce(domid, xen.page, () => {
      xen.raise(xen.port);
    });
  }
}

/** A domain that the test plays: it may send anything. */
export class RawDomain {
  readonly page = new RingPage();
  notified = 0;
  private lastId = 0;
  private received = Buffer.alloc(0);

  constructor(
    readonly world: StoreWorld,
    readonly domid: number,
  ) {
    world.toolstack.run("domain", domid);
    world.introduce(domid, this.page, () => this.notified++);
  }

  serve(): void {
    this.world.serve(this.domid);
  }

  /** Sends bytes, as many at a time as there is room for, for as long as the store takes them. */
  send(bytes: Buffer): void {
    let left = bytes;
    while (left.length > 0) {
      const count = this.page.putRequest(left);
      left = left.subarray(count);
      const before = this.page.counters.join();
      this.serve();
      if (count === 0 && before === this.page.counters.join()) return;
    }
  }

  /** All messages that have come. */
  receive(): Message[] {
    for (;;) {
      const bytes = this.page.takeReply();
      if (bytes.length === 0) break;
      this.received = Buffer.concat([this.received, bytes]);
      this.serve();
    }
    const { messages, rest } = decode(this.received);
    this.received = Buffer.from(rest);
    return messages;
  }

  /** A request and its reply, `OK` and the like without the NULs behind; events that come along are left out. */
  ask(type: number, text: string, tx = 0): string {
    const id = ++this.lastId;
    this.send(encode({ type, id, tx, text }));
    const reply = this.receive().find((message) => message.type !== XS.WATCH_EVENT);
    if (!reply) return "no reply";
    if (reply.id !== id) return `reply to ${String(reply.id)}`;
    if (reply.type !== XS.ERROR && reply.type !== type)
      return `reply of type ${String(reply.type)}`;
    const payload = reply.text.replace(/\0+$/, "").replaceAll("\0", " ");
    return reply.type === XS.ERROR ? `-${payload}` : payload;
  }
}
