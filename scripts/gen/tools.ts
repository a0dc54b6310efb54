import { toolLimits } from '../../src/agent/toolbox.ts';
import { declarationOf } from '../../src/agent/tool-input.ts';
import type { OwnTool, Reach } from '../../src/agent/tools/define.ts';
import { toolDefinitions } from '../../src/agent/tools/index.ts';
import { readableResources } from '../../src/agent/tools/kinds.ts';
import { shellNames, toolGroups } from '../../src/agent/tools/select.ts';
import { objectOf } from '../../src/core/json.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { generated, table } from './markdown.ts';

/** What the one policy asks of each thing that a call looks at. */
const policy: Readonly<Record<Reach['of'], string>> = {
  cluster: 'the kind is readable, and the namespace is one of the investigation; asked again for each read',
  metrics:
    'each selector names namespaces of the investigation, or is narrowed to them; what is not understood is refused',
  logs: 'each selector names namespaces of the investigation; what is not understood is refused',
  http: 'scheme, host and port are those of an address that the Workflow names; asked again for each redirect',
  runbooks: 'none: texts of a folder of the server',
  incidents: 'none: what this program itself reported',
  mcp: 'the Workflow allows the tool by name',
};

/** `docs/reference/tools.md`: what a model may call. */
export function toolsPage(): string {
  const { full, compact } = toolLimits;
  return [
    generated,
    '# Tools',
    'What the model of an agent step may call. All of them only read. How they are chosen and what they may look at: [Tools](../guide/tools.md).',
    `Of all tools: input is checked against its types, and an unknown field is an error. A call takes ${full.timeoutMs / 1000} s, ${full.parallel} run at a time. An answer is redacted, made printable and cut to ${full.answerBytes / 1024} KiB (${compact.answerBytes / 1024} KiB where the model's window is small). An identical call is answered from what is known, the third is refused.`,
    `A model is offered the first ${full.offered} that can be used; one with a small window the first ${compact.offered}, and ${compact.onTop?.most ?? 0} tools of [MCP servers](../guide/tools.md#mcp-servers) where their declarations take ${compact.onTop?.tokens ?? 0} tokens at most.`,
    '## Names in a Workflow',
    `\`tools\` of an agent step takes the name of a tool, or one of these for several. ${[...shellNames].map((name) => `\`${name}\``).join(', ')} mean no tool: there is no shell, and \`fist lint\` says where such a command belongs.`,
    table(['Name', 'Tools'], groupRows()),
    '## Kinds that can be read',
    `${readableResources.map((name) => `\`${name}\``).join(', ')}; also by their singular and short names. Secrets are none of them, nor are subresources (\`exec\`, \`portforward\`, \`proxy\`, tokens).`,
    ...toolDefinitions.map(toolText),
    '',
  ].join('\n\n');
}

function groupRows(): string[][] {
  return Object.entries(toolGroups).map(([name, fits]) => [
    `\`${name}\``,
    toolDefinitions.flatMap((tool) => (fits(tool.name) ? [`\`${tool.name}\``] : [])).join(', '),
  ]);
}

function toolText(tool: OwnTool): string {
  const { name, description, reference } = tool;
  const { example, command, bounds } = reference;
  const policies = new Set(tool.reaches(tool.input.parse(example)).map(({ of }) => policy[of]));
  return [
    `## ${name}`,
    description,
    table(['Field', 'Type', 'Meaning'], fieldRows(declarationOf(tool).input)),
    `Policy: ${[...policies].join('; ')}.${bounds.length === 0 ? '' : ` Bounds: ${bounds.join('; ')}.`}`,
    [
      '```text',
      `${name} ${JSON.stringify(example)}`,
      ...(command === null ? [] : [`a person: ${command}`]),
      '```',
    ].join('\n'),
  ].join('\n\n');
}

function fieldRows({ properties, required }: JsonObject): string[][] {
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(objectOf(properties)).map(([name, value]) => {
    const field = objectOf(value);
    return [`\`${name}\`${needed.includes(name) ? ', required' : ''}`, typeText(field), meaningOf(field)];
  });
}

function typeText({ type = 'string', enum: values, minimum, maximum, minLength, maxLength }: JsonObject): string {
  if (Array.isArray(values)) return values.map((value) => `\`${plain(value)}\``).join(', ');
  if (typeof minimum === 'number' && typeof maximum === 'number') return `${plain(type)}, ${minimum} to ${maximum}`;
  if (typeof maxLength !== 'number') return plain(type);
  const least = typeof minLength === 'number' && minLength > 1 ? `${minLength} to ` : 'at most ';
  return `${plain(type)}, ${least}${maxLength} characters`;
}

function meaningOf({ description, default: usual }: JsonObject): string {
  return [
    ...(typeof description === 'string' ? [description.replaceAll('<', '&lt;')] : []),
    ...(usual === undefined ? [] : [`Default: \`${plain(usual)}\`.`]),
  ].join(' ');
}

function plain(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
