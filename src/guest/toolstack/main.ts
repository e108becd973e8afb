// The program that Xen boots as dom0 for `xenlet run`: waits for its job, makes one domain of the image in it, serves it,
// and ends the machine when the domain has ended. Its records tell how.

import { SHUTDOWN_reboot, SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { describeResult } from "xenlet/raw/errno";
import { evtchn } from "xenlet/internal/events/evtchn";
import { checked } from "xenlet/raw/hypercall";
import { say_stage } from "xenlet/internal/intrinsics";
import { waitForEvents } from "xenlet/internal/loop/loop";
import { record } from "xenlet/internal/console/record";
import { sched } from "xenlet/internal/sched/sched";
import { VIRQ_CONSOLE, VIRQ_DOM_EXC } from "xenlet/raw/abi/xen";
import { ClockCheck } from "xenlet/toolstack/clock-check";
import { Config, OnSoftReset } from "xenlet/toolstack/config";
import { Domain } from "xenlet/toolstack/domain";
import { DOMAIN_STATE, domainState, stateField } from "xenlet/toolstack/domain-state";
import { Guest } from "xenlet/toolstack/guest";
import { Image } from "xenlet/toolstack/image";
import { xenInterface } from "xenlet/toolstack/interface";
import { takeJob } from "xenlet/toolstack/job";
import { report } from "xenlet/toolstack/report";
import { store } from "xenlet/toolstack/store";
import { Typing } from "xenlet/toolstack/console-input";
import { setWallClock } from "xenlet/toolstack/wall-clock";

/** It cannot fail, and QEMU, started with -no-reboot, ends by it. */
function endMachine(): void {
  sched.shutdown(SHUTDOWN_reboot);
}

/** Far more than a crystal is off, and less than two hosts' frequencies differ. */
const MAX_DRIFT_PPM: i64 = 20_000;

/** Of a machine that may have been restored: then the host is told, and boots it again. */
function judgeClock(check: ClockCheck | null): void {
  if (!check) return;
  const drift = check.possible ? check.drift() : 0;
  if (check.possible && abs(drift) <= MAX_DRIFT_PPM) return;
  report(0, "clock-differs", check.possible ? "ppm=" + drift.toString() : "ppm=?");
  endMachine();
}

/** What Xen had of the domain when it asked for a soft reset; empty if not requested. */
let before: string[] = [];

/** Xen's state of the domain at a point of its life, if the host asked for it. */
function tellState(domain: Domain, config: Config, when: string): void {
  if (!config.tellState) return;
  const state = domainState(domain);
  for (let i = 0; i < state.length; i++)
    report(
      domain.id,
      "state",
      "when=" + when + " name=" + stateField(DOMAIN_STATE[i]) + " now=" + stateField(state[i]),
    );
}

/** Said before the domain runs on, and so before whatever the next kernel says. */
function tellReset(guest: Guest): void {
  const id = guest.domain.id;
  const after = before.length > 0 ? domainState(guest.domain) : before;
  for (let i = 0; i < before.length; i++)
    report(
      id,
      "state",
      "name=" +
        stateField(DOMAIN_STATE[i]) +
        " before=" +
        stateField(before[i]) +
        " after=" +
        stateField(after[i]),
    );
  report(id, "soft-reset", "result=0");
}

/** What follows a shutdown for reason 5; whether the domain continues. */
function onSoftReset(guest: Guest, config: Config): bool {
  const id = guest.domain.id;
  switch (config.onSoftReset) {
    case OnSoftReset.SOFT_RESET: {
      if (config.tellState) before = domainState(guest.domain);
      const result = guest.softReset(tellReset);
      if (result < 0) report(id, "soft-reset", "result=" + result.toString());
      return result == 0;
    }
    case OnSoftReset.RESUME: {
      const result = guest.domain.resume();
      report(id, "resumed", "result=" + result.toString());
      return result == 0;
    }
    default:
      report(id, "unknown-reason", "reason=" + SHUTDOWN_soft_reset.toString());
      return false;
  }
}

xenInterface();
const job = takeJob();
/* The machine may have been asleep for years. */
if (job.waited) setWallClock(job.written);
const check: ClockCheck | null = job.waited ? new ClockCheck() : null;
const config = new Config(job.words);

/** What Xen has told of: it is asked no more than that, since each question costs as much as what it is about. */
class News {
  /** A domain has shut down or no longer exists. */
  domain: bool = false;
  /** Input was typed; at the start perhaps before anything listened. */
  typed: bool = true;
}
const news = new News();
evtchn.on(
  <u32>checked("EVTCHNOP_bind_virq(VIRQ_DOM_EXC)", evtchn.bindVirq(VIRQ_DOM_EXC)),
  news,
  (news: News, port: u32) => {
    news.domain = true;
  },
);
evtchn.on(
  <u32>checked("EVTCHNOP_bind_virq(VIRQ_CONSOLE)", evtchn.bindVirq(VIRQ_CONSOLE)),
  news,
  (news: News, port: u32) => {
    news.typed = true;
  },
);

config.domain.modules = job.files.slice(1);
say_stage(); // a large domain takes its time
const guest = new Guest(config.domain, new Image(job.image), store);
/* While the domain was made, both clocks ran on. */
judgeClock(check);
report(guest.domain.id, "created", "interface=" + xenInterface().domctl.toString());
tellState(guest.domain, config, "created");
checked("XEN_DOMCTL_unpausedomain", guest.domain.unpause());
const typing = new Typing(guest.console);

while (true) {
  waitForEvents();
  if (news.typed || typing.waiting > 0) {
    news.typed = false;
    const typed = typing.pump();
    if (typed > 0) record("typed", "bytes=" + typed.toString());
  }
  if (!news.domain) continue;
  news.domain = false;
  const info = guest.domain.info();
  if (info.result < 0) throw new Error("XEN_DOMCTL_getdomaininfo = " + describeResult(info.result));
  if (!info.isShutdown) continue;
  /* What it said before comes before what is said of it. */
  guest.console.drain();
  if (config.tellState)
    report(
      guest.domain.id,
      "shut-down",
      "reason=" +
        info.reason.toString() +
        " online=" +
        info.onlineVcpus.toString() +
        " pages=" +
        info.totPages.toString(),
    );
  if (info.reason == SHUTDOWN_soft_reset && onSoftReset(guest, config)) continue;
  guest.finishConsole();
  tellState(guest.domain, config, "ended");
  report(guest.domain.id, "ended", "reason=" + info.reason.toString());
  while (config.hold) waitForEvents();
  guest.destroy();
  endMachine();
}
