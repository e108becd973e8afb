/**
 * What Xen's own lines mean to the person who runs a guest.
 *
 * Sources: Xen 4.17.7 (the texts are the same in 4.14.6 and 4.20.4 unless noted);
 * line numbers are 4.17.7's.
 */

/**
 * How the guest's domain ended. For the hardware domain Xen says it: hwdom_shutdown(),
 * xen/common/shutdown.c:33. For another one its toolstack does.
 */
export interface Ending {
  how:
    | "poweroff"
    | "reboot"
    | "suspend"
    | "crash"
    | "watchdog"
    /** Reason 5, where it is not possible. */
    | "soft-reset"
    /** Reason 5, to a toolstack that does not know it. */
    | "soft-reset-unknown"
    /** Reason 5, to an xl that ends the domain: libxl does it for HVM domains only. */
    | "soft-reset-xl"
    | "unknown"
    | "panic";
  /** SHUTDOWN_… (xen/include/public/sched.h); null for a panic of Xen itself. */
  reason: number | null;
}

const ENDINGS: { pattern: RegExp; how: Ending["how"]; reason: number }[] = [
  { pattern: /^Hardware Dom\d+ halted: halting machine/, how: "poweroff", reason: 0 },
  { pattern: /^Hardware Dom\d+ shutdown: rebooting machine/, how: "reboot", reason: 1 },
  { pattern: /^Hardware Dom\d+ crashed: /, how: "crash", reason: 3 },
  { pattern: /^Hardware Dom\d+ shutdown: watchdog rebooting machine/, how: "watchdog", reason: 4 },
  {
    pattern: /^Hardware domain \d+ did unsupported soft reset, rebooting/,
    how: "soft-reset",
    reason: 5,
  },
];
const UNKNOWN_REASON = /^Hardware Dom\d+ shutdown \(unknown reason (?<reason>\d+)\): /;

/** The way the hardware domain ended, if this line of Xen's says so. */
export function readEnding(line: string): Ending | null {
  const known = ENDINGS.find(({ pattern }) => pattern.test(line));
  if (known !== undefined) return { how: known.how, reason: known.reason };
  const reason = UNKNOWN_REASON.exec(line)?.groups?.["reason"];
  return reason === undefined ? null : { how: "unknown", reason: Number(reason) };
}

const SHUTDOWN_soft_reset = 5;

const REASONS: Ending["how"][] = [
  "poweroff",
  "reboot",
  "suspend",
  "crash",
  "watchdog",
  "soft-reset-unknown",
];

/** The way a domain ended that its toolstack says shut down with SHUTDOWN_* `reason`: ours, or stock xl. */
export function endingOfDomain(reason: number, underXl = false): Ending {
  if (underXl && reason === SHUTDOWN_soft_reset) return { how: "soft-reset-xl", reason };
  return { how: REASONS[reason] ?? "unknown", reason };
}

/** A SHUTDOWN_* reason, for messages. */
export function describeShutdown(reason: number): string {
  return REASONS[reason]?.replace("-unknown", "") ?? `reason ${reason}`;
}

/** For messages. */
export function describeEnding({ how, reason }: Ending): string {
  switch (how) {
    case "poweroff":
      return "the domain powered off";
    case "reboot":
      return "the domain requested a reboot";
    case "suspend":
      return "the domain requested suspend, which is not supported here";
    case "crash":
      return "the domain crashed";
    case "watchdog":
      return "the domain's watchdog fired";
    case "soft-reset":
      return "the domain requested a soft reset, which Xen refuses for its hardware domain";
    case "soft-reset-unknown":
      return "the domain requested a soft reset, and its toolstack reported: Unknown shutdown reason code 5. Destroying domain";
    case "soft-reset-xl":
      return "the domain requested a soft reset, and xl destroyed it: libxl does not reset PVH domains, nor domains whose on_soft_reset is not soft-reset";
    case "unknown":
      return `the domain shut down with reason ${reason}, which is unknown to Xen`;
    case "panic":
      return "Xen panicked";
  }
}

/** Xen's first line: print_xen_info → xen/drivers/char/console.c:1006. */
export const BANNER = /^Xen version (?<version>\S+)(?: \(Debian (?<debian>[^)]+)\))?/;
/** Only the guest runs after it: init_done(), xen/arch/x86/setup.c:652. */
export const HANDED_OVER = /^Freed \d+kB init memory/;
/** panic(), xen/drivers/char/console.c:1259; the reason is on the next line. */
export const PANIC = /^Panic on CPU \d+:/;

/**
 * show_registers(), xen/arch/x86/x86_64/traps.c, for Xen's own code: its selector is __HYPERVISOR_CS; `%pS` is symbol+offset/size, the symbol
 * perhaps with its file before it, and behind it what gcc calls a part of a function (.cold).
 */
const XEN_AT = /^RIP: +e008:\[<[0-9a-f]+>\] (?:[^ #]+#)?(?<name>\w+)[\w.]*\+0x/;

/** Registers, stack and call trace take fewer lines than this, and panic() follows them. */
const LINES_OF_A_DUMP = 120;

/** Where in its own code Xen was when it dumped its registers, as far as that belongs to a panic. */
export class LastDump {
  #name: string | null = null;
  #age = 0;

  read(text: string): void {
    this.#age++;
    const name = XEN_AT.exec(text)?.groups?.["name"];
    if (name === undefined) return;
    this.#name = name;
    this.#age = 0;
  }

  /** The function, or null: nothing was dumped, or so long ago that it was for another reason. */
  get inFunction(): string | null {
    return this.#age < LINES_OF_A_DUMP ? this.#name : null;
  }
}

export interface Finding {
  /** A sentence's part, to stand behind "…: ". */
  message: string;
  hint?: string;
}

interface Explanation extends Finding {
  pattern: RegExp;
}

const NO_PVH_NOTE = "Xen found no PVH entry (a XEN_ELFNOTE_PHYS32_ENTRY note) in the image";

/**
 * In order of how much they explain: of all that match in a run, the first
 * here is reported. If none does, the panic's own line is.
 */
const EXPLANATIONS: Explanation[] = [
  {
    // hvm.c:152, and :159 where it was switched off.
    pattern: /^HVM: Hardware Assisted Paging \(HAP\) (not detected|detected but disabled)/,
    message:
      "this CPU has no nested paging (SVM with NPT), which a Xen without shadow paging, " +
      "such as Debian's, needs for a PVH domain",
    hint: "let QEMU emulate it: -cpu qemu64,+svm,+npt",
  },
  {
    // dom0_build.c:583
    pattern: /^Unable to find XEN_ELFNOTE_PHYS32_ENTRY address/,
    message: NO_PVH_NOTE,
    hint: "xenlet build FILE.ts -o image.elf builds one that has it",
  },
  {
    // xen/common/libelf/libelf-dominfo.c:371 and :398; 398 follows other notes or none.
    pattern: /^ERROR: (Not a Xen-ELF image|Will only load images built for the generic loader)/,
    message: NO_PVH_NOTE,
    hint: "xenlet build FILE.ts -o image.elf builds one that has it",
  },
  {
    // xen/common/libelf/libelf-loader.c:44
    pattern: /^ELF: not an ELF binary/,
    message: "Xen reports that the image is not an ELF file",
  },
  {
    // libelf-loader.c:60 and the section headers' :68
    pattern: /^ELF: [ps]hdr overflow/,
    message: "the image is truncated: its headers lie beyond its end",
  },
  {
    // libelf-dominfo.c:494
    pattern: /^ERROR: ELF start or entries are out of bounds/,
    message: "the image's PVH entry lies outside its loaded segments",
  },
  {
    // dom0_build.c:568, :577
    pattern: /^Unable to (init ELF|parse kernel for ELFNOTES)/,
    message: "Xen cannot read the image's ELF headers or notes",
  },
  {
    // dom0_build.c:166
    pattern: /^Unable to allocate memory with order 0/,
    message: "Xen ran out of memory while building the domain",
    hint: "give the guest less (--mem), or the machine more (-- -m MiB)",
  },
  {
    // dom0_build.c:595, and hvm_copy_to_guest_phys in elf_load_image: -EFAULT where there is no RAM.
    pattern: /^Failed to load kernel: /,
    message: "Xen cannot load the image at its address: possibly it is beyond the guest's memory",
    hint: "give the guest more memory: --mem MiB",
  },
  {
    // dom0_build.c:615
    pattern: /^Unable to find a memory region to load initrd and metadata/,
    message: "the guest's memory has no room for its start_info beside the image",
    hint: "give the guest more memory: --mem MiB",
  },
  {
    // xen/arch/x86/setup.c:1440, :1449
    pattern: /^Not enough memory to relocate (the dom0 kernel image|Xen)/,
    message: "the machine has too little memory for Xen and the image",
    hint: "give the machine more: -- -m MiB",
  },
  {
    // setup.c:1021
    pattern: /^dom0 kernel not specified/,
    message: "Xen was given no guest image",
  },
  {
    // xen/drivers/passthrough/x86/iommu.c:164
    pattern: /^Presently, iommu must be enabled for PVH hardware domain/,
    message: "Xen requires an IOMMU for a PVH domain, and the machine has none",
    hint: "Xen's command line needs dom0-iommu=none",
  },
  {
    // hvm_triple_fault(), xen/arch/x86/hvm/hvm.c:1689
    pattern: /Triple fault - invoking HVM shutdown action/,
    message: "the guest triple-faulted: an exception occurred while it could not handle one",
  },
  {
    // domain_watchdog_timeout(), xen/common/sched/core.c:1537; from 4.21 on "Watchdog timer 1 fired for d0"
    pattern: /^Watchdog timer (\d+ )?fired for /,
    message: "a watchdog that the guest had armed (SCHEDOP_watchdog) expired",
  },
  {
    // __domain_crash(), xen/common/domain.c:1004: Xen, not the guest, ended it.
    pattern: /^Domain \d+ \(vcpu#\d+\) crashed on cpu#\d+:/,
    message: "Xen crashed the domain because of something it did; its registers are in the log",
  },
];

/** Xen says its command line when its console runs; what it says of that line's words before is lost. */
const COMMAND_LINE = /^Command line: (?<words>.*)/;
/** dom0_construct_pv(), xen/arch/x86/pv/dom0_build.c. */
const PV_DOM0 = /^\*\*\* Building a PV Dom\d+ \*\*\*/;
/** A Xen without CONFIG_HVM takes no "dom0=pvh" (parse_dom0_param(), xen/arch/x86/dom0_build.c), and builds a PV dom0. */
const NO_HVM: Finding = {
  message: "this Xen was built without HVM (CONFIG_HVM), which PVH domains need",
  hint: "--xen 4.17",
};

/** Collects what a run's lines explain. */
export class Findings {
  readonly #found = new Set<Explanation>();
  #wantsPvh = false;
  #noHvm = false;

  read(line: string): void {
    const words = COMMAND_LINE.exec(line)?.groups?.["words"]?.split(" ");
    const dom0 = words?.filter((word) => word.startsWith("dom0=")).at(-1);
    if (dom0 !== undefined) this.#wantsPvh = dom0 === "dom0=pvh";
    if (this.#wantsPvh && PV_DOM0.test(line)) this.#noHvm = true;
    for (const explanation of EXPLANATIONS)
      if (explanation.pattern.test(line)) this.#found.add(explanation);
  }

  /** What explains most, or null. */
  get best(): Finding | null {
    if (this.#noHvm) return NO_HVM;
    return EXPLANATIONS.find((explanation) => this.#found.has(explanation)) ?? null;
  }
}
