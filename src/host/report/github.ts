/**
 * What failed, as GitHub Actions shows it beside the source: workflow commands, which its runner reads from stdout
 * (docs.github.com, "Workflow commands").
 */
import { casesOf, isFailure, type Place, type ReportSuite } from "./model.js";

export function annotationsOf({ file, children }: ReportSuite): string {
  return casesOf(children)
    .filter(({ one }) => isFailure(one))
    .map(({ groups, one }) => {
      const title = one.isProblem ? one.kind : [...groups, one.name].join(" › ");
      const message = one.isProblem ? one.text.join("\n") : one.reason;
      return error(one.place ?? { file: file ?? "", line: 1 }, title, message);
    })
    .map((line) => `${line}\n`)
    .join("");
}

function error({ file, line }: Place, title: string, message: string): string {
  return `::error file=${property(file)},line=${line},title=${property(title)}::${data(message)}`;
}

/** As @actions/core escapes them. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
