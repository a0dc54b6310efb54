import { findModelDefinition } from '../agent/models/index.ts';
import type { Contents, Opened } from '../agent/contents.ts';
import type { AgentEvent } from '../core/agent-event.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import { toEpochMs } from '../core/time.ts';
import { sha256Hex } from '../lib/hash.ts';
import { names, operations, otherProvider } from './semantic-conventions.ts';
import type { Operation } from './semantic-conventions.ts';
import type { Span, SpanAttributes } from './span.ts';

/** The rows of a run that has ended. */
export interface TracedRun {
  readonly run: RunRecord;
  readonly steps: readonly StepRecord[];
  /** All of them, in order. */
  readonly events: readonly AgentEvent[];
}

/** What a crash leaves of a request that nobody heard the end of. */
const interrupted = 'Interrupted';

/**
 * The trace of a run in which a model was asked: the run, each attempt of an agent step, and in it each request and each call. None
 * of what was asked, called with or answered stands in it. The same rows give the same spans with the same ids, whichever process
 * sends them; the trace has the id of the run. Empty where no model was asked.
 */
export function traceOf({ run, steps, events }: TracedRun): readonly Span[] {
  const attempts = steps.filter(({ path, attempt }) =>
    events.some((event) => event.path === path && event.attempt === attempt),
  );
  if (attempts.length === 0) return [];
  const context: TraceContext = { run, traceId: traceIdOf(run.id), rootId: idOf(run.id) };
  // What an earlier attempt opened holds for the next one.
  const opened = new Map<string, Opened>();
  const spans = attempts.flatMap((step) => {
    const own = events.filter(({ path, attempt }) => path === step.path && attempt === step.attempt);
    const first = own.find(({ kind }) => kind === 'opened');
    if (first !== undefined) opened.set(step.path, first.content as unknown as Opened);
    return attemptSpans(context, step, own, opened.get(step.path) ?? null);
  });
  return [runSpan(context, spans), ...spans];
}

interface TraceContext {
  readonly run: RunRecord;
  readonly traceId: string;
  readonly rootId: string;
}

function runSpan({ run, traceId, rootId }: TraceContext, spans: readonly Span[]): Span {
  const { id, name, namespace, startedAt, createdAt, completedAt, errorCode, status } = run;
  return {
    traceId,
    spanId: rootId,
    parentSpanId: null,
    ...titled(operations.workflow, name),
    kind: 'internal',
    // Its rows were written by several clocks.
    startMs: Math.min(toEpochMs(startedAt ?? createdAt), ...spans.map(({ startMs }) => startMs)),
    endMs: Math.max(toEpochMs(completedAt ?? createdAt), ...spans.map(({ endMs }) => endMs)),
    ...failedBy(status === 'succeeded' ? null : (errorCode ?? status), {
      [names.operation]: operations.workflow,
      [names.workflow]: name,
      [names.namespace]: namespace,
      [names.run]: id,
    }),
  };
}

/** One attempt of an agent step, with its requests and calls below it. */
function attemptSpans(
  context: TraceContext,
  step: StepRecord,
  events: readonly AgentEvent[],
  opened: Opened | null,
): readonly Span[] {
  const { run, traceId, rootId } = context;
  const { path, attempt, name, status, errorCode } = step;
  const spanId = idOf(`${run.id}/${path}#${attempt}`);
  const last = events.at(-1)?.at ?? run.createdAt;
  const endMs = toEpochMs(step.completedAt ?? last);
  const parts = partsOf({ ...context, path, parentSpanId: spanId, opened, endMs }, events);
  const answers = contentsOf(events, 'answered');
  const span: Span = {
    traceId,
    spanId,
    parentSpanId: rootId,
    ...titled(operations.agent, name),
    kind: 'internal',
    startMs: toEpochMs(step.startedAt ?? last),
    endMs,
    ...failedBy(status === 'succeeded' ? null : (errorCode ?? status), {
      [names.operation]: operations.agent,
      [names.agent]: name,
      [names.conversation]: `${run.id}/${path}`,
      ...modelAttributes(opened?.model ?? answers[0]?.model ?? null),
      ...usageAttributes(answers.flatMap(({ usage }) => usage ?? [])),
      [names.path]: path,
      [names.attempt]: attempt,
    }),
  };
  return [span, ...parts];
}

interface PartContext extends TraceContext {
  readonly path: string;
  readonly parentSpanId: string;
  readonly opened: Opened | null;
  /** Of the attempt. Milliseconds since the epoch. */
  readonly endMs: number;
}

function partsOf(context: PartContext, events: readonly AgentEvent[]): readonly Span[] {
  const spans: Span[] = [];
  let asked: AgentEvent | null = null;
  for (const event of events) {
    if (event.kind === 'asked') {
      if (asked !== null) spans.push(lostSpan(context, asked, toEpochMs(event.at)));
      asked = event;
    } else if (event.kind === 'answered' || event.kind === 'failed') {
      spans.push(chatSpan(context, asked ?? event, event));
      asked = null;
    } else if (event.kind === 'called') spans.push(...callSpans(context, event));
  }
  return asked === null ? spans : [...spans, lostSpan(context, asked, context.endMs)];
}

function chatSpan(context: PartContext, asked: AgentEvent, ended: AgentEvent): Span {
  const content = ended.content as unknown as Contents['answered'] | Contents['failed'];
  const answer = 'usage' in content ? content : null;
  return requestSpan(context, asked, {
    model: content.model,
    phase: content.phase,
    endMs: toEpochMs(ended.at),
    error: 'reason' in content ? content.reason : null,
    more: {
      [names.finishReasons]: answer === null ? undefined : [answer.finish],
      ...usageAttributes(answer?.usage == null ? [] : [answer.usage]),
    },
  });
}

/** A request of a process that ended before its answer was stored. */
function lostSpan(context: PartContext, asked: AgentEvent, endMs: number): Span {
  const { phase } = asked.content as unknown as Contents['asked'];
  return requestSpan(context, asked, {
    model: context.opened?.model ?? '',
    phase,
    endMs,
    error: interrupted,
    more: {},
  });
}

interface RequestEnd {
  readonly model: string;
  readonly phase: Contents['asked']['phase'];
  readonly endMs: number;
  readonly error: string | null;
  readonly more: SpanAttributes;
}

function requestSpan(
  { run, path, traceId, parentSpanId, opened }: PartContext,
  { sequence, at }: AgentEvent,
  { model, phase, endMs, error, more }: RequestEnd,
): Span {
  const attributes = modelAttributes(model === '' ? null : model);
  return {
    traceId,
    spanId: idOf(`${run.id}/${sequence}`),
    parentSpanId,
    ...titled(operations.chat, attributes[names.model]),
    kind: 'client',
    startMs: toEpochMs(at),
    endMs,
    ...failedBy(error, {
      [names.operation]: operations.chat,
      [names.conversation]: `${run.id}/${path}`,
      ...attributes,
      [names.outputType]: phase === 'gather' ? undefined : 'json',
      [names.mostTokens]: opened?.bounds.maxOutputTokens,
      [names.phase]: phase,
      ...more,
    }),
  };
}

/** What an earlier run was told is no work of this one. */
function callSpans(
  { run, traceId, parentSpanId }: PartContext,
  { sequence, at, content }: AgentEvent,
): readonly Span[] {
  const { call, result, isReused } = content as unknown as Contents['called'];
  if (isReused === true) return [];
  // The name of a tool that there is not is whatever a model wrote.
  const tool = result.reason === 'UnknownTool' ? 'unknown' : call.name;
  const endMs = toEpochMs(at);
  return [
    {
      traceId,
      spanId: idOf(`${run.id}/${sequence}`),
      parentSpanId,
      ...titled(operations.tool, tool),
      kind: 'internal',
      startMs: endMs - result.durationMs,
      endMs,
      ...failedBy(result.status === 'error' || result.status === 'denied' ? (result.reason ?? result.status) : null, {
        [names.operation]: operations.tool,
        [names.tool]: tool,
        [names.toolType]: 'function',
        [names.callId]: plainId(call.id),
      }),
    },
  ];
}

function titled(operation: Operation, subject: string | number | readonly string[] | undefined): Pick<Span, 'name'> {
  return { name: typeof subject === 'string' ? `${operation} ${subject}` : operation };
}

function failedBy(error: string | null, attributes: SpanAttributes): Pick<Span, 'attributes' | 'error'> {
  return { attributes: error === null ? attributes : { ...attributes, [names.error]: error }, error };
}

/** Of `anthropic/claude-sonnet-5`. */
function modelAttributes(name: string | null): SpanAttributes {
  if (name === null) return {};
  const [provider = '', ...model] = name.split('/');
  return {
    [names.provider]: findModelDefinition(provider)?.telemetryName ?? otherProvider,
    [names.model]: model.join('/'),
  };
}

type UsageOf = NonNullable<Contents['answered']['usage']>;

/** The conventions count cached tokens among those that went in. */
function usageAttributes(usages: readonly UsageOf[]): SpanAttributes {
  if (usages.length === 0) return {};
  const sum = (of: (usage: UsageOf) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  return {
    [names.inputTokens]: sum(
      ({ inputTokens, cacheReadTokens, cacheWriteTokens }) => inputTokens + cacheReadTokens + cacheWriteTokens,
    ),
    [names.cacheReadTokens]: sum(({ cacheReadTokens }) => cacheReadTokens),
    [names.cacheWriteTokens]: sum(({ cacheWriteTokens }) => cacheWriteTokens),
    [names.outputTokens]: sum(({ outputTokens }) => outputTokens),
  };
}

function contentsOf<Kind extends keyof Contents>(events: readonly AgentEvent[], kind: Kind): readonly Contents[Kind][] {
  return events.flatMap((event) => (event.kind === kind ? [event.content as unknown as Contents[Kind]] : []));
}

/** A provider's id of a call is whatever it wrote; what does not look like an id is left out. */
function plainId(id: string): string | undefined {
  return /^[\w.:-]{1,100}$/.test(id) ? id : undefined;
}

/** The trace of a run has its id, so that one is found by the other. */
function traceIdOf(runId: string): string {
  const digits = runId.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) ? digits : sha256Hex(runId).slice(0, 32);
}

function idOf(text: string): string {
  return sha256Hex(text).slice(0, 16);
}
