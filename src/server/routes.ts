import type { z } from 'zod';
import { listAgentEvents } from './api/agent-events.ts';
import { startAlertRun } from './api/alert-runs.ts';
import { getAlert, listAlerts } from './api/alerts.ts';
import { createAlert, getAlertRow, listAlertRows } from './api/contract-alerts.ts';
import { listEventRows } from './api/contract-events.ts';
import { getRunOutputs, getRunRow, listRunRows, listStepRows } from './api/contract-runs.ts';
import {
  cancelDeliveries,
  cancelDelivery,
  getDelivery,
  listDeliveries,
  retryDeliveries,
  retryDelivery,
} from './api/deliveries.ts';
import { listGaps } from './api/gaps.ts';
import { getInfo, getOpenApi } from './api/info.ts';
import { getDeadLetter, getEvent, listDeadLetters, listEvents } from './api/inputs.ts';
import {
  getDefaultSink,
  getDefaultSource,
  getDefaultWorkflow,
  getSink,
  getSource,
  getWorkflow,
} from './api/resources.ts';
import { listSinks, listSources, listWorkflows } from './api/resources.ts';
import { askRun } from './api/messages.ts';
import { cancelRun, getRun, listRuns, retryRun } from './api/runs.ts';
import { testSink } from './api/sink-test.ts';
import { streamChanges } from './api/stream.ts';
import { checkWorkflowModels } from './api/model-checks.ts';
import { judgeRun } from './api/verdicts.ts';
import { getStatus } from './api/status.ts';
import type { DeepReadonly, ParamName, Route } from './define-route.ts';
import { getHealth, getLivez, getReadyz } from './health.ts';
import { getMetrics } from './metrics.ts';
import { callAssistant } from './mcp/route.ts';
import type { Parameters } from './parameters.ts';
import { matchesPath } from './paths.ts';
import { receiveSourceEvent } from './source-events-route.ts';
import { receiveNotification } from './webhook-route.ts';

/** Every route of the server, each declared once, beside its handler; the reference has them in this order. */
export const routes = [
  listAlerts,
  getAlert,
  startAlertRun,
  listRuns,
  getRun,
  listAgentEvents,
  cancelRun,
  retryRun,
  askRun,
  judgeRun,
  listDeliveries,
  getDelivery,
  retryDelivery,
  retryDeliveries,
  cancelDelivery,
  cancelDeliveries,
  listGaps,
  streamChanges,
  listSources,
  getSource,
  getDefaultSource,
  listWorkflows,
  getWorkflow,
  getDefaultWorkflow,
  checkWorkflowModels,
  listSinks,
  getSink,
  getDefaultSink,
  testSink,
  listEvents,
  getEvent,
  listDeadLetters,
  getDeadLetter,
  getStatus,
  createAlert,
  receiveNotification,
  receiveSourceEvent,
  callAssistant,
  getInfo,
  getOpenApi,
  getHealth,
  getLivez,
  getReadyz,
  getMetrics,
  listAlertRows,
  getAlertRow,
  listRunRows,
  getRunRow,
  listStepRows,
  getRunOutputs,
  listEventRows,
] as const satisfies readonly Route[];

type Routes = (typeof routes)[number];

/** `GET /api/v1/alerts`. */
export type RouteName = NameOf<Routes>;

type NameOf<One> = One extends Routes ? `${One['method']} ${One['path']}` : never;

/** The route with this name. */
type RouteOf<Name extends RouteName> = Extract<
  Routes,
  Name extends `${infer Method} ${infer Path}` ? { method: Method; path: Path } : never
>;

/** What a route answers, when all is well. */
export type AnswerOf<Name extends RouteName> = DeepReadonly<z.output<ReturnType<RouteOf<Name>['answer']>>>;

/** What a caller gives with a request. */
export type RequestOf<Name extends RouteName> = ParamsOf<ParamName<RouteOf<Name>['path']>> & {
  readonly query?: QueryInput<RouteOf<Name>['query']>;
  readonly body?: z.input<NonNullable<RouteOf<Name>['body']>>;
};

type ParamsOf<Names extends string> = [Names] extends [never]
  ? { readonly params?: Readonly<Record<string, never>> }
  : { readonly params: Readonly<Record<Names, string>> };

type QueryInput<Query extends Parameters> = { readonly [Key in keyof Query]?: z.input<Query[Key]> };

/** The methods that a path has, for 405 with `Allow`. Empty: no such path. */
export function methodsOf(path: string): readonly string[] {
  return [...new Set(routes.filter((route) => matchesPath(route.path, path)).map((route) => route.method))];
}
