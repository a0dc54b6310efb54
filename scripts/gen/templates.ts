import { functionNames } from '../../src/lib/template/functions/index.ts';
import { refusedFunctions } from '../../src/lib/template/functions/refused.ts';
import { defaultLimits } from '../../src/lib/template/runtime.ts';
import { generated, table } from './markdown.ts';
import { reportFields } from './report.ts';
import { sinkFields, workflowFields } from './template-fields.ts';
import { exampleData, exampleNow, functionDocs } from './template-functions.ts';
import type { FunctionDoc } from './template-functions.ts';

/** `docs/reference/templates.md`: what templates see, and every function. */
export function templatesPage(): string {
  return `${generated}

# Templates for Sinks

Texts of Sinks and Workflows are Go \`text/template\`, as in Alertmanager, Prometheus and Helm, with the functions of these. Each is rendered once:
what an alert says is data and never a template. What is missing or nothing prints nothing. \`fist lint\` says where a template is wrong, and what to
write for names of Alertmanager's templates (\`.CommonLabels\`, \`.Alerts.Firing\`); \`fist render\` tries one by hand.

\`\`\`yaml
kind: Sink
spec:
  type: stdout
  condition: '{{ .alert.severity }} == critical'
  config:
    format: text
    template: |
      {{ .alert.alertname }} on {{ .alert.labels.pod | default "no pod" }} since {{ .alert.startsAt.Format "15:04" }} ({{ ago .alert.startsAt }})
      {{ .report.root_cause | default "no cause was found" }}
      {{ range .report.recommendations }}{{ .priority }}. {{ .action }}
      {{ end }}
\`\`\`

Beyond Go: a hyphen inside a chain of fields (\`.steps.get-logs.result\`), and \`[n]\` in front of a further field (\`.source.data.alerts[0].labels.pod\`).

## What a template of a Sink sees

${fieldTable(sinkFields)}

### The report

[Reports](report.md) tells more of them.

${fieldTable(reportFields().map(([path, , meaning]) => [`.report.${path}`, meaning]))}

### In Workflows

${fieldTable(workflowFields)}

## Functions

The examples are rendered by a test over \`.alert\` of this delivery, at ${exampleNow}:

\`\`\`json
${JSON.stringify(exampleData, null, 2)}
\`\`\`

${[...functionDocs()].map(([title, docs]) => family(title, docs)).join('\n\n')}

### Methods

Times have Go's methods: \`.Format "2006-01-02 15:04"\`, \`.Unix\`, \`.UnixMilli\`, \`.UTC\`, \`.Add\`, \`.AddDate 0 1 0\`, \`.Sub\`, \`.Before\`, \`.After\`, \`.Equal\`,
\`.Compare\`, \`.Truncate\`, \`.Round\`, \`.IsZero\`, \`.Year\`, \`.Month\`, \`.Day\`, \`.Weekday\`, \`.YearDay\`, \`.Hour\`, \`.Minute\`, \`.Second\`, \`.Nanosecond\`, \`.String\`. Text that is a
time (RFC 3339) has them too, so \`.alert.startsAt.Format "15:04"\` works. Durations have \`.Hours\`, \`.Minutes\`, \`.Seconds\`, \`.Milliseconds\`, \`.Round\`, \`.Truncate\`,
\`.Abs\` and \`.String\`: \`(now.Sub .alert.startsAt).Minutes\`. \`.Add\` takes a duration: \`.alert.startsAt.Add (parseDurationTime "1h")\`. The local zone is UTC everywhere.

## Where it is not Go

- \`set\`, \`unset\`, \`merge\` and \`mergeOverwrite\` change a map that the template made (\`dict\`, \`deepCopy\`, \`fromJson\`, \`pick\`, ...) in place, as Sprig does. A map of the data
  is shared with other templates: these functions leave it as it is and give a changed copy, so keep what they give: \`{{ $labels := set .alert.labels "team" "shop" }}\`.
- Where Sprig and Prometheus or Alertmanager have one name, \`first\` and \`join\` are Sprig's (any list), \`title\`, \`match\`, \`now\`, \`date\`, \`append\` and \`toJson\` Alertmanager's. \`slice\` is Go's.
- A time may be RFC 3339 text or a number of seconds, and a number from data serves as an int.
- \`keys\` and \`values\` are sorted, so that the same data gives the same text.
- \`ternary\` and the others take their arguments before they are called, as in Go: \`fail\` in one of them always fails; only \`and\`, \`or\` and \`if\` stop early.

## Bounds

A rendering has ${defaultLimits.steps.toLocaleString('en-US')} steps (a node, a loop, a character that a function works on), ${defaultLimits.iterations.toLocaleString('en-US')} passes of loops and as many members of a list,
${defaultLimits.outputCharacters.toLocaleString('en-US')} characters, and ${defaultLimits.regexMs} ms of processor time for regular expressions. Beyond them it fails with \`TemplateInvalid\` and the limit.

## What templates have not

${table(
  ['Function', 'Why, and what to do'],
  refusals().map(([reason, names]) => [names.map((name) => `\`${name}\``).join(' '), reason]),
)}
`;
}

function fieldTable(fields: readonly (readonly [path: string, meaning: string])[]): string {
  return table(
    ['Name', 'What it is'],
    fields.map(([path, meaning]) => [`\`${path}\``, meaning]),
  );
}

function family(title: string, docs: readonly FunctionDoc[]): string {
  const rows = docs.map(({ names, does, example, gives }) => {
    const all = names.flatMap((name) => [name, ...mustForm(name, docs)]);
    return [all.map((name) => `\`${name}\``).join(' '), does, `\`{{ ${example} }}\``, code(gives)];
  });
  return `### ${title}\n\n${table(['Function', 'What it gives', 'Example', 'Prints'], rows)}`;
}

/** The same function with `must` in front, where it is not told of by itself. */
export function mustForm(name: string, docs: readonly FunctionDoc[]): readonly string[] {
  const must = `must${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return functionNames.has(must) && !docs.some(({ names }) => names.includes(must)) ? [must] : [];
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

function refusals(): readonly (readonly [string, readonly string[]])[] {
  const reasons = [...new Set(refusedFunctions.values())];
  return reasons.map((reason) => [
    reason,
    [...refusedFunctions].filter(([, own]) => own === reason).map(([name]) => name),
  ]);
}
