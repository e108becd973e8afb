// xl.cfg: what xl needs to know about a domain (man xl.cfg). Only keys that xl of Xen 4.14 and all later ones know.

export interface XlDomain {
  name: string;
  /** Default: pvh. */
  type?: "pvh" | "hvm";
  /** The image's path where xl runs. */
  image: string;
  memoryMiB: number;
  vcpus: number;
  /** A PVH domain's: one of type hvm has what is in its image. */
  cmdline: string;
  /** Where a boot module's file is; PVH only. */
  ramdisk?: string;
  /** `on_…`: what xl does at each shutdown reason; what is not named is destroyed. */
  actions?: Partial<Record<XlEvent, XlAction>>;
}

export const XL_EVENTS = ["poweroff", "reboot", "crash", "watchdog", "soft_reset"] as const;
export type XlEvent = (typeof XL_EVENTS)[number];
export type XlAction =
  | "destroy"
  | "restart"
  | "rename-restart"
  | "preserve"
  | "coredump-destroy"
  | "coredump-restart"
  | "soft-reset";

/** The text of an xl.cfg that makes a domain of an image. */
export function xlConfig(domain: XlDomain): string {
  return settings(domain)
    .map(({ key, value }) => `${key} = ${value}\n`)
    .join("");
}

/** The same for a person, who may change it: each setting with what it is, and what else it may be. */
export function commentedXlConfig(domain: XlDomain): string {
  const parts = settings(domain).map(({ key, value, comment }) => {
    const comments = (comment ?? "").split("\n").filter((line) => line !== "");
    return `${comments.map((line) => `# ${line}\n`).join("")}${key} = ${value}\n`;
  });
  return parts.join("\n");
}

interface Setting {
  key: string;
  /** As xl reads it. */
  value: string;
  comment?: string;
}

const EVENT_COMMENTS: Record<XlEvent, string> = {
  poweroff:
    "What xl does when the domain has ended: destroy it, restart it, or preserve it for inspection.\n" +
    "poweroff: process.exit(), or the end of the program.",
  reboot: "SHUTDOWN_reboot, and xl reboot.",
  crash: "A trap, an abort, an uncaught exception; coredump-destroy keeps its memory as a file.",
  watchdog: "A watchdog that the guest armed and did not rearm in time.",
  soft_reset:
    "softReset.request() and kexec. Stock xl destroys a PVH domain anyway, without a message;\n" +
    "with xl/preload/soft_reset.so it resets it. It resets a domain of type hvm without the library.",
};

function settings(domain: XlDomain): Setting[] {
  return [
    {
      key: "name",
      value: quote(domain.name),
      comment: "The domain's name: xl console NAME.",
    },
    ...(domain.type === "hvm" ? hvmSettings(domain) : pvhSettings(domain)),
    { key: "memory", value: String(domain.memoryMiB), comment: "MiB." },
    { key: "vcpus", value: String(domain.vcpus) },
    ...XL_EVENTS.map((event) => ({
      key: `on_${event}`,
      value: quote(domain.actions?.[event] ?? "destroy"),
      comment: EVENT_COMMENTS[event],
    })),
  ];
}

function pvhSettings(domain: XlDomain): Setting[] {
  return [
    {
      key: "type",
      value: quote("pvh"),
      comment: "The image has a PVH entry. It needs no disk, no network card and no device model.",
    },
    {
      key: "kernel",
      value: quote(domain.image),
      comment: "Where the image is, on the machine that runs xl.",
    },
    ...(domain.ramdisk === undefined
      ? []
      : [
          {
            key: "ramdisk",
            value: quote(domain.ramdisk),
            comment: "A file that the guest receives as its boot module.",
          },
        ]),
    { key: "cmdline", value: quote(domain.cmdline), comment: "The value of commandLine()." },
  ];
}

function hvmSettings(domain: XlDomain): Setting[] {
  return [
    {
      key: "type",
      value: quote("hvm"),
      comment:
        "A whole PC, emulated by QEMU. The guest does not need it, but xl can soft-reset a domain of this type\n" +
        "without the preloaded library.",
    },
    {
      key: "firmware_override",
      value: quote(domain.image),
      comment:
        "Where the image is, on the machine that runs xl: it replaces hvmloader and is entered as PVH.",
    },
    { key: "vga", value: quote("none"), comment: "No screen, whose memory would be the guest's." },
    { key: "nographic", value: "1" },
    { key: "vnc", value: "0" },
    { key: "sdl", value: "0" },
    { key: "xen_platform_pci", value: "0" },
  ];
}

/** A string as xl's parser reads it (tools/libs/util/libxlu_cfg_l.l): in double quotes a backslash escapes. */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
