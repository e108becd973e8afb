/** What is known of the domain's state while the kexec story runs: what Xen told the toolstack, and what Xen answered the guest. */

export const PARTS = ["vcpu_info", "event channels", "shared_info at frame", "pages"] as const;
export type Part = (typeof PARTS)[number];
export type DomainState = Readonly<Record<Part, string>>;

/** Xen was not asked. */
export const UNKNOWN = "?";
const NOT_REGISTERED = "not registered";
const NONE = "none";

export function isPart(name: string): name is Part {
  return (PARTS as readonly string[]).includes(name);
}

export class StateFollower {
  #state: DomainState = {
    vcpu_info: UNKNOWN,
    "event channels": UNKNOWN,
    "shared_info at frame": UNKNOWN,
    pages: UNKNOWN,
  };

  /** As it is now; never changed afterwards. */
  get state(): DomainState {
    return this.#state;
  }

  /** The domain is built, and nothing of it has run. */
  created(): void {
    this.told("vcpu_info", NOT_REGISTERED);
  }

  /** What the toolstack was told by Xen. */
  told(part: Part, value: string): void {
    if (this.#state[part] !== value) this.#state = { ...this.#state, [part]: value };
  }

  /** XEN_DOMCTL_soft_reset has succeeded: state that cannot be queried is clean as well. */
  wasReset(): void {
    this.told("vcpu_info", NOT_REGISTERED);
  }

  /** Xen's answer to a hypercall, as `kernel` prints it: `EVTCHNOP_bind_virq(VIRQ_TIMER) = port 3`. */
  answered(text: string, kernel: string): void {
    if (text === "VCPUOP_register_vcpu_info = 0")
      this.told("vcpu_info", `registered by the ${kernel}`);
    const mapped = /^XENMEM_add_to_physmap\(XENMAPSPACE_shared_info\) = frame (0x[0-9a-f]+)$/.exec(
      text,
    );
    if (mapped !== null) {
      this.told("shared_info at frame", mapped[1] ?? UNKNOWN);
      // The page that was there is Xen's again, and no count has been taken since.
      this.told("pages", UNKNOWN);
    }
    const bound = /^EVTCHNOP_bind_(\w+)(?:\(\w+\))? = port (\d+)$/.exec(text);
    if (bound !== null) this.#bound(`${bound[2] ?? ""} ${bound[1] ?? ""}`);
  }

  #bound(port: string): void {
    const known = this.#state["event channels"];
    const ports = known === NONE || known === UNKNOWN ? [] : known.split(", ");
    if (ports.includes(port)) return;
    const sorted = [...ports, port].sort((a, b) => parseInt(a) - parseInt(b));
    this.told("event channels", sorted.join(", "));
  }
}
