// A pair about a domain's end: dom0 destroys it on one vCPU while another one does something to it. Each time it is a new domain,
// with a few pages and no kernel: it never runs.

import { describeResult } from "xenlet";
import { XEN_DOMCTL_destroydomain, xen_domctl } from "xenlet/raw/abi/domctl";
import { EAGAIN, ESRCH } from "xenlet/raw/errno";
import { freePages } from "xenlet/raw/toolstack";
import { Domain, DomainConfig } from "xenlet/toolstack";
import { ToolstackSide } from "../toolstack-side";
import { isGone } from "./aftermath";
import { Pair, raceMs } from "./pair";
import { Race, RaceStep } from "./race";

/** Domains for each 100 ms that a pair runs. */
const DOMAINS_FOR_100_MS: u64 = 4;
/** Calls of the side that does not destroy, for each domain: until long after the other's. */
const CALLS: u64 = 24;
/** Ticks of the time stamp counter: the destruction comes after some of those calls. */
const SPREAD: u64 = 3_000_000;
const PAGES: u32 = 64;
const KIB_OF_DOMAIN: u64 = 1024;
const DOMAIN_IN_DOMCTL: usize = offsetof<xen_domctl>("domain");

/** A domain like any other, but for its memory. Ends dom0 if Xen refuses. */
function newDomain(config: DomainConfig): Domain {
  const kind = config.kind;
  const made = Domain.create(kind);
  if (made < 0) throw new Error("XEN_DOMCTL_createdomain = " + describeResult(made));
  const domain = new Domain(<u16>made);
  const results = [
    domain.setMaxVcpus(kind.vcpus),
    domain.setMaxMemory(KIB_OF_DOMAIN),
    domain.setPagingPool(2),
  ];
  for (let i = 0; i < results.length; i++)
    if (results[i] < 0) throw new Error("a domain was not made: " + describeResult(results[i]));
  if (domain.populate(0, PAGES, 0) != PAGES) throw new Error("XENMEM_populate_physmap came to less than all");
  return domain;
}

export abstract class DestroyPair extends Pair {
  private readonly arguments: Array<usize> = [];

  /** What the left side does to a domain that goes meanwhile: onDomain() for each call. */
  abstract calls(race: Race): void;

  build(race: Race): void {}

  /** A domctl of the left side's: a domain that no longer exists is -ESRCH. */
  protected onDomain(race: Race, what: string, cmd: u32): RaceStep {
    const step = race.left.domctl(what, cmd, 0);
    this.arguments.push(step.at);
    return step.works().may(-ESRCH, "it is gone");
  }

  /** An argument of another kind, with the domain's number `offset` bytes into it. */
  protected names(argument: usize, offset: usize): void {
    this.arguments.push(argument + offset - DOMAIN_IN_DOMCTL);
  }

  toolstack(side: ToolstackSide): void {
    const ms = U64.parseInt(raceMs());
    const before = freePages();
    const race = new Race(side.control, ms);
    this.calls(race);
    const destroy = race.right.domctl("XEN_DOMCTL_destroydomain", XEN_DOMCTL_destroydomain, 0);
    destroy.works().may(-EAGAIN, "it is to be asked again").apart(SPREAD);
    this.arguments.push(destroy.at);
    const config = new DomainConfig();
    config.kind.vcpus = 2;
    const domains = max<u64>((ms * DOMAINS_FOR_100_MS) / 100, 1);
    let gone = "";
    for (let i: u64 = 0; i < domains && gone.length == 0; i++) {
      const domain = newDomain(config);
      for (let at = 0; at < this.arguments.length; at++)
        store<u16>(this.arguments[at] + DOMAIN_IN_DOMCTL, domain.id);
      if (!race.runTimes(CALLS, 1)) break;
      gone = isGone(domain.id, before, <i64>i);
    }
    if (gone.length > 0) race.wrong(gone);
    const outcome = this.judge(side.control, race);
    if (outcome.status == "skipped") side.skip(this.check, outcome.text);
    else side.check(this.check, outcome.status == "passed", outcome.text);
  }
}
