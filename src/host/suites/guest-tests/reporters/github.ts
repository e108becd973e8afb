/**
 * What failed, as GitHub Actions shows it beside the source: workflow commands, which its runner reads from stdout
 * (docs.github.com, "Workflow commands").
 */
import { isFailure, testsOf, type FileResult, type Place } from "../model.js";
import { reasonOf, type Reporter } from "./reporter.js";

export function githubReporter(): Reporter {
  return {
    file: (result) =>
      annotations(result)
        .map((line) => `${line}\n`)
        .join(""),
    end: () => "",
  };
}

function annotations({ file, children, problem }: FileResult): string[] {
  const failed = testsOf(children).filter(({ status }) => isFailure(status));
  return [
    ...failed.map((test) => {
      const place = test.assertions.find(({ ok }) => !ok)?.place ?? test.place;
      const title = [...test.groups, test.name].join(" › ");
      return error(place ?? { file, line: 1 }, title, reasonOf(test));
    }),
    ...(problem === null
      ? []
      : [error({ file, line: 1 }, problem.kind, [problem.message, ...problem.details].join("\n"))]),
  ];
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
