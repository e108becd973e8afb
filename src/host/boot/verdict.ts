/**
 * From what a run said to what it comes to. Success is never the default: it
 * takes the guest's own exit record with the run's nonce, an unbroken sequence
 * of records, and a domain that powered itself off; or that what its user expects comes true.
 */
import { ExitCode, exitCodeOfGuest } from "../base/exit-codes.js";
import type { Monitor } from "./monitor.js";
import { fieldsOf, type GuestRecord } from "../protocol/record.js";
import { describeMissed, type Stage } from "./stages.js";
import { describeEnding } from "./xen-messages.js";
import { given } from "../base/given.js";
import { formatMs } from "../base/text.js";

/** Why the harness stopped listening. */
export type Cause =
  /** Xen said how the domain ended, or panicked. */
  | { type: "ending" }
  /** The guest printed what was expected, and no more was. */
  | { type: "expected" }
  | {
      type: "deadline";
      stage: Stage;
      deadlineMs: number;
      /** The same by the clock on the wall. */
      wallMs: number;
      /** The guest has asked for input, and there was none yet. */
      waiting?: boolean;
      /** The guest was printing: how many bytes so far. */
      printed?: number | null;
    }
  /** QEMU ended by itself, `status` says how ("exit code 1", "SIGSEGV"). */
  | { type: "qemu"; status: string; stderr: string };

export interface Verdict {
  verdict: "exit" | "crash" | "timeout" | "host";
  /** What `xenlet run` exits with. */
  exitCode: number;
  /** What the guest said: 0..255. */
  guestCode: number | null;
  /** One sentence. */
  message: string;
  hint?: string;
}

const EXPECTATIONS =
  "--expect TEXT, or --expect-shutdown poweroff: the expected end of a guest that reports no result";

/** `place`: the user's own line that a trap or an abort comes from (`main.ts:17`), where it is known. */
export function judge(monitor: Monitor, cause: Cause, place: string | null = null): Verdict {
  const exits = monitor.records.filter((record) => record.kind === "exit" && record.signed);
  const guestCode = exits[0] === undefined ? null : exitCodeOf(exits[0]);
  const finding = monitor.findings.best;
  const hint = given({ hint: finding?.hint });
  const crash = (message: string): Verdict => ({
    verdict: "crash",
    exitCode: ExitCode.CRASH,
    guestCode,
    message,
    ...hint,
  });

  if (cause.type === "expected") {
    const text = JSON.stringify(monitor.printed.expected?.text ?? "");
    return judged(0, `the guest printed ${text}, as expected`);
  }
  const shutDown = dom0ShutDownByGuest(monitor);
  if (shutDown !== null) return crash(shutDown);
  const toolstack = failureOfToolstack(monitor, place);
  if (toolstack !== null)
    return {
      verdict: "host",
      exitCode: ExitCode.HOST,
      guestCode,
      message: `the toolstack failed: ${toolstack}`,
      ...hint,
    };
  const failure = failureOf(monitor.records, place);
  if (failure !== null) return crash(failure);
  if (monitor.ending?.how === "panic") {
    const where = monitor.panicIn === null ? "" : ` in ${monitor.panicIn}()`;
    return crash(`Xen panicked${where} (${monitor.panic ?? ""})${because(finding?.message)}`);
  }
  if (cause.type === "deadline")
    return {
      verdict: "timeout",
      exitCode: ExitCode.TIMEOUT,
      guestCode,
      message: describeDeadline(cause, monitor) + because(finding?.message) + notPrinted(monitor),
      ...hint,
    };
  if (monitor.ending === null) return qemuEnded(monitor, cause, guestCode);

  const printed = judgePrinted(monitor, exits.length > 0);
  if (printed !== null) return judged(printed.code, printed.message);
  const ended = describeEnding(monitor.ending);
  if (exits.length === 0) {
    if (!monitor.handedOver) return crash(`${ended} before it ran${because(finding?.message)}`);
    const verdict = crash(
      `${ended}, and the guest had reported no result${because(finding?.message)}`,
    );
    // Nothing in it speaks the protocol of records.
    const foreign = monitor.records.length === 0 && finding === null;
    return foreign ? { ...verdict, hint: EXPECTATIONS } : verdict;
  }
  if (guestCode === null || exits.length > 1)
    return crash("the guest's exit records are not a single code from 0 to 255");
  if (monitor.ending.how !== "poweroff")
    return crash(
      `the guest reported exit code ${guestCode}, but then ${ended}${because(finding?.message)}`,
    );
  const [damage] = monitor.damage;
  if (damage !== undefined)
    return crash(
      `the guest reported exit code ${guestCode}, but its records are damaged ` +
        `(${monitor.damage.length} times; first: ${damage.message})`,
    );
  return {
    verdict: "exit",
    exitCode: exitCodeOfGuest(guestCode),
    guestCode,
    message: `the guest ended with exit code ${guestCode}`,
  };
}

function notPrinted({ printed }: Monitor): string {
  if (printed.textSeen) return "";
  return `; it had not printed ${JSON.stringify(printed.expected?.text ?? "")}`;
}

/** By what the guest printed, where its user says so, or where it says no verdict itself. */
function judgePrinted(
  { printed, ending }: Monitor,
  hasVerdict: boolean,
): { code: number; message: string } | null {
  if (ending?.reason === null || ending?.reason === undefined) return null;
  return printed.expected === null && hasVerdict ? null : printed.judge(ending.reason);
}

function judged(code: number, message: string): Verdict {
  return { verdict: "exit", exitCode: code, guestCode: code, message };
}

/** A guest that waits, or that prints, does not hang. */
function describeDeadline(cause: Cause & { type: "deadline" }, monitor: Monitor): string {
  const { stage, deadlineMs, wallMs, waiting = false, printed = null } = cause;
  if (stage !== "runtime" || (!waiting && printed === null))
    return describeMissed(stage, deadlineMs, wallMs, monitor);
  if (waiting)
    return `the guest was waiting for input when its time limit of ${formatMs(deadlineMs)} expired`;
  return `the guest was still printing when its time limit of ${formatMs(deadlineMs)} expired: ${String(printed)} bytes so far`;
}

function because(message: string | undefined): string {
  return message === undefined ? "" : `: ${message}`;
}

/** QEMU ended before Xen reported anything about the domain. */
function qemuEnded(monitor: Monitor, cause: Cause, guestCode: number | null): Verdict {
  const status = cause.type === "qemu" ? cause.status : "unexpectedly";
  const said = cause.type === "qemu" ? cause.stderr.trim() : "";
  const words = said === "" ? "" : `: ${said}`;
  // Before the banner nothing of Xen or the guest ran: QEMU itself refused.
  const host = monitor.banner === null || status.startsWith("SIG");
  return {
    verdict: host ? "host" : "crash",
    exitCode: host ? ExitCode.HOST : ExitCode.CRASH,
    guestCode,
    message: `QEMU ended (${status}) before Xen reported how the domain ended${words}`,
  };
}

function exitCodeOf(record: GuestRecord): number | null {
  const code = fieldsOf(record)?.get("code") ?? "";
  return /^\d{1,3}$/.test(code) && Number(code) <= 255 ? Number(code) : null;
}

/**
 * dom0 was shut down while the guest ran, and its program, which reports each failure of its own, had said nothing: then
 * Xen let the guest do it (SCHEDOP_remote_shutdown), which is a finding about Xen, not trouble on the host.
 */
function dom0ShutDownByGuest(monitor: Monitor): string | null {
  const { toolstackRecords, toolstackEnding, ending, records, findings } = monitor;
  if (toolstackEnding === null || ending !== null || records.length === 0) return null;
  if (failureOf(toolstackRecords, null) !== null || findings.best !== null) return null;
  const ended = describeEnding(toolstackEnding).replace(/^the domain/, "dom0");
  return `${ended} while the guest ran, although dom0 had not requested it: Xen allowed the guest to shut down dom0`;
}

/** What ended the domain that makes the guest's. */
function failureOfToolstack(
  { toolstackRecords, toolstackEnding, ending }: Monitor,
  place: string | null,
): string | null {
  const said = failureOf(toolstackRecords, place);
  if (said !== null) return said.replace(/^the guest('s boot code)? /, "it ");
  if (toolstackEnding === null || ending !== null) return null;
  return describeEnding(toolstackEnding).replace(/^the domain/, "its domain");
}

function sizeText(bytes: number): string {
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}

/** The guest's own word that it failed, in a sentence. */
function failureOf(records: GuestRecord[], place: string | null): string | null {
  const where = place === null ? "" : ` at ${place}`;
  for (const record of records) {
    const fields = fieldsOf(record);
    switch (record.kind) {
      case "trap":
        if (fields?.get("kind") === "out-of-memory")
          return `the guest ran out of memory${where}: it needs more than the domain has`;
        if (fields?.get("kind") === "stack-overflow" && fields.has("stack"))
          return `the guest trapped${where}: stack-overflow: it needs more than its ${sizeText(Number(fields.get("stack")))} of stack (--stack)`;
        return `the guest trapped${where}${onVcpu(fields?.get("vcpu"))}: ${fields?.get("kind") ?? record.payload}${at(fields?.get("address"))}`;
      case "abort":
        return describeAbort(fields, record.payload, place);
      case "fatal":
        return `the guest's boot code gave up: ${record.payload}`;
    }
  }
  return null;
}

function onVcpu(vcpu: string | undefined): string {
  return vcpu === undefined ? "" : ` on vCPU ${vcpu}`;
}

function at(address: string | undefined): string {
  return address === undefined ? "" : ` at address ${address}`;
}

/** AssemblyScript says where `abort` was called: in its library, mostly. */
function describeAbort(
  fields: Map<string, string> | null,
  payload: string,
  place: string | null,
): string {
  if (fields === null) return `the guest aborted: ${payload}`;
  const called = ["file", "line", "column"].map((key) => fields.get(key)).filter(Boolean);
  const inLibrary = fields.get("file")?.startsWith("~lib/") === true;
  const where = inLibrary && place !== null ? place : called.join(":");
  return `the guest aborted at ${where}: ${fields.get("text") ?? ""}`;
}
