import { toAppError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, HttpClient, HttpResponse, Log } from '../core/ports.ts';
import { objectOf } from '../core/json.ts';
import type { JsonValue } from '../core/json.ts';
import { backOffMs } from '../lib/back-off.ts';
import { createComplaints } from '../lib/complaints.ts';
import { oneLine } from '../lib/printable.ts';
import { retryAfterMs } from '../lib/retry-after.ts';
import { otlpRequest } from './otlp.ts';
import type { TraceSender } from './otlp.ts';
import type { Span } from './span.ts';

/** Where traces go. */
export interface TraceDestination {
  /** The whole address, `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Of each request: they prove who sends. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ExporterOptions extends TraceDestination {
  readonly sender: TraceSender;
  /** The spans of a run that has ended; empty = there is nothing to tell of it. */
  readonly load: (runId: string) => Promise<readonly Span[]>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'increment'>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Runs that wait; one more is left out. */
  readonly mostWaiting?: number;
}

/** Tells a collector of runs. */
export interface TraceExporter {
  /** A run has ended. Never waits and never throws. */
  ended(runId: string): void;
  /** Sends what waits, each once, for at most so long. */
  stop(leftMs: number): Promise<void>;
}

/** Tries of one trace. */
const mostTries = 4;
const pauses = { firstMs: 1_000, mostMs: 30_000 } as const;
/** A collector that wishes to be left alone for longer gets the next trace then. */
const mostPauseMs = 60_000;
const timeoutMs = 10_000;
/** Of an answer, whose only word is what was rejected. */
const mostAnswerBytes = 64 * 1024;
/** What passes, by the specification of OTLP/HTTP. */
const retried: ReadonlySet<number> = new Set([429, 502, 503, 504]);

type Outcome = 'sent' | 'partly' | 'refused' | 'unreachable' | 'unreadable' | 'left-out';

type Try =
  | { readonly outcome: Exclude<Outcome, 'unreachable'>; readonly why: string | null }
  | { readonly outcome: 'again'; readonly why: string; readonly pauseMs: number | null };

/**
 * Sends the trace of each run that ended, one after the other, read from the store when its turn comes. Only ids wait, so many and
 * no more: a collector that is away costs nothing but its traces, which are counted.
 */
export function createTraceExporter(options: ExporterOptions): TraceExporter {
  const { clock, log, metrics, random, mostWaiting = 1000 } = options;
  const complain = createComplaints(log, clock);
  const waiting: string[] = [];
  const stopping = new AbortController();
  const ending = new AbortController();
  let running: Promise<void> | null = null;

  function count(result: Outcome, runId: string, why: string | null): void {
    metrics.increment('fist_traces_total', { result });
    if (why !== null) complain('warn', result, { run: runId, reason: why }, `traces: ${result}`);
  }

  async function sendTrace(runId: string): Promise<void> {
    let spans: readonly Span[];
    try {
      spans = await options.load(runId);
    } catch (thrown) {
      return count('unreadable', runId, toAppError(thrown).message);
    }
    if (spans.length === 0) return;
    const body = JSON.stringify(otlpRequest(spans, options.sender));
    for (let failures = 1; ; failures += 1) {
      const made = await tryOnce(options, body, ending.signal);
      if (made.outcome !== 'again') return count(made.outcome, runId, made.why);
      if (failures >= mostTries || stopping.signal.aborted) return count('unreachable', runId, made.why);
      const pauseMs = Math.min(mostPauseMs, Math.max(made.pauseMs ?? 0, backOffMs(pauses, failures, random())));
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined);
    }
  }

  async function drain(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (ending.signal.aborted) count('left-out', next, null);
      else await sendTrace(next);
    }
    running = null;
  }

  return {
    ended(runId) {
      if (stopping.signal.aborted) return count('left-out', runId, 'the program stops');
      if (waiting.length >= mostWaiting) return count('left-out', runId, 'more runs end than their traces can be sent');
      waiting.push(runId);
      running ??= Promise.resolve().then(drain);
    },
    async stop(leftMs) {
      stopping.abort(new Error('the program stops'));
      if (running === null) return;
      const done = new AbortController();
      const late = clock.sleep(leftMs, done.signal).then(
        () => ending.abort(new Error('the program stops')),
        () => undefined,
      );
      await Promise.race([running, late]);
      done.abort();
      await running;
    },
  };
}

async function tryOnce(
  { url, headers, http, clock }: ExporterOptions,
  body: string,
  signal: AbortSignal,
): Promise<Try> {
  try {
    const response = await http.send({
      method: 'POST',
      url,
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      timeoutMs,
      maxResponseBytes: mostAnswerBytes,
      signal,
    });
    return outcomeOf(response, clock.now());
  } catch (thrown) {
    const { code, message, retryable } = toAppError(thrown);
    if (retryable) return { outcome: 'again', why: message, pauseMs: null };
    return { outcome: code === 'Cancelled' ? 'left-out' : 'refused', why: message };
  }
}

function outcomeOf({ status, headers, body }: HttpResponse, nowMs: number): Try {
  if (retried.has(status))
    return {
      outcome: 'again',
      why: `the collector answered ${status}`,
      pauseMs: retryAfterMs(headers['retry-after'], headers['date'], nowMs),
    };
  if (status !== 200) return { outcome: 'refused', why: `the collector answered ${status}` };
  const { rejectedSpans, errorMessage } = partialSuccessOf(body);
  if (rejectedSpans === 0) return { outcome: 'sent', why: null };
  return { outcome: 'partly', why: `the collector rejected ${rejectedSpans} spans: ${oneLine(errorMessage, 200)}` };
}

function partialSuccessOf(body: string): { readonly rejectedSpans: number; readonly errorMessage: string } {
  let answer: JsonValue = null;
  try {
    answer = JSON.parse(body) as JsonValue;
  } catch {
    // A collector that took them and answers something else took them.
  }
  const { rejectedSpans, errorMessage } = objectOf(objectOf(answer)['partialSuccess']);
  // A 64-bit number, which is text in JSON.
  const rejected = Number(rejectedSpans ?? 0);
  return {
    rejectedSpans: Number.isSafeInteger(rejected) ? rejected : 0,
    errorMessage: typeof errorMessage === 'string' ? errorMessage : '',
  };
}
