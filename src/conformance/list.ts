// All scenarios, in the order in which they run.

import { Scenario } from "./scenario";
import { EventChannels } from "./scenarios/event-channels";

export function scenarios(): Array<Scenario> {
  return [new EventChannels()];
}

/** The scenario of that name. Ends the program where there is none. */
export function scenarioNamed(name: string): Scenario {
  const all = scenarios();
  for (let i = 0; i < all.length; i++) if (all[i].name == name) return all[i];
  throw new Error("there is no scenario " + name);
}
