import { analyze } from './analyze.ts';
import type { OwnTool } from './define.ts';
import { httpGet } from './http-get.ts';
import { kubernetesChanges } from './kubernetes-changes.ts';
import { kubernetesDescribe } from './kubernetes-describe.ts';
import { kubernetesEvents } from './kubernetes-events.ts';
import { kubernetesGet } from './kubernetes-get.ts';
import { kubernetesGraph } from './kubernetes-graph.ts';
import { kubernetesList } from './kubernetes-list.ts';
import { kubernetesLogs } from './kubernetes-logs.ts';
import { kubernetesTop } from './kubernetes-top.ts';
import { lokiQuery } from './loki-query.ts';
import { pastIncidents } from './past-incidents.ts';
import { prometheusQueryRange } from './prometheus-query-range.ts';
import { prometheusQuery } from './prometheus-query.ts';
import { runbookRead } from './runbook-read.ts';
import { runbookSearch } from './runbook-search.ts';

/** All tools of this program, the most useful first: only so many are offered. MCP servers have more. */
export const toolDefinitions: readonly OwnTool[] = [
  kubernetesDescribe,
  kubernetesLogs,
  kubernetesChanges,
  prometheusQueryRange,
  kubernetesList,
  kubernetesEvents,
  kubernetesGraph,
  analyze,
  kubernetesGet,
  prometheusQuery,
  lokiQuery,
  runbookSearch,
  runbookRead,
  httpGet,
  pastIncidents,
  kubernetesTop,
];
