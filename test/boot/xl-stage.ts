// A dom0 that does a list of scenes, for the tests of xl: each is one domain, and what xl is asked to do with it.

import { readFile } from "node:fs/promises";

import { withRunBlock } from "../../src/host/elf/run-block.js";
import { provideXen, type XenRelease } from "../../src/host/debian/index.js";
import { RecordReader, fieldsOf, type GuestRecord } from "../../src/host/protocol/record.js";
import type { StoreDaemon } from "../../src/host/xl/boot-files.js";
import { provideDom0 } from "../../src/host/xl/dom0-image.js";
import { runDom0Steps, type StepResult } from "../../src/host/boot/xl-steps.js";
import { commentedXlConfig, xlConfig, type XlDomain } from "../../src/host/xl/xl-config.js";
import { createProgress } from "../../src/host/base/progress.js";
import { qemu } from "./setup.js";

/** Xen's errno for a vcpu_info that is registered already: EINVAL, and EBUSY from 4.18 on. */
export const REGISTERED = { "4.17": "-22", "4.20": "-16" } as const;

/** What EVTCHNOP_status has for a port whose other side is in Xen, a device model's: EACCES; or interdomain. */
export const OF_XEN = { "4.17": "-13", "4.20": "2" } as const;

export interface Scene {
  /** For dom0's shell. */
  script: string;
  /** More of it, once all other scenes are done: this one continues meanwhile. */
  end?: string;
  domain: Omit<Partial<XlDomain>, "image"> & {
    cmdline: string;
    /** The name of a file; default: image. */
    image?: string;
    /** Of a domain of type hvm: the name of a file, its boot module. */
    module?: string;
  };
  /** More lines of its xl.cfg. */
  settings?: string;
  /** The xl.cfg is the one that people are given, with its comments. */
  commented?: boolean;
}

export interface Setup {
  release: XenRelease;
  store: StoreDaemon;
  /** What is in /run/xenlet, by name: paths here. */
  files: Record<string, string>;
  /** Shell functions for all scripts. */
  functions?: string;
  /** Memory for all domains that there are at one time, in MiB. */
  domainsMiB: number;
}

export interface Played extends StepResult {
  /** Of each domain that there was, in order: what it reported. */
  lives: GuestRecord[][];
}

export interface Stage<Name extends string> {
  scene(name: Name): Played;
  error: string | null;
  log: string | null;
}

/** Boots one dom0 and has it do all scenes; with a device model if one of them has a domain of type hvm. */
export async function playScenes<Name extends string>(
  wanted: Partial<Record<Name, Scene>>,
  setup: Setup,
): Promise<Stage<Name>> {
  const scenes = wanted as Record<Name, Scene>;
  const progress = createProgress(process.stderr, { quiet: true });
  const names = Object.keys(scenes) as Name[];
  const long = names.filter((name) => scenes[name].end !== undefined);
  const deviceModel = names.some((name) => scenes[name].domain.type === "hvm");
  const xen = await provideXen(setup.release, progress);
  const dom0 = await provideDom0(setup.release, progress, { deviceModel });
  const files: Record<string, string | Uint8Array> = { ...setup.files };
  const configs: Record<string, string> = {};
  for (const name of names) {
    const { domain, commented = false, settings = "" } = scenes[name];
    const { module, image = "image", ...rest } = domain;
    const cmdline = `nonce=${nonceOf(name)} on=domu ${domain.cmdline}`;
    const file = domain.type === "hvm" ? `image-${name}` : image;
    if (domain.type === "hvm")
      files[file] = withRunBlock(await readFile(setup.files[image] ?? ""), {
        cmdline,
        module: module === undefined ? undefined : await readFile(setup.files[module] ?? ""),
      });
    const whole = {
      name,
      memoryMiB: 24,
      vcpus: 1,
      ...rest,
      image: `/run/xenlet/${file}`,
      cmdline,
    };
    configs[name] = (commented ? commentedXlConfig(whole) : xlConfig(whole)) + settings;
  }
  const run = await runDom0Steps({
    xen,
    qemu,
    dom0,
    store: setup.store,
    steps: [
      ...names.map((name) => ({ name, script: scenes[name].script })),
      ...long.map((name) => ({ name: `end of ${name}`, script: scenes[name].end ?? "" })),
    ].map(({ name, script }) => ({ name, script: `${setup.functions ?? ""}\n${script}` })),
    configs,
    files,
    domainsMiB: setup.domainsMiB,
    pcpus: 1,
    stepMs: STEP_MS,
  });
  // A domain may continue while other scenes are played.
  const said = new Map<number, string[]>();
  for (const step of run.steps)
    for (const [domain, lines] of step.said)
      said.set(domain, [...(said.get(domain) ?? []), ...lines]);
  return {
    scene: (name) => {
      const step = run.steps[names.indexOf(name)];
      if (step === undefined) throw new Error(`no step ${name}`);
      const end = run.steps[names.length + long.indexOf(name)];
      return {
        ...step,
        output: [...step.output, ...(long.includes(name) ? (end?.output ?? []) : [])],
        lives: [...said.values()]
          .map((lines) => recordsOf(lines, nonceOf(name)))
          .filter((records) => records.length > 0),
      };
    },
    error: run.error,
    log: run.log,
  };
}

const STEP_MS = 300_000;

function nonceOf(name: string): string {
  return name.replaceAll("-", "").slice(0, 16);
}

/** The records with that nonce among lines of domains. */
export function recordsOf(lines: string[], nonce: string): GuestRecord[] {
  const reader = new RecordReader(nonce);
  const items = [...lines.flatMap((line) => reader.push(line)), ...reader.end()];
  return items.flatMap((item) => (item.type === "record" ? [item.record] : []));
}

/** What a domain reported as facts, in order. */
export function facts(records: GuestRecord[] | undefined): string[] {
  return (records ?? []).filter(({ kind }) => kind === "fact").map(({ payload }) => payload);
}

/** The exit code that a domain said, or null. */
export function exitOf(records: GuestRecord[] | undefined): string | null {
  const exit = (records ?? []).find(({ kind }) => kind === "exit");
  return exit === undefined ? null : (fieldsOf(exit)?.get("code") ?? null);
}
