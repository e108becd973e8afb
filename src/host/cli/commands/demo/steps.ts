/** A story as its pages and pictures show it: step by step, with what each step changed in the domain's state. */
import { PARTS, UNKNOWN, type DomainState, type Part } from "./domain-state.js";
import type { BootResult } from "../../../boot/boot.js";
import type { KexecStory, Lane, StoryLine } from "./story.js";

export interface Change {
  part: Part;
  from: string;
  to: string;
}

export interface StoryStep {
  /** From 1. */
  number: number;
  lane: Lane;
  text: string;
  atMs: number;
  details: { lane: Lane; text: string }[];
  /** Behind the step. */
  state: DomainState;
  changes: Change[];
}

/** One run of the story. */
export interface ToldStory {
  /** Whether the soft reset was made. */
  reset: boolean;
  /** It ended as it had to. */
  expected: boolean;
  /** How it ended, in one sentence. */
  text: string;
  steps: StoryStep[];
}

/** "32776 → 32777"; the new value alone where the old one is not known, and of a list that grows what is added. */
export function showChange({ from, to }: Change): string {
  if (from === UNKNOWN) return to;
  return to.startsWith(`${from}, `) ? `+ ${to.slice(from.length + 2)}` : `${from} → ${to}`;
}

export function toldStory(story: KexecStory, result: BootResult): ToldStory {
  const { expected, text } = story.verdict(result);
  return { reset: story.reset, expected, text, steps: stepsOf(story.lines) };
}

export function stepsOf(lines: readonly StoryLine[]): StoryStep[] {
  const steps: StoryStep[] = [];
  for (const { number, lane, text, atMs, state } of lines) {
    const step = steps.at(-1);
    if (number !== null) steps.push({ number, lane, text, atMs, details: [], state, changes: [] });
    else if (step !== undefined) {
      step.details.push({ lane, text });
      step.state = state;
    }
  }
  for (const [index, step] of steps.entries()) {
    step.changes = changesOf(steps[index - 1]?.state, step.state);
    const said = step.changes.map((change) => `${change.part}: ${showChange(change)}`);
    step.details = step.details.filter(({ text }) => !said.includes(text));
  }
  return steps;
}

function changesOf(from: DomainState | undefined, to: DomainState): Change[] {
  return PARTS.map((part) => ({ part, from: from?.[part] ?? UNKNOWN, to: to[part] })).filter(
    ({ from: before, to: now }) => before !== now && now !== UNKNOWN,
  );
}

/**
 * The same without what differs from run to run: times, addresses, checksums and sizes are shown as "…". For pictures that
 * are kept.
 */
export function withoutMeasures(story: ToldStory): ToldStory {
  const mask = (text: string): string =>
    text.replaceAll(/0x[0-9a-f]+|\d+\.\d+|\d{4,}/g, "…").replaceAll(/…(?: …)+/g, "…");
  return {
    ...story,
    steps: story.steps.map((step) => ({
      ...step,
      atMs: 0,
      text: mask(step.text),
      details: step.details
        .map(({ lane, text }) => ({ lane, text: mask(text) }))
        // A masked number of pages carries no information.
        .filter(({ text }) => !text.startsWith("pages: ")),
      changes: step.changes
        .filter(({ part }) => part !== "pages")
        .map(({ part, from, to }) => ({ part, from: mask(from), to: mask(to) })),
    })),
  };
}
