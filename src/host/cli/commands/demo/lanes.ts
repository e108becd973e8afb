/** The three lanes of a story: one for each of those that do something in it. */
import type { Lane } from "./story.js";

export const LANES: readonly { lane: Lane; name: string; about: string }[] = [
  { lane: "guest", name: "guest", about: "the kernel that runs in the domain" },
  { lane: "toolstack", name: "toolstack", about: "creates and serves the domain, in dom0" },
  { lane: "xen", name: "Xen", about: "the hypervisor: its answers and what it changes" },
];

/** Colours that the colour-blind tell apart (Okabe and Ito's); each lane's mark has a shape of its own beside them. */
const COLOURS: Readonly<Record<"light" | "dark", Readonly<Record<Lane, string>>>> = {
  light: { guest: "#0072b2", toolstack: "#c04a00", xen: "#007a5a" },
  dark: { guest: "#56b4e9", toolstack: "#f0a04b", xen: "#2fc79a" },
};

/** CSS: each lane's colour as a variable of its name. */
export function laneVariables(scheme: "light" | "dark"): string {
  return LANES.map(({ lane }) => `--${lane}: ${COLOURS[scheme][lane]};`).join(" ");
}

/** CSS for SVG, which has no variables everywhere: each lane's colour as its class's fill. */
export function laneFills(scheme: "light" | "dark"): string {
  return LANES.map(({ lane }) => `.${lane} { fill: ${COLOURS[scheme][lane]}; }`).join(" ");
}
