import { templateActions } from '../../lib/template/analyse.ts';
import { TemplateError } from '../../lib/template/error.ts';
import { parseTemplate } from '../../lib/template/index.ts';
import { mostSimilar } from '../../lib/similar.ts';
import { allowedHost } from '../policy.ts';
import type { AllowedHost } from '../policy.ts';
import type { ToolDefinition } from './define.ts';
import { toolDefinitions } from './index.ts';

/** An item of `tools`, in either form of the contract. */
export type ToolItem =
  | string
  | {
      readonly name?: string | undefined;
      readonly ref?: string | undefined;
      readonly description?: string | undefined;
      readonly command?: string | undefined;
      readonly endpoint?: string | undefined;
    };

/** What `tools` and `scope.hosts` of a step come to. */
export interface ToolSelection {
  /** The most useful first. */
  readonly tools: readonly ToolDefinition[];
  /** Addresses that http_get may go to, as templates. */
  readonly endpoints: readonly string[];
  /** Address of the metrics, and of the logs, where the step names one itself, as templates; null = the Workflow's. */
  readonly metricsEndpoint: string | null;
  readonly logsEndpoint: string | null;
  readonly problems: readonly ToolProblem[];
}

/** What of `tools` does nothing, for lint and for the report. */
export interface ToolProblem {
  /** Within the step: `['tools', 0, 'command']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly next: string;
}

/** Names of the contract, and of people, with the tools that they mean. */
export const toolGroups: Readonly<Record<string, (name: string) => boolean>> = {
  kubectl: (name) => name.startsWith('kubernetes_') || name === 'analyze',
  kubernetes: (name) => name.startsWith('kubernetes_') || name === 'analyze',
  promql: (name) => name.startsWith('prometheus_'),
  prometheus: (name) => name.startsWith('prometheus_'),
  logql: (name) => name === 'loki_query',
  loki: (name) => name === 'loki_query',
  curl: (name) => name === 'http_get',
  http: (name) => name === 'http_get',
  runbooks: (name) => name.startsWith('runbook_'),
};

/** Names that there is no tool for, and will be none. */
export const shellNames: ReadonlySet<string> = new Set(['script', 'bash', 'sh', 'shell', 'exec', 'python']);

/**
 * The tools that the items of a step mean; no items = all. Pure. What is no tool is a problem and takes nothing away: an item that
 * is misspelt must not leave an investigation without tools.
 */
export function selectTools(
  items: readonly ToolItem[],
  all: readonly ToolDefinition[] = toolDefinitions,
): ToolSelection {
  const chosen = new Set<string>();
  const endpoints: string[] = [];
  const problems: ToolProblem[] = [];
  let metricsEndpoint: string | null = null;
  let logsEndpoint: string | null = null;
  for (const [index, item] of items.entries()) {
    const { name, field, command, endpoint } = partsOf(item);
    const path = ['tools', index];
    const fits = toolGroups[name.toLowerCase()] ?? ((tool: string) => tool === name);
    const meant = all.filter((tool) => fits(tool.name)).map((tool) => tool.name);
    if (meant.length === 0) problems.push(noTool(name, field === null ? path : [...path, field], all));
    else if (command !== undefined) problems.push(noCommand([...path, 'command']));
    for (const tool of meant) chosen.add(tool);
    if (endpoint === undefined || meant.length === 0) continue;
    if (meant.includes('http_get')) endpoints.push(endpoint);
    else if (meant.includes('prometheus_query')) metricsEndpoint = endpoint;
    else if (meant.includes('loki_query')) logsEndpoint = endpoint;
    else problems.push(noEndpoint(name, [...path, 'endpoint']));
    problems.push(...endpointProblems(endpoint, [...path, 'endpoint']));
  }
  const tools = chosen.size === 0 ? all : all.filter(({ name }) => chosen.has(name));
  return { tools, endpoints, metricsEndpoint, logsEndpoint, problems };
}

interface ItemParts {
  readonly name: string;
  /** The field that holds the name; null where the item is the name. */
  readonly field: 'name' | 'ref' | null;
  readonly command: string | undefined;
  readonly endpoint: string | undefined;
}

function partsOf(item: ToolItem): ItemParts {
  if (typeof item === 'string') return { name: item, field: null, command: undefined, endpoint: undefined };
  const { name, ref, command, endpoint } = item;
  const isRef = name === undefined && ref !== undefined;
  return { name: name ?? ref ?? '', field: isRef ? 'ref' : 'name', command, endpoint };
}

function noTool(name: string, path: ToolProblem['path'], all: readonly ToolDefinition[]): ToolProblem {
  if (shellNames.has(name.toLowerCase()))
    return {
      path,
      message: `tool ${name} is not offered: the agent has no shell and runs no commands of its own`,
      next: 'put the command into a cli step before this one; its result is .steps.<name>.result in the goal',
    };
  const known = [...Object.keys(toolGroups), ...all.map((tool) => tool.name)];
  const meant = mostSimilar(name, known);
  const next = meant === undefined ? `tools are: ${known.join(', ')}` : `did you mean ${meant}?`;
  return { path, message: `there is no tool ${JSON.stringify(name)}`, next };
}

function noCommand(path: ToolProblem['path']): ToolProblem {
  return {
    path,
    message: 'command is not run: the agent has no shell, its tools take typed input',
    next: 'leave command out, or put it into a cli step',
  };
}

function noEndpoint(name: string, path: ToolProblem['path']): ToolProblem {
  return { path, message: `tool ${name} has no endpoint`, next: 'leave endpoint out' };
}

/** An address may hold `.env` alone: what an alert says must not choose where requests go. */
export function endpointProblems(text: string, path: ToolProblem['path']): readonly ToolProblem[] {
  const next = 'an address such as https://status.example.com, or {{ .env.STATUS_URL }}';
  try {
    const actions = templateActions(parseTemplate(text));
    const foreign = actions.some(({ fields }) => fields.some(([root]) => root !== 'env'));
    if (foreign) return [{ path, message: 'an address may only use .env in its template', next }];
    if (actions.length > 0 || allowedHost(text) !== null) return [];
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    return [{ path, message: `template: ${thrown.reason}`, next }];
  }
  return [{ path, message: `${text} is no http or https address`, next }];
}

/** The hosts of addresses that were rendered; what is none, or holds more than `.env`, allows nothing. */
export function hostsOf(addresses: readonly string[], render: (template: string) => string): readonly AllowedHost[] {
  return addresses.flatMap((address) => {
    const rendered = renderAddress(address, render);
    return rendered === null ? [] : (allowedHost(rendered) ?? []);
  });
}

/** The address of a template; null where it is none that may be used. */
export function renderAddress(address: string, render: (template: string) => string): string | null {
  return endpointProblems(address, []).length > 0 ? null : render(address);
}
