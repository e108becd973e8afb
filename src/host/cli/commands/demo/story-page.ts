/** `xenlet demo --html`: the kexec story with the soft reset and without it, side by side, as one page. */
import { html, type Markup } from "../../../report/markup.js";
import { pageOf } from "../../../report/page.js";
import { PARTS, UNKNOWN, type Part } from "./domain-state.js";
import { LANES } from "./lanes.js";
import { STYLE } from "./page-style.js";
import { showChange, type Change, type StoryStep, type ToldStory } from "./steps.js";
import type { Lane } from "./story.js";

/** For a reader who is new to them. */
const TERMS: Readonly<Record<Part, string>> = {
  vcpu_info:
    "Memory of a vCPU in which Xen publishes the time and sets the bit that says an event is pending. A guest registers " +
    "it once; a second registration is refused.",
  "event channels":
    "Numbered ports on which Xen delivers events: from other domains, timers (virq), or other vCPUs (ipi). A port that the " +
    "old kernel bound stays bound until it is closed.",
  "shared_info at frame":
    "A page that Xen shares with the domain, placed at a frame that the kernel chooses. Xen keeps writing to that frame " +
    "after the next kernel has taken it for ordinary memory.",
  pages: "Memory that the domain owns. A soft reset must lose none of it.",
};

export function storyPage(xen: string, stories: readonly ToldStory[]): string {
  const title = "A soft reset before kexec, and the same without it";
  const body = html`<a class="skip" href="#story-0">To the steps</a>
    <header>
      <h1>${title}</h1>
      <p>
        A kernel on Xen starts another one in its place (kexec). The domain still has what the first
        kernel registered with Xen, and the second kernel cannot register it again. So the first one
        asks for a soft reset before it jumps: the toolstack has Xen clean the domain, its memory
        stays, and the call returns. Every line below happened in two runs on ${xen}.
      </p>
      <dl class="terms">
        ${PARTS.map(
          (part) =>
            html`<div>
              <dt>${part}</dt>
              <dd>${TERMS[part]}</dd>
            </div>`,
        )}
      </dl>
      <ul class="legend" aria-label="Lanes">
        ${LANES.map(
          ({ lane, name, about }) =>
            html`<li><span class="mark ${lane}" aria-hidden="true"></span>${name}: ${about}</li>`,
        )}
      </ul>
    </header>
    <main>
      <div class="stories">${stories.map(storySection)}</div>
      ${stateTable(stories)}
    </main>
    <footer>
      Made by <code>xenlet demo --html</code>. Times are the host's, since the domain was created;
      the two runs are separate boots.
    </footer>`;
  return pageOf({ title, generator: "xenlet demo", style: STYLE, body });
}

function nameOf({ reset }: ToldStory): string {
  return reset ? "With the soft reset" : "Without it";
}

function storySection(story: ToldStory, index: number): Markup {
  return html`<section aria-labelledby="story-${index}">
    <h2 id="story-${index}">${nameOf(story)}</h2>
    <ol class="steps">
      ${story.steps.map((step) => stepItem(step, index))}
    </ol>
    <p class="verdict">${story.expected ? "" : "Not as expected: "}${story.text}.</p>
  </section>`;
}

function stepItem(step: StoryStep, story: number): Markup {
  return html`<li class="step" id="story-${story}-step-${step.number}">
    ${row(
      step.lane,
      step.lane,
      html`<span class="number">${step.number}.</span> ${step.text}
        <span class="at">${step.atMs.toFixed(1)} ms</span>`,
    )}
    ${step.details.map(({ lane, text }) =>
      row(lane, step.lane, html`<span class="detail">${text}</span>`),
    )}
    ${step.changes.length === 0 ? null : row(null, null, changeList(step.changes))}
  </li>`;
}

/** `from`: the lane that asked, where another one answers. */
function row(lane: Lane | null, from: Lane | null, words: Markup): Markup {
  const at = LANES.findIndex((one) => one.lane === lane);
  const asked = LANES.findIndex((one) => one.lane === from);
  const [first, last] = [Math.min(at, asked), Math.max(at, asked)];
  const isCall = first >= 0 && first !== last;
  return html`<div class="row${isCall ? " call" : ""}">
    ${LANES.map(
      ({ lane: one, name }, index) =>
        html`<span class="cell${isCall && index >= first && index <= last ? " way" : ""}"
          >${
            one === lane
              ? html`<span class="mark ${one}"></span><span class="unseen">${name}: </span>`
              : null
          }</span
        >`,
    )}
    <span class="words">${words}</span>
  </div>`;
}

function changeList(changes: readonly Change[]): Markup {
  return html`<ul class="changes" aria-label="Changes in the domain's state">
    ${changes.map((change) => html`<li><b>${change.part}</b>: ${showChange(change)}</li>`)}
  </ul>`;
}

/** The state at the moments that matter, both runs beside each other. */
function stateTable(stories: readonly ToldStory[]): Markup {
  const columns = stories.flatMap((story) => {
    const jump = story.steps.findIndex(({ text }) => text.startsWith("jump:"));
    const moments: [string, StoryStep | undefined][] = [
      ["when created", story.steps[0]],
      ["at the jump", story.steps[jump]],
      ["at the end", story.steps.at(-1)],
    ];
    return moments.flatMap(([when, step]) =>
      step === undefined ? [] : [{ title: `${nameOf(story)}, ${when}`, state: step.state }],
    );
  });
  return html`<section class="states" aria-labelledby="states">
    <h2 id="states">The domain's state, both runs</h2>
    <p class="quiet">${UNKNOWN}: Xen was not asked at that moment.</p>
    <div class="wide" tabindex="0" role="region" aria-labelledby="states">
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${PARTS.map(
            (part) =>
              html`<tr>
                <th scope="row">${part}</th>
                ${columns.map(({ state }) => html`<td>${state[part]}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
