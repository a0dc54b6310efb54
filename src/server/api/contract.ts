import type { AlertRecord } from '../../core/alert.ts';
import type { SourceEventRecord } from '../../core/event.ts';
import type { JsonValue } from '../../core/json.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import type { PageQuery } from '../../core/lists.ts';
import type { ServerOptions } from '../options.ts';
import type { QueryReader } from '../query.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../routes.ts';
import { toTimestamp } from '../../core/time.ts';
import { postAlert } from './post-alert.ts';
import { found, idOf, queryOf } from './request.ts';

type Routes =
  | 'GET /'
  | 'POST /alerts'
  | 'GET /alerts'
  | 'GET /alerts/:id'
  | 'GET /workflows'
  | 'GET /workflows/:id'
  | 'GET /workflows/:id/steps'
  | 'GET /workflows/:id/outputs'
  | 'GET /source-events';

/** The routes of the first version, with its column names. `workflows` are runs there. */
export function contractHandlers(options: ServerOptions): Handlers<Routes> {
  const { reader, version, publicUrl } = options;
  const { lists, runs } = reader;
  const findRun = async (id: string) => found(await runs.find(id), 'run', id, 'fist get runs');
  return {
    'GET /': () => ({
      name: 'punching-fist',
      version,
      ...(publicUrl === null ? {} : { url: publicUrl }),
      api: '/api/v1',
      health: '/health',
      metrics: '/metrics',
    }),
    'POST /alerts': async (request, reply) => {
      queryOf(request).end();
      checkKey(request.headers['idempotency-key']);
      if (options.state() !== 'ready') {
        throw new AppError('Draining', `the server is ${options.state()}`, { next: 'send it again' });
      }
      const receivedAt = toTimestamp(options.clock.now());
      const answer = await postAlert(
        { ...options, lists },
        { body: request.bodyText, headers: request.headers, receivedAt },
      );
      return reply.code(201).send(answer);
    },
    'GET /alerts': async (request) => {
      const { items } = await lists.alerts(readOffset(queryOf(request)));
      const alerts = await Promise.all(items.map((item) => lists.alert(item.id)));
      return alerts.flatMap((alert) => (alert === undefined ? [] : [alertRow(alert)]));
    },
    'GET /alerts/:id': async (request) => {
      queryOf(request).end();
      return alertRow(found(await lists.alert(idOf(request)), 'alert', idOf(request), 'fist get alerts'));
    },
    'GET /workflows': async (request) => {
      const { items } = await lists.runs(readOffset(queryOf(request)));
      const found = await Promise.all(items.map((item) => runs.find(item.id)));
      return found.flatMap((run) => (run === undefined ? [] : [runRow(run)]));
    },
    'GET /workflows/:id': async (request) => {
      queryOf(request).end();
      return runRow(await findRun(idOf(request)));
    },
    'GET /workflows/:id/steps': async (request) => {
      queryOf(request).end();
      await findRun(idOf(request));
      return (await runs.steps(idOf(request))).map(stepRow);
    },
    'GET /workflows/:id/outputs': async (request) => {
      queryOf(request).end();
      return (await findRun(idOf(request))).outputs;
    },
    'GET /source-events': async (request) => {
      const query = queryOf(request);
      const source = query.text('source_name');
      if (source === undefined)
        throw new AppError('InvalidInput', 'source_name is missing', {
          field: 'source_name',
          next: 'fist get sources',
        });
      const limit = Math.min(query.integer('limit', 1, 1_000_000) ?? 50, largestLimit);
      query.end();
      const { items } = await lists.events({ source, limit });
      const events = await Promise.all(items.map((item) => lists.event(item.id)));
      return events.flatMap((event) => (event === undefined ? [] : [eventRow(event)]));
    },
  };
}

const defaultLimit = 20;
const largestLimit = 100;
/** What is skipped is read; `/api/v1` pages by a cursor. */
const largestOffset = 100_000;

/** A larger limit is cut to 100, as the first version did. */
function readOffset(query: QueryReader): PageQuery {
  const limit = Math.min(query.integer('limit', 1, 1_000_000) ?? defaultLimit, largestLimit);
  const offset = query.integer('offset', 0, largestOffset) ?? 0;
  query.end();
  return { limit, offset };
}

/** A key that cannot be honoured is refused, not ignored. */
function checkKey(header: string | string[] | undefined): void {
  if (header === undefined || (typeof header === 'string' && header !== '' && header.length <= 255)) return;
  throw new AppError('InvalidInput', 'Idempotency-Key must be one text of 1 to 255 characters', {
    field: 'Idempotency-Key',
  });
}

function alertRow(alert: AlertRecord) {
  return {
    id: alert.id,
    external_id: alert.externalId,
    fingerprint: alert.fingerprint,
    status: alert.status,
    severity: alert.severity,
    alert_name: alert.name,
    name: alert.name,
    summary: alert.summary,
    description: alert.description,
    labels: alert.labels,
    annotations: alert.annotations,
    source_id: alert.sourceId,
    workflow_id: alert.workflowId,
    ai_analysis: alert.aiAnalysis,
    ai_confidence: alert.aiConfidence,
    auto_resolved: alert.autoResolved,
    starts_at: alert.startsAt,
    ends_at: alert.endsAt,
    received_at: alert.receivedAt,
    triage_started_at: alert.triageStartedAt,
    triage_completed_at: alert.triageCompletedAt,
    resolved_at: alert.resolvedAt,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
  };
}

function runRow(run: RunRecord) {
  return {
    id: run.id,
    name: run.name,
    namespace: run.namespace,
    trigger_source: run.triggerSource,
    status: run.status,
    steps_completed: run.stepsCompleted,
    total_steps: run.totalSteps,
    current_step: run.currentStep,
    input_context: run.input,
    outputs: run.outputs,
    error: run.error,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    created_at: run.createdAt,
  };
}

function stepRow(step: StepRecord) {
  return {
    id: step.id,
    workflow_id: step.runId,
    name: step.name,
    step_type: step.type,
    status: step.status,
    started_at: step.startedAt,
    completed_at: step.completedAt,
    result: step.result,
    error: step.error,
    created_at: step.createdAt,
  };
}

/** A larger body is left out of lists: a page of them could take 300 MiB. */
const shownBodyCharacters = 64 * 1024;

function eventRow(event: SourceEventRecord) {
  return {
    id: event.id,
    source_name: event.sourceName,
    source_type: event.sourceType,
    event_data: event.eventData.length > shownBodyCharacters ? null : bodyOf(event.eventData),
    workflow_triggered: event.workflowTriggered,
    received_at: event.receivedAt,
  };
}

/** The body as JSON, or as text where it is none. */
function bodyOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
