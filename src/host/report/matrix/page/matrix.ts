/** The matrix itself, the versions above it, and the list of what failed. */
import {
  countRuns,
  matrixOf,
  type CheckResult,
  type Claim,
  type MatrixArea,
  type MatrixRow,
  type Report,
  type Run,
} from "../model.js";
import { failuresOf, logsOf } from "../reporter.js";
import { columnHead, idOfArea, MARKS } from "./overview.js";
import { html, type Markup } from "../../markup.js";
import { formatMs } from "../../../base/text.js";

export function versionList({ runs, unavailable }: Report): Markup {
  return html`<ul class="versions">
    ${runs.map(versionCard)}${unavailable.map(
      ({ label, reason }) =>
        html`<li>
          <h2>Xen ${label}</h2>
          <p class="skipped">Not available, and not tested.</p>
          <p class="quiet">${reason}</p>
        </li>`,
    )}
  </ul>`;
}

function versionCard(run: Run): Markup {
  const { total, passed, failed, skipped, controls } = countRuns([run]);
  const percent = (part: number): string => ((100 * part) / Math.max(total, 1)).toFixed(3);
  const exact = run.debianVersion ?? run.banner;
  return html`<li>
    <h2>Xen ${run.label}</h2>
    <p class="quiet">
      ${exact === null ? "never booted" : run.debianVersion === null ? exact : `Debian ${exact}`}
    </p>
    <svg class="share" aria-hidden="true">
      <rect class="passed" width="${percent(passed)}%" height="100%" />
      <rect class="failed" x="${percent(passed)}%" width="${percent(failed)}%" height="100%" />
      <rect
        class="skipped"
        x="${percent(passed + failed)}%"
        width="${percent(skipped)}%"
        height="100%"
      />
    </svg>
    <p>
      <span class="passed">${passed} passed</span>,
      <span class="${failed > 0 ? "failed" : "quiet"}">${failed} failed</span>,
      <span class="${skipped > 0 ? "skipped" : "quiet"}">${skipped} skipped</span>
    </p>
    <p class="quiet">
      ${controls} ${controls === 1 ? "control" : "controls"} red; ${run.boots}
      ${run.boots === 1 ? "boot" : "boots"}, ${formatMs(run.durationMs)}
    </p>
  </li>`;
}

export function failureList(report: Report): Markup {
  const items = [
    ...failuresOf(report).map(
      (failure) =>
        html`<li>
          <p>
            <a class="mono" href="#${idOf(failure.name)}">${failure.name}</a>
            <span class="quiet">on Xen ${failure.on.map(({ label }) => label).join(", ")}</span>
          </p>
          ${failure.title === "" ? null : html`<p>${failure.title}</p>`}
          <p class="failed">${failure.detail}</p>
          ${logsOf(failure).map(logLine)}
        </li>`,
    ),
    ...report.runs.flatMap(({ label, problems }) =>
      problems.map(
        ({ message, log }) =>
          html`<li>
            <p>Xen ${label}</p>
            <p class="failed">${message}</p>
            ${log === null ? null : logLine(log)}
          </li>`,
      ),
    ),
  ];
  if (items.length === 0) return html``;
  return html`<section aria-labelledby="failures">
    <h2 id="failures">What failed</h2>
    <ul class="failures">
      ${items}
    </ul>
  </section>`;
}

function logLine(log: string): Markup {
  return html`<p class="quiet">log: <code>${log}</code></p>`;
}

export function matrixTable({ runs }: Report, title: string, row: string): Markup {
  return html`<div class="wide">
    <table class="matrix">
      <caption class="unseen">
        ${title}
      </caption>
      <thead>
        <tr>
          <th scope="col">${row.charAt(0).toUpperCase()}${row.slice(1)}</th>
          ${runs.map((run) => html`<th scope="col" class="cell">${columnHead(run)}</th>`)}
        </tr>
      </thead>
      ${matrixOf(runs).map((area) => areaRows(area, runs))}
    </table>
  </div>`;
}

function areaRows({ area, rows }: MatrixArea, runs: readonly Run[]): Markup {
  return html`<tbody id="${idOfArea(area)}">
    <tr>
      <th scope="rowgroup" colspan="${runs.length + 1}">${area}</th>
    </tr>
    ${rows.map((row) => checkRow(row, runs))}
  </tbody>`;
}

const OPEN = html`open`;

function checkRow({ name, title, cells }: MatrixRow, runs: readonly Run[]): Markup {
  const results = cells.filter((cell) => cell !== null);
  const has = [...new Set(results.map(({ status }) => `has-${status}`))].join(" ");
  const open = results.some(({ status }) => status === "failed");
  return html`<tr class="${has}" data-name="${`${name} ${title}`.toLowerCase()}">
    <th scope="row">
      <details id="${idOf(name)}" ${open ? OPEN : null}>
        <summary>
          <span class="mono">${name}</span
          >${title === "" ? null : html`<span class="title">${title}</span>`}
        </summary>
        <dl>${alike(results).map(resultDetails)}</dl>
      </details>
    </th>
    ${cells.map((cell, at) => resultCell(cell, runs[at]?.label ?? ""))}
  </tr>`;
}

function resultCell(result: CheckResult | null, label: string): Markup {
  if (result === null)
    return html`<td class="cell quiet">·<span class="unseen"> not run on ${label}</span></td>`;
  const { status, control } = result;
  return html`<td class="cell ${status}">
    <span class="mark" aria-hidden="true" title="${result.detail}">${MARKS[status]}</span>${
      control === "red"
        ? html`<span class="control" aria-hidden="true" title="its control went red">◆</span>`
        : null
    }<span class="unseen">${status} on ${label}${control === "red" ? ", control red" : ""}</span>
  </td>`;
}

/** Versions with the same result are shown together. */
function alike(results: readonly CheckResult[]): [CheckResult, ...CheckResult[]][] {
  const groups = new Map<string, [CheckResult, ...CheckResult[]]>();
  for (const result of results) {
    const { status, detail, control, controlDetail, claims } = result;
    const key = JSON.stringify([status, detail, control, controlDetail, claims]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return [...groups.values()];
}

function resultDetails(group: [CheckResult, ...CheckResult[]]): Markup {
  const [{ status, detail, control, controlDetail, claims }] = group;
  const lines = [
    detail === "" ? null : html`<dd>${detail}</dd>`,
    control === "none" && controlDetail === ""
      ? null
      : html`<dd>Control ${control}${controlDetail === "" ? "" : `: ${controlDetail}`}</dd>`,
    claims.length === 0
      ? null
      : html`<dd>
          <ul>
            ${claims.map(claimItem)}
          </ul>
        </dd>`,
    ...new Set(group.flatMap(({ log }) => (status === "passed" ? [] : (log ?? [])))),
  ].map((line) => (typeof line === "string" ? html`<dd>log: <code>${line}</code></dd>` : line));
  const times = group.flatMap(({ durationMs }) =>
    durationMs === null ? [] : formatMs(durationMs),
  );
  return html`<dt>
      Xen ${group.map(({ xen }) => xen).join(", ")}: <span class="${status}">${status}</span
      ><span class="quiet">${times.length === 0 ? "" : ` (${times.join(", ")})`}</span>
    </dt>
    ${lines}`;
}

/** In a control, a claim that does not hold is what is wanted. */
function claimItem({ phase, ok, text }: Claim): Markup {
  const colour = phase === "control" ? "quiet" : ok ? "passed" : "failed";
  return html`<li>
    <span class="${colour}">${ok ? "✓" : "✗"}</span>
    ${phase === "control" ? "control: " : ""}${text}
  </li>`;
}

/** What a link to a check is made of: names have nothing in them that an id may not. */
function idOf(name: string): string {
  return `check-${name.replaceAll(/[^\w/-]/g, "_")}`;
}
