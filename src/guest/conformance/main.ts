// The conformance program. As dom0 it runs the scenarios that its job names (`scenarios=a+b`), each twice:
// as it is, and as its control. As a domain it is the guest of one (`scenario=a`); with `toolstack=xl` one that another
// toolstack made. With `symbols=a+b*` it tells where those functions of Xen's are.

import { checked, commandLineValue, evtchn, record, sched } from "xenlet";
import { SHUTDOWN_poweroff } from "xenlet/raw/abi/sched";
import { VIRQ_DOM_EXC } from "xenlet/raw/abi/xen";
import { ByteSource } from "xenlet/raw/memory";
import { onConsoleLine } from "xenlet/toolstack";
import { takeJob, xenInterface } from "xenlet/raw/toolstack";
import { CHECK_LINE, GuestSide } from "./guest-side";
import { scenarioNamed } from "./list";
import { tellSymbols } from "./symbols";
import { ToolstackSide } from "./toolstack-side";

/** Whose results the console's lines are. */
let current: ToolstackSide | null = null;

function runScenario(name: string, control: bool, image: ByteSource): void {
  const scenario = scenarioNamed(name);
  const side = new ToolstackSide(scenario, control, image);
  current = side;
  record("scenario", "name=" + name + " phase=" + (control ? "control" : "check"));
  scenario.toolstack(side);
  side.dispose();
}

function runAsToolstack(): void {
  xenInterface();
  const job = takeJob();
  const domExc = <u32>checked("EVTCHNOP_bind_virq(VIRQ_DOM_EXC)", evtchn.bindVirq(VIRQ_DOM_EXC));
  evtchn.unmask(domExc);
  onConsoleLine((domid: u16, line: string) => {
    const side = current;
    if (side && line.startsWith(CHECK_LINE)) side.pass(line.substring(CHECK_LINE.length));
    else {
      record("log", "d" + domid.toString() + ": " + line);
      if (side) side.scenario.onLine(side, line);
    }
  });
  const list = job.value("scenarios").split("+");
  for (let i = 0; i < list.length; i++) {
    runScenario(list[i], false, job.image);
    runScenario(list[i], true, job.image);
  }
}

function runAsGuest(name: string): void {
  const scenario = scenarioNamed(name);
  const control = commandLineValue("control") == "1";
  const skipsReset = control && commandLineValue("toolstack") == "xl" && !scenario.controlIsReset;
  scenario.guest(new GuestSide(control, skipsReset));
  sched.shutdown(SHUTDOWN_poweroff);
}

const scenario = commandLineValue("scenario");
const symbols = commandLineValue("symbols");
if (scenario.length > 0) runAsGuest(scenario);
else if (symbols.length > 0) tellSymbols(symbols.split("+"));
else runAsToolstack();
