// A check of the plan.

/** A check as it is announced, before anything runs. */
export interface PlannedCheck {
  /** Never changes: "event-channels/virq-rebind". */
  name: string;
  /** What it claims, in one sentence. */
  title: string;
  /** What it is listed under: "Event channels". */
  area: string;
  /** `--suite`: what it is run with. */
  suite: string;
  /** Why stock xl cannot show it; null: it can. */
  notUnderXl: string | null;
  /** Whether it has a control, which then must go red. */
  control: boolean;
  /** Checks of one group share what they run in: they are kept together. Default: a group of its own. */
  group?: string;
  /** Checks of different machines share no boot. Default: the one that most have. */
  machine?: string;
  /** A rough idea of its length in ms, control included; only spreads checks over boots. Default 150. */
  costMs?: number;
}
