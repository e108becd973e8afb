/** The page's overview: areas by versions of Xen, with the number of checks of each result, and the legend beside it. */
import { html, type Markup } from "../../markup.js";
import {
  countRuns,
  matrixOf,
  type CheckResult,
  type CheckStatus,
  type Report,
  type Run,
} from "../model.js";

export const MARKS: Record<CheckStatus, string> = { passed: "✓", failed: "✗", skipped: "–" };
/** In the order of their weight: the first that occurs colours its cell. */
const STATUSES = ["failed", "passed", "skipped"] as const;

export function overview({ runs }: Report): Markup {
  const areas = matrixOf(runs);
  if (areas.length === 0) return html``;
  const totals = runs.map(({ checks }) => tallyCell(checks));
  return html`<section aria-labelledby="overview">
    <h2 id="overview">Overview</h2>
    <div class="overview">
      <div class="wide" tabindex="0" role="region" aria-label="Areas by versions of Xen">
        <table class="tallies">
          <thead>
            <tr>
              <th scope="col">Area</th>
              ${runs.map((run) => html`<th scope="col">${columnHead(run)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${areas.map(
              ({ area, rows }) =>
                html`<tr>
                  <th scope="row"><a href="#${idOfArea(area)}">${area}</a></th>
                  ${runs.map((_, at) => tallyCell(rows.flatMap(({ cells }) => cells[at] ?? [])))}
                </tr>`,
            )}
            <tr class="total">
              <th scope="row">All</th>
              ${totals}
            </tr>
          </tbody>
        </table>
      </div>
      ${legend(countRuns(runs).controls > 0)}
    </div>
  </section>`;
}

/** A column's heading. For a hypervisor given as a file, its version is below the file's name: several may have the same name. */
export function columnHead({ label, debianVersion, banner }: Run): Markup {
  return html`<span>${label}</span>${
      debianVersion === null && banner !== null ? html` <span class="exact">${banner}</span>` : null
    }`;
}

/** Where the matrix has that area. */
export function idOfArea(area: string): string {
  return `area-${area.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
}

function tallyCell(checks: readonly CheckResult[]): Markup {
  const counts = STATUSES.map((status) => ({
    status,
    count: checks.filter((check) => check.status === status).length,
  })).filter(({ count }) => count > 0);
  const [heaviest] = counts;
  if (heaviest === undefined)
    return html`<td class="quiet">·<span class="unseen"> not run</span></td>`;
  return html`<td class="has-${heaviest.status}">
    ${counts.map(
      ({ status, count }) =>
        html`<span class="${status}"
          ><span aria-hidden="true">${MARKS[status]}</span>&#8239;${count}<span class="unseen">
            ${status}</span
          ></span
        > `,
    )}
  </td>`;
}

function legend(controls: boolean): Markup {
  return html`<aside class="legend" aria-label="Legend">
    <dl>
      <dt class="passed">✓</dt>
      <dd>passed</dd>
      <dt class="failed">✗</dt>
      <dd>failed</dd>
      <dt class="skipped">–</dt>
      <dd>skipped, with the reason</dd>
      <dt>·</dt>
      <dd>not run</dd>
      ${
        controls
          ? html`<dt>◆</dt>
              <dd>
                its control went red, as it must: the same check without the reset, or with the
                thing under test broken on purpose
              </dd>`
          : null
      }
    </dl>
  </aside>`;
}
