// xl.cfg: what xl is told of a domain (man xl.cfg). Only keys that xl of Xen 4.14 and all later ones know.

export interface XlDomain {
  name: string;
  /** The image's path where xl runs. */
  image: string;
  memoryMiB: number;
  vcpus: number;
  cmdline: string;
  /** Where a boot module's file is. */
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

/** The text of an xl.cfg that makes a PVH domain of an image. */
export function xlConfig(domain: XlDomain): string {
  const actions = XL_EVENTS.map(
    (event) => `on_${event} = ${quote(domain.actions?.[event] ?? "destroy")}`,
  );
  return lines([
    `name = ${quote(domain.name)}`,
    `type = "pvh"`,
    `kernel = ${quote(domain.image)}`,
    ...(domain.ramdisk === undefined ? [] : [`ramdisk = ${quote(domain.ramdisk)}`]),
    `cmdline = ${quote(domain.cmdline)}`,
    `memory = ${domain.memoryMiB}`,
    `vcpus = ${domain.vcpus}`,
    ...actions,
  ]);
}

function lines(all: string[]): string {
  return all.map((line) => `${line}\n`).join("");
}

/** A string as xl's parser reads it (tools/libs/util/libxlu_cfg_l.l): in double quotes a backslash escapes. */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
