// Which of the two event channel ABIs this domain uses: the 2-level one from its first use of an event channel on, FIFO
// where the program asks for it, and the 2-level one again when Xen has closed every port.

import { checked } from "../../raw/hypercall";
import { EVTCHNOP_unmask } from "../../raw/abi/event_channel";
import { EINVAL } from "../../raw/errno";
import { removeEventHandlers } from "../loop/event-handlers";
import { Part, PartOrder, addPart } from "../reset/part";
import { forgetOwners } from "./event-view";
import { Fifo } from "./fifo";
import { forgetOurs } from "./own-ports";
import { EventAbi } from "./port-abi";
import { portOp } from "./port-op";
import { needSharedInfo } from "./shared-info";
import { TwoLevel } from "./two-level";

@lazy let abiInUse: EventAbi | null = null;
@lazy let fifoAbi: Fifo | null = null;

/** Event channels before a soft reset: Xen closes them all, but leaves the masks as they are. */
class EventChannels extends Part {
  private masked: Array<u32> = [];

  constructor() {
    super("event channels", PartOrder.EVENTS);
  }

  run(): i64 {
    this.masked = abi().unmaskedPorts();
    for (let i = 0; i < this.masked.length; i++) abi().mask(this.masked[i]);
    this.detail = this.masked.length.toString() + " masked";
    return 0;
  }

  /** By hypercall: what became pending meanwhile raises its upcall. */
  undo(): void {
    for (let i = 0; i < this.masked.length; i++) {
      const port = this.masked[i];
      checked("EVTCHNOP_unmask(" + port.toString() + ")", portOp(EVTCHNOP_unmask, port));
    }
  }

  attached(): void {
    forgetPorts();
  }
}

let known = false;

/** Everything that binds a port or unmasks an event must follow the first call of this: it enables the upcall. */
export function abi(): EventAbi {
  const inUse = abiInUse;
  return inUse ? inUse : begin();
}

function begin(): EventAbi {
  needSharedInfo();
  if (!known) addPart(new EventChannels());
  known = true;
  const first = new TwoLevel();
  abiInUse = first;
  return first;
}

/** Xen has closed every port, and is back at the 2-level ABI. */
export function forgetPorts(): void {
  abi().reset();
  abiInUse = null;
  abi().reset();
  forgetOurs();
  forgetOwners();
  removeEventHandlers();
}

export function fifoInUse(): bool {
  const fifo = fifoAbi;
  return fifo != null && abiInUse === fifo;
}

/** 0; -EINVAL when it is in use already; -ENOMEM. */
export function startFifo(): i64 {
  let fifo = fifoAbi;
  if (!fifo) fifoAbi = fifo = new Fifo();
  if (abiInUse === fifo) return -EINVAL;
  const before = abi();
  const result = fifo.start(before);
  if (result == 0) abiInUse = fifo;
  return result;
}
