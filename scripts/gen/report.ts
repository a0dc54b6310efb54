import { z } from 'zod';
import { reportSchema } from '../../src/report/schema.ts';
import { generated, table } from './markdown.ts';

/** A part of a JSON Schema, as zod writes it. */
interface Part {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
  readonly enum?: readonly string[];
  readonly const?: string | number;
}

function reportJsonSchema(): Part {
  const schema = z.toJSONSchema(reportSchema, { io: 'input' }) as Part;
  return { title: 'Report of Punching Fist, version 1', ...schema } as Part;
}

/** `docs/reference/report.schema.json`. */
export function reportSchemaFile(): string {
  return `${JSON.stringify(reportJsonSchema(), null, 2)}\n`;
}

/** `docs/reference/report.md`: the fields of a report. */
export function reportPage(): string {
  return `${generated}

# Reports

A report has three forms. The **text** is for people: what fires and for how long, what happened, the cause worded by how sure it is, the
way to it, what to do, where to look. A Sink of type \`stdout\` prints it, \`fist investigate\` shows it (\`--evidence\` adds the findings and the
evidence), templates have it as \`.text\`, and it is the \`text\` of every payload. **Markdown** has the same order, with what proves it folded; it is
the field \`report\`. **JSON** is below: \`fist investigate -o json\`, the result of an \`agent\` step, \`report\` of a payload.

Where metrics were asked, each measurement that people are shown has its shape as a line of blocks in the text (ASCII where the locale of the terminal is not UTF-8), and a chart, an SVG, in the JSON (\`measurements[].chart\`): with the limit or the
threshold, the moment when the alert began, gaps where nothing was measured, words for who does not see it, and no script. \`fist investigate --charts DIR\` and \`fist describe run/ID --charts DIR\` write them as files, and \`-o markdown --charts DIR\` shows them. Mails
and chats have the blocks: most of them refuse an SVG, because it may hold a script.

The JSON is stable, and described by [report.schema.json](report.schema.json) (JSON Schema 2020-12). \`schema_version\` is raised where a field goes
or changes its meaning; fields may be added at any time. Reports that earlier versions kept lack the fields that came later.

A payload whose cause another alert's report has told already ([Deliveries](../guide/deliveries.md#one-incident-one-report)) has a few lines
in \`text\` and \`report.report\`, and \`sameAs\`. One of the end of an alert has only \`summary\`, \`root_cause\` and \`confidence\`.

${table(
  ['Field', 'Type', 'What it is'],
  reportFields().map(([path, type, meaning]) => [`\`${path}\``, type, meaning]),
)}
`;
}

type Field = readonly [path: string, type: string, meaning: string];

/** Every field of a report: `cause.sentence`, `findings[].category`. */
export function reportFields(): readonly Field[] {
  return rowsOf(reportJsonSchema(), '');
}

function rowsOf(part: Part, path: string): readonly Field[] {
  return Object.entries(part.properties ?? {}).flatMap(([name, field]) => {
    const own = path === '' ? name : `${path}.${name}`;
    const whole = withoutNull(field);
    const inner = whole.items === undefined ? { part: whole, path: own } : { part: whole.items, path: `${own}[]` };
    return [[own, typeOf(field), field.description ?? ''] as const, ...rowsOf(inner.part, inner.path)];
  });
}

function withoutNull(part: Part): Part {
  return part.anyOf?.find(({ type }) => type !== 'null') ?? part;
}

function typeOf(part: Part): string {
  const whole = withoutNull(part);
  const words =
    whole.enum?.map((word) => `\`${word}\``).join(', ') ??
    (whole.const !== undefined
      ? `\`${String(whole.const)}\``
      : whole.items !== undefined
        ? `list of ${typeOf(whole.items)}`
        : [whole.type].flat().join(' or '));
  return whole === part ? words : `${words} or null`;
}
