/** What else a run tells: the timeline of one soft reset, the domain's state around it, endurance. */
import { EXPECTATIONS, answerOn } from "../expectations.js";
import {
  isFlat,
  type Report,
  type Run,
  type Series,
  type StateRow,
  type TimelineStage,
} from "../../../report/matrix/model.js";
import { parseVersion } from "../version.js";
import { columnHead } from "../../../report/matrix/page/overview.js";
import { html, type Markup } from "../../../report/markup.js";

function section(id: string, title: string, text: string, body: Markup | null): Markup {
  if (body === null) return html``;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <p class="quiet">${text}</p>
    ${body}
  </section>`;
}

/** Names in the order in which they first appear. */
function namesOf(rows: readonly { name: string }[]): string[] {
  return [...new Set(rows.map(({ name }) => name))];
}

function versionsTable(
  of: string,
  runs: readonly Run[],
  body: readonly Markup[],
  kind: string,
): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${of} by versions of Xen">
    <table class="${kind}">
      <thead>
        <tr>
          <th scope="col">${of}</th>
          ${runs.map((run) => html`<th scope="col">Xen ${columnHead(run)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

export function timelines(report: Report): Markup {
  const runs = report.runs.filter(({ timeline }) => timeline.length > 0);
  const end = Math.max(1, ...runs.flatMap(({ timeline }) => timeline.map(({ ns }) => ns)));
  const names = namesOf(runs.flatMap(({ timeline }) => timeline));
  const rows = names.map(
    (name) =>
      html`<tr>
        <th scope="row">${name}</th>
        ${runs.map(({ timeline }) => stageCell(timeline, name, end))}
      </tr>`,
  );
  const total = html`<tr class="total">
    <th scope="row">all together</th>
    ${runs.map(
      ({ timeline }) =>
        html`<td>
          <span class="number">${showNs(Math.max(...timeline.map(({ ns }) => ns)))}</span>
        </td>`,
    )}
  </tr>`;
  return section(
    "timeline",
    "One soft reset, stage by stage",
    "From the guest's SCHEDOP_shutdown(SHUTDOWN_soft_reset) on, by Xen's system time, all versions " +
      "on one scale. A bar is the way from the stage before to this one; the longest stands out.",
    runs.length === 0 ? null : versionsTable("Stage", runs, [...rows, total], "timeline"),
  );
}

function stageCell(timeline: readonly TimelineStage[], name: string, end: number): Markup {
  const steps = timeline.map(({ ns }, at) => ns - (timeline[at - 1]?.ns ?? 0));
  const at = timeline.findIndex((stage) => stage.name === name);
  const stage = timeline[at];
  const takes = steps[at];
  if (stage === undefined || takes === undefined) return html`<td class="quiet">–</td>`;
  // What is too short to be seen is still there.
  const width = Math.max((100 * takes) / end, 0.8);
  const from = Math.min((100 * (stage.ns - takes)) / end, 100 - width);
  const longest = takes > 0 && takes === Math.max(...steps);
  return html`<td title="${showNs(stage.ns)} after the request">
    <span class="measured">
      <svg class="bar" aria-hidden="true">
        <line class="track" x1="0" x2="100%" y1="50%" y2="50%" />
        <rect
          class="${longest ? "longest" : "span"}"
          x="${from.toFixed(2)}%"
          width="${width.toFixed(2)}%"
          y="15%"
          height="70%"
        />
      </svg>
      <span class="number">${showNs(takes)}</span>
    </span>
  </td>`;
}

/** Three figures, in the unit that fits: "412 ns", "12.4 µs", "1.03 ms". */
export function showNs(ns: number): string {
  const unit = ns < 1e3 ? "ns" : ns < 1e6 ? "µs" : "ms";
  const value = ns / { ns: 1, µs: 1e3, ms: 1e6 }[unit];
  const digits = unit === "ns" || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

export function stateTables({ runs }: Report): Markup {
  // Versions that agree share a table.
  const groups = new Map<string, { labels: string[]; state: StateRow[] }>();
  for (const { label, state } of runs) {
    if (state.length === 0) continue;
    const key = JSON.stringify(state);
    const group = groups.get(key) ?? { labels: [], state };
    groups.set(key, group);
    group.labels.push(label);
  }
  return section(
    "state",
    "The domain's state, as Xen sees it",
    "Before the request, while the domain is shut down, and after the reset. What has changed since " +
      "the column before is marked.",
    groups.size === 0
      ? null
      : html`<div class="figures">${[...groups.values()].map(stateTable)}</div>`,
  );
}

function stateTable({ labels, state }: { labels: string[]; state: StateRow[] }): Markup {
  return html`<figure class="wide" tabindex="0">
    <figcaption>Xen ${labels.join(", ")}</figcaption>
    <table class="state">
      <thead>
        <tr>
          <th scope="col"><span class="unseen">Part of the state</span></th>
          <th scope="col">before</th>
          <th scope="col">at shutdown</th>
          <th scope="col">after the reset</th>
        </tr>
      </thead>
      <tbody>
        ${state.map(
          ({ name, before, atShutdown, afterReset }) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>${before}</td>
              ${stateCell(atShutdown, before)}${stateCell(afterReset, atShutdown)}
            </tr>`,
        )}
      </tbody>
    </table>
  </figure>`;
}

function stateCell(now: string, before: string): Markup {
  return now === before
    ? html`<td>${now}</td>`
    : html`<td><mark>${now}</mark><span class="unseen"> (changed)</span></td>`;
}

export function seriesFigures(report: Report): Markup {
  const runs = report.runs.filter(({ series }) => series.length > 0);
  const names = namesOf(runs.flatMap(({ series }) => series));
  const rows = names.map(
    (name) =>
      html`<tr>
        <th scope="row">${name}</th>
        ${runs.map(({ series }) => seriesCell(series.find((one) => one.name === name)))}
      </tr>`,
  );
  return section(
    "endurance",
    "Endurance",
    "Sampled over many soft resets of one domain. Each of these must not move.",
    runs.length === 0 ? null : versionsTable("Quantity", runs, rows, "series"),
  );
}

function seriesCell(series: Series | undefined): Markup {
  if (series === undefined) return html`<td class="quiet">–</td>`;
  const { values } = series;
  const least = Math.min(...values);
  const most = Math.max(...values);
  const flat = isFlat(series);
  const points = values
    .map((value, at) => {
      const x = (100 * at) / Math.max(values.length - 1, 1);
      const y = flat ? 50 : 90 - (80 * (value - least)) / (most - least);
      return `${x.toFixed(2)},${y.toFixed(2)}`;
    })
    .join(" ");
  return html`<td title="${values.length} samples">
    <span class="measured">
      <svg class="bar" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <polyline class="${flat ? "line" : "line moved"}" points="${points}" />
      </svg>
      <span class="number ${flat ? "" : "failed"}"
        >${flat ? `${least}` : `${least} … ${most}`}</span
      >
    </span>
  </td>`;
}

/** The known differences, as they were expected of these versions. */
export function differences({ runs }: Report): Markup {
  if (runs.length === 0) return html``;
  const expected = (run: Run, at: number): string => {
    const difference = EXPECTATIONS.differences[at];
    const version = parseVersion(run.banner) ?? parseVersion(run.debianVersion);
    const answer =
      difference === undefined || version === null ? null : answerOn(difference, version);
    return answer === null ? "not known" : answer.means || answer.expected;
  };
  return html`<section aria-labelledby="differences">
    <h2 id="differences">Where versions are known to differ</h2>
    <p class="quiet">
      Expectations that the checks above were held against. A difference that is not here is a
      failure.
    </p>
    <div class="wide" tabindex="0" role="region" aria-label="Known differences">
      <table class="differences">
        <thead>
          <tr>
            <th scope="col">Observed</th>
            ${runs.map(({ label }) => html`<th scope="col">${label}</th>`)}
            <th scope="col">Changed by</th>
          </tr>
        </thead>
        <tbody>
          ${EXPECTATIONS.differences.map(
            ({ what, answers }, at) =>
              html`<tr>
                <th scope="row">${what}</th>
                ${runs.map((run) => html`<td class="mono whole">${expected(run, at)}</td>`)}
                <td>
                  ${answers
                    .filter(({ commit }) => commit !== null)
                    .map(
                      ({ from, commit }, index) =>
                        html`${index === 0 ? "" : ", "}<code>${commit}</code> (${from})`,
                    )}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
