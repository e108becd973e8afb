// kexec: into another kernel in the same domain, which starts over as if the domain were new.
//
//   load()      another kernel's image is checked and laid out; nothing of this kernel changes
//   prepare()   soft_reset.ts's steps; one that fails undoes all of them
//   exec()      the soft reset, and after it the jump (boot/kexec.c), which cannot fail
//
// There is no way back from the moment at which the soft reset was granted, so nothing follows it that could
// fail, and until then everything can be undone.

import { crash_reserve, frame_of, kexec_jump, shared_info_place } from "../intrinsics";
import { EBUSY, ENOENT } from "../../raw/errno";
import { PhysicalBytes } from "../memory/physical";
import { Preparation, Step, StepObserver } from "../reset/preparation";
import { needSharedInfo } from "../events/shared-info";
import { softReset, softResetSteps } from "../reset/soft-reset";
import { CrashPlan } from "./crash-plan";
import { KexecOptions, Plan } from "./plan";

@lazy let plan: Plan | null = null;
@lazy let reserve: CrashPlan | null = null;
@lazy let failure: string = "";

const MIB: u64 = 1 << 20;

class LoadedImage extends Step {
  constructor(private reset: bool) {
    super("loaded image");
  }

  run(): i64 {
    const loaded = plan;
    if (!loaded) {
      this.detail = "kexec.load() comes first";
      return -ENOENT;
    }
    if (this.reset) return 0;
    /* Without a reset Xen's page stays where it is, and it is no RAM to write a kernel to. */
    const segment = loaded.segmentOver(new PhysicalBytes(frame_of(shared_info_place()) << 12, 4096));
    if (!segment) return 0;
    this.detail = segment.name + " is over the frame of shared_info, which only a soft reset makes RAM";
    return -EBUSY;
  }
}

export namespace kexec {
  /**
   * Checks and lays out what exec() jumps into: a PVH ELF, 32 or 64 bit, anywhere in this domain's RAM (a boot
   * module, PhysicalBytes.of() an array). Returns the empty string; or what cannot be, by field and value, and then
   * an image that was loaded before is unloaded as well. The image must stay where it is until exec().
   */
  export function load(image: PhysicalBytes, options: KexecOptions = new KexecOptions()): string {
    unload();
    /* prepare() takes the upcall back, and would have to take a frame from where the plan puts its own. */
    shared_info_place();
    const next = new Plan(image, options);
    const refusal = next.make();
    if (refusal) return refusal.toString();
    plan = next;
    return "";
  }

  /** Forgets what load() took. */
  export function unload(): void {
    const loaded = plan;
    if (loaded) loaded.release();
    plan = null;
  }

  /**
   * Prepares the jump, in steps that are reported to `observer`. 0; or the errno of the step that
   * failed, everything undone: why() says which. A grant that another domain has mapped is a failure here.
   * `reset` false: for exec(false).
   */
  export function prepare(observer: StepObserver | null = null, reset: bool = true): i64 {
    const steps = softResetSteps(true);
    steps.unshift(new LoadedImage(reset));
    const result = softReset.run(new Preparation(steps, observer));
    failure = softReset.why();
    return result;
  }

  /** Takes prepare() back. */
  export function undo(): void {
    softReset.undo();
  }

  /** What kept the last prepare() or exec(). Empty if nothing did. */
  export function why(): string {
    return failure;
  }

  /**
   * prepare()s unless that is done, asks for the soft reset, and jumps. Returns only if something refused, with its
   * errno: everything is undone, and this kernel continues.
   *
   * `reset` false leaves the soft reset out, to see what the next kernel then stumbles over.
   */
  export function exec(reset: bool = true): i64 {
    if (!softReset.isPrepared()) {
      const result = prepare(null, reset);
      if (result != 0) return result;
    }
    const loaded = plan!;
    if (reset) {
      const result = softReset.request();
      if (result != 0) {
        failure = "SCHEDOP_shutdown(SHUTDOWN_soft_reset)";
        softReset.undo();
        return result;
      }
    }
    kexec_jump(loaded.page, loaded.sequenceDigits);
    return unreachable();
  }

  /**
   * Puts a kernel in reserve: when this guest traps or aborts, it asks for the soft reset and jumps to that one,
   * which finds what happened by CrashedGuest.find(). `memoryMiB` is what it gets to run in, from physical 0 on; the
   * same amount and room for the image are taken from this guest, since what is there is kept. Returns the empty
   * string; or what cannot be, as load() does.
   */
  export function onCrash(
    image: PhysicalBytes,
    options: KexecOptions = new KexecOptions(),
    memoryMiB: u32 = 8,
  ): string {
    offCrash();
    /* boot/crash.c takes the upcall back, and can map nothing any more. */
    needSharedInfo();
    const next = new CrashPlan(image, options, memoryMiB * MIB);
    const refusal = next.make();
    if (refusal) return refusal.toString();
    reserve = next;
    crash_reserve(next.page, next.info, next.sequenceDigits);
    return "";
  }

  /** Takes it back: a crash ends the domain with SHUTDOWN_crash again. */
  export function offCrash(): void {
    crash_reserve(0, 0, 0);
    const ready = reserve;
    if (ready) ready.release();
    reserve = null;
  }
}
