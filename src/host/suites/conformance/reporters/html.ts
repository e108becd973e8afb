/** The matrix as one page (src/host/report/page.ts). */
import { plural } from "../../../base/text.js";
import { html, type Markup } from "../../../report/markup.js";
import { pageOf } from "../../../report/page.js";
import { formatMs } from "../../../boot/stages.js";
import { countRuns, runFailed, type Report, type Run } from "../model.js";
import { differences, seriesFigures, stateTables, timelines } from "./page/figures.js";
import { failureList, matrixTable, versionList } from "./page/matrix.js";
import { overview } from "./page/overview.js";
import { SCRIPT } from "./page/script.js";
import { STYLE } from "./page/style.js";
import { describeCounts, describeShard, type MatrixReporter } from "./reporter.js";

export const htmlReporter: MatrixReporter = (report) =>
  pageOf({
    title: `Soft reset conformance, Xen ${report.runs.map(({ label }) => label).join(", ")}`,
    generator: "xenlet conform",
    style: STYLE,
    script: SCRIPT,
    body: body(report),
  });

function body(report: Report): Markup {
  return html`<a class="skip" href="#matrix">To the matrix</a>
    <header>
      <h1>Soft reset conformance</h1>
      ${verdict(report)}
    </header>
    <main>
      ${overview(report)} ${versionList(report)} ${failureList(report)}
      <section aria-labelledby="matrix">
        <h2 id="matrix">Checks by versions of Xen</h2>
        ${FILTER} ${matrixTable(report)}
      </section>
      ${timelines(report)} ${stateTables(report)} ${seriesFigures(report)} ${differences(report)}
    </main>
    <footer>
      Made by <code>xenlet conform</code>. To repeat it:
      <code>xenlet conform${report.runs.map(xenOption)}</code>
    </footer>`;
}

/** A file is known by its name alone. */
function xenOption({ label, debianVersion }: Run): string {
  return ` --xen ${debianVersion === null ? "path/to/" : ""}${label}`;
}

function verdict(report: Report): Markup {
  const { failed, problems } = countRuns(report.runs);
  const bad = report.runs.some(runFailed);
  const words = bad
    ? `${failed} failed${problems === 0 ? "" : `, and ${plural(problems, "other problem")}`}.`
    : report.runs.length === 0
      ? "Nothing was tested."
      : "Nothing failed.";
  const shard = describeShard(report);
  return html`<p class="verdict">
      <strong class="${bad || report.runs.length === 0 ? "failed" : "passed"}">${words}</strong>
      ${describeCounts(report.runs)}.
    </p>
    <p class="facts">
      Began ${report.began.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")}, took
      ${formatMs(report.durationMs)}${shard === "" ? "" : `; ${shard}`}.
    </p>`;
}

const FILTER = html`<form class="filter" aria-label="Which checks are shown">
  <fieldset>
    <legend class="unseen">Show</legend>
    <label><input type="radio" name="show" value="all" checked /> All</label>
    <label><input type="radio" name="show" value="failed" /> Failed</label>
    <label><input type="radio" name="show" value="skipped" /> Skipped</label>
  </fieldset>
  <label>
    <span class="unseen">Part of a name</span>
    <input type="search" name="words" placeholder="part of a name" autocomplete="off" />
  </label>
  <output name="count" aria-live="polite"></output>
</form>`;
