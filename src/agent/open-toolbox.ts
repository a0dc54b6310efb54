import type { Gap } from '../core/finding.ts';
import type { Clock, HttpClient } from '../core/ports.ts';
import type { LogReader, MetricsReader } from '../core/readers.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { toTimestamp } from '../core/time.ts';
import { createRecorder } from '../investigation/evidence.ts';
import { namedObjects } from '../investigation/labels.ts';
import { lackOf } from './data/lack.ts';
import type { DataKnowledge, Lack } from './data/lack.ts';
import { createToolbox, toolLimits } from './toolbox.ts';
import { guardPages } from './guarded-pages.ts';
import { guardLogs, guardMetrics } from './guarded-readers.ts';
import { guardReads } from './guarded-reads.ts';
import type { Scope } from './policy.ts';
import type { ToolboxRequest } from './run.ts';
import type { Toolbox } from './toolbox.ts';
import type { ToolDefinition, ToolWorld } from './tools/define.ts';

/** What the tools of one investigation look at, and how far. */
export interface ToolSources {
  /** The most useful first. */
  readonly tools: readonly ToolDefinition[];
  readonly alert: AlertSnapshot | null;
  readonly readers: Readers;
  readonly allowed: AllowedByStep;
  /** The one namespace that may be looked at, whatever the alert and the step say; null: those. */
  readonly onlyNamespace: string | null;
  /** Where there are data: tools without any are not offered. */
  readonly data: DataKnowledge;
  readonly secretValues: () => Promise<readonly string[]>;
  readonly clock: Clock;
  /** Of the step. */
  readonly signal: AbortSignal;
}

/** What can be read beside the cluster; null = none is configured. */
export interface Readers extends Pick<ToolWorld, 'runbooks' | 'incidents'> {
  readonly metrics: MetricsReader | null;
  readonly logs: LogReader | null;
  readonly http: HttpClient | null;
}

/** What a Workflow allows a model to look at. */
export interface AllowedByStep extends Pick<Scope, 'isClusterWide' | 'hosts' | 'mcpTools'> {
  /** Beside those of the alert and of what is linked to it. */
  readonly namespaces: readonly string[];
}

/** The tools of one investigation, and what they could not ask, for the report. */
export interface OpenToolbox extends Toolbox {
  readonly gaps: () => readonly Gap[];
}

/** Opens the tools of one investigation. */
export function openToolbox(request: ToolboxRequest, sources: ToolSources): OpenToolbox {
  const { reads, delimiter, profile, earlier } = request;
  const scope = scopeOf(request, sources);
  const { http, metrics, logs, ...readers } = sources.readers;
  const gaps = new Map<string, Gap>();
  const note = (gap: Gap): void => void gaps.set(gap.what, gap);
  const now = reads?.now ?? toTimestamp(sources.clock.now());
  const without = withoutData(sources, scope);
  const toolbox = createToolbox({
    ...sources,
    tools: sources.tools.filter((tool) => !without.has(tool)),
    world: {
      ...readers,
      reads: reads === null ? null : guardReads(reads, scope),
      metrics: metrics === null ? null : guardMetrics(metrics, scope, note),
      logs: logs === null ? null : guardLogs(logs, scope, note),
      pages: http === null || scope.hosts.length === 0 ? null : guardPages(http, scope),
      alert: sources.alert,
      now,
    },
    scope,
    recorder: createRecorder(request.firstEvidenceNumber, now, () => false),
    delimiter,
    limits: toolLimits[profile],
    earlier,
  });
  for (const { gap } of without.values()) note(gap);
  return { ...toolbox, missing: [...toolbox.missing, ...linesOf(without)], gaps: () => [...gaps.values()] };
}

/** Tools that have no data of any namespace that may be read. Who may read all may find some. */
function withoutData(
  { tools, readers, data }: ToolSources,
  { namespaces, isClusterWide }: Scope,
): ReadonlyMap<ToolDefinition, Lack> {
  if (isClusterWide) return new Map();
  const asked = { metrics: readers.metrics !== null, logs: readers.logs !== null, traces: true };
  return new Map(
    tools.flatMap((tool) => {
      // Where nobody can be asked, that is the reason.
      if (tool.data === undefined || (tool.data.isLearned && !asked[tool.data.kind])) return [];
      const lack = lackOf(tool.data, [...namespaces], data);
      return lack === null ? [] : [[tool, lack] as const];
    }),
  );
}

/** `prometheus_query, kubernetes_top: there are no metrics of namespace shop`, a line each. */
function linesOf(without: ReadonlyMap<ToolDefinition, Lack>): readonly string[] {
  const byReason = Map.groupBy(without, ([, { reason }]) => reason);
  return [...byReason].map(([reason, all]) => `${all.map(([{ name }]) => name).join(', ')}: ${reason}`);
}

/** The namespaces of the alert and of all that is linked to it, and what the step allows. */
function scopeOf({ linked }: Pick<ToolboxRequest, 'linked'>, { alert, allowed, onlyNamespace }: ToolSources): Scope {
  const { hosts, mcpTools } = allowed;
  if (onlyNamespace !== null) return { namespaces: new Set([onlyNamespace]), isClusterWide: false, hosts, mcpTools };
  const { isClusterWide } = allowed;
  const own = alert === null ? null : namedObjects(alert.name, alert.labels).namespace;
  const reached = linked.flatMap((object) => {
    const [, namespace = '', name] = object.split('/');
    return name === undefined ? [] : [namespace];
  });
  const namespaces = new Set([...(own === null ? [] : [own]), ...reached, ...allowed.namespaces]);
  return { namespaces, isClusterWide, hosts, mcpTools };
}
