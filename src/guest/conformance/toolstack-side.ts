// What a scenario has at hand in dom0: the domain, and the results of what is looked at from there.

import { describeResult, record, systemTime, waitForEvents } from "xenlet";
import { SHUTDOWN_poweroff, SHUTDOWN_soft_reset, SHUTDOWN_suspend } from "xenlet/raw/abi/sched";
import { ByteSource } from "xenlet/raw/memory";
import { DomainConfig, DomainInfo, Guest, Image } from "xenlet/toolstack";
import { checkPayload, comparison, stateOf } from "./report";
import { ScenarioDeclaration } from "./declare";

/** ns that a domain has, from one shutdown to the next, unless its scenario says otherwise. */
const DEADLINE: u64 = 20_000_000_000;

/** The part of a scenario that runs in dom0. */
export abstract class ToolstackPart {
  constructor(readonly declaration: ScenarioDeclaration) {}

  get name(): string {
    return this.declaration.name;
  }

  /** More of the domain that it wants than its declaration says. */
  configure(config: DomainConfig): void {}

  /** The whole of the toolstack's part. By default it lets the domain run to its end. */
  toolstack(side: ToolstackSide): void {
    side.create();
    side.serve();
  }

  /** The domain wrote a line to its console that is not a check's result. */
  onLine(side: ToolstackSide, line: string): void {}

  /** Called by serve(): the domain is stopped (GuestSide.stop()), and continues afterwards. */
  onStop(side: ToolstackSide): void {}

  /** Called by serve(): the domain has asked for a soft reset. Whether it continues. */
  onSoftReset(side: ToolstackSide): bool {
    return side.resetOrResume() == 0;
  }
}

export class ToolstackSide {
  private running: Guest | null = null;
  /** How often the domain has asked for a soft reset. */
  resets: u32 = 0;
  /** SHUTDOWN_* that it ended with; 255 until then. */
  reason: u32 = 255;
  /** ns that the domain has, from one shutdown to the next. */
  deadline: u64 = DEADLINE;

  constructor(
    readonly scenario: ToolstackPart,
    readonly control: bool,
    private image: ByteSource,
  ) {}

  get guest(): Guest {
    return this.running!;
  }

  /** Makes the domain, connected, and lets it run. */
  create(): void {
    this.createPaused();
    this.guest.domain.unpause();
  }

  createPaused(): void {
    this.running = this.newGuest(this.scenario.declaration.vcpus, "");
  }

  /** Another domain of the same program, paused, whose command line has `words` as well. The caller destroys it. */
  createBeside(vcpus: u32, words: string): Guest {
    return this.newGuest(vcpus, " " + words);
  }

  private newGuest(vcpus: u32, words: string): Guest {
    const config = new DomainConfig();
    config.memoryMiB = this.scenario.declaration.memoryMiB;
    config.kind.vcpus = vcpus;
    config.commandLine = "scenario=" + this.scenario.name + (this.control ? " control=1" : "") + words;
    this.scenario.configure(config);
    return new Guest(config, new Image(this.image));
  }

  /**
   * Serves the domain until it shuts down; its info then. One that does not within `deadline` is reported as it is: not
   * shut down.
   */
  untilShutdown(): DomainInfo {
    const deadline = systemTime() + this.deadline;
    while (true) {
      const info = this.guest.domain.info();
      if (info.result < 0 || info.isShutdown || systemTime() >= deadline) {
        this.guest.finishConsole();
        return info;
      }
      waitForEvents(deadline);
    }
  }

  /** Serves it until it ends, or until onSoftReset() says that it does not continue. */
  serve(): void {
    while (true) {
      const info = this.untilShutdown();
      this.reason = info.reason;
      if (!info.isShutdown) {
        record("log", this.scenario.name + ": the domain did not shut down in time");
        return;
      }
      if (info.reason == SHUTDOWN_suspend) {
        this.scenario.onStop(this);
        this.guest.domain.resume();
        continue;
      }
      if (info.reason != SHUTDOWN_soft_reset) {
        if (info.reason != SHUTDOWN_poweroff)
          record("log", this.scenario.name + ": the domain ended with reason " + info.reason.toString());
        return;
      }
      this.resets++;
      if (!this.scenario.onSoftReset(this)) return;
    }
  }

  /** The soft reset, and the domain runs again. Xen's errno, or 0. */
  softReset(): i64 {
    return this.accepted(this.guest.softReset());
  }

  /**
   * Passes on what XEN_DOMCTL_soft_reset returned. A refusal goes into the log: the domain's checks come to no result then,
   * and the report says why by the last line of the log.
   */
  accepted(result: i64): i64 {
    if (result != 0)
      record("log", this.scenario.name + ": XEN_DOMCTL_soft_reset was refused: " + describeResult(result));
    return result;
  }

  /** The soft reset; in the control, a toolstack that forgot it. Xen's errno, or 0. */
  resetOrResume(): i64 {
    return this.control ? this.guest.domain.resume() : this.softReset();
  }

  /** The first half of it: the domain is as Xen leaves it, and paused. If Xen refuses, it is paused nevertheless. */
  resetPaused(): i64 {
    const domain = this.guest.domain;
    domain.pause();
    return this.control ? domain.resume() : this.accepted(domain.softReset());
  }

  /** The second half: it has its ports again, and runs. */
  goOn(): void {
    if (!this.control) this.guest.reconnect();
    this.guest.domain.unpause();
  }

  /** Destroys the domain, if there is one. */
  dispose(): void {
    const guest = this.running;
    if (guest) guest.destroy();
    this.running = null;
  }

  check(name: string, ok: bool, text: string): void {
    this.pass(checkPayload(name, stateOf(ok), "", text));
  }

  result(name: string, what: string, actual: i64, expected: i64): void {
    this.check(name, actual == expected, comparison(what, describeResult(actual), describeResult(expected)));
  }

  same(name: string, what: string, actual: u64, expected: u64): void {
    this.check(name, actual == expected, comparison(what, actual.toString(), expected.toString()));
  }

  /** A check whose right answer depends on the version: the host compares `value` with its table. `ok` is the rest of it. */
  observed(name: string, value: string, ok: bool, text: string): void {
    this.pass(checkPayload(name, stateOf(ok), value, text));
  }

  skip(name: string, reason: string): void {
    this.pass(checkPayload(name, "skipped", "", reason));
  }

  /** Passes on a result, the guest's as well: in one place, so that each says its phase. */
  pass(payload: string): void {
    record("check", "phase=" + (this.control ? "control " : "check ") + payload);
  }
}
