import type { FastifyRequest } from 'fastify';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { RequestAnswer } from '../core/event.ts';
import { isFinal } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import { newId } from '../lib/id.ts';
import { challenge, checkBearer } from '../sources/authentication/bearer.ts';
import type { EventResult } from '../sources/define.ts';
import type { Refusal } from './refusal.ts';
import { authenticate } from './source-authentication.ts';
import type { RequestKind } from './source-requests.ts';
import type { WebhookContext } from './webhook-context.ts';
import { currentCatalog, decideCaller } from './webhook-decisions.ts';
import type { Decision } from './webhook-decisions.ts';

export const eventsPath = '/api/v1/sources/:namespace/:name/events';

/** `0s` to `60s`. */
export const waitPattern = /^(\d|[1-5]\d|60)s$/;
const lookEveryMs = 250;

/** As for notifications. A Source that says nothing of its callers takes those who have the token of the API. */
export function decideEvent(context: WebhookContext, request: FastifyRequest): Decision {
  const known = currentCatalog(context);
  if ('status' in known) return known;
  const { namespace, name } = request.params as { readonly namespace: string; readonly name: string };
  const source = known.source(namespace, name);
  if (source?.authentication == null) {
    const refusal = withoutToken(context, request);
    if (refusal !== null) return refusal;
  }
  const type = source === undefined ? undefined : context.types.get(source.type);
  // One that asks an endpoint takes no requests.
  if (source === undefined || type?.receiveEvent == null || type.runs(source.settings)) return unknownSource();
  request.webhookSource = source;
  const refusal = source.authentication === null ? null : authenticate(context, source, request);
  return refusal ?? wrongWait(request) ?? decideCaller(context, source, request);
}

function withoutToken({ options }: WebhookContext, { raw }: FastifyRequest): Refusal | null {
  const verdict = checkBearer(raw.rawHeaders, [options.token]);
  if (verdict === 'ok') return null;
  return {
    status: 401,
    reason: 'Unauthenticated',
    headers: { 'www-authenticate': challenge(verdict) },
    body: {
      code: 'Unauthenticated',
      message: verdict === 'absent' ? 'a bearer token is required' : 'the bearer token is not the one of this server',
      next: 'send the token of the API, or give the Source authentication of its own',
    },
  };
}

function unknownSource(): Refusal {
  return {
    status: 404,
    reason: 'UnknownPath',
    body: { code: 'NotFound', message: 'there is no Source of type api with this name', next: 'fist get sources' },
  };
}

function wrongWait(request: FastifyRequest): Refusal | null {
  if (waitOf(request) !== null) return null;
  const message = 'wait: must be seconds, 60 at most: 30s';
  return { status: 400, reason: 'Malformed', body: { code: 'InvalidInput', message, field: 'wait' } };
}

/** Milliseconds; null = it is none that can be waited. */
function waitOf({ query }: FastifyRequest): number | null {
  const { wait } = query as { readonly wait?: unknown };
  if (wait === undefined) return 0;
  return typeof wait === 'string' && waitPattern.test(wait) ? Number(wait.slice(0, -1)) * 1000 : null;
}

/** Requests for runs: answered with the runs that were made, or after a while with what came of them. */
export const events: RequestKind<Extract<EventResult, { readonly ok: true }>, RequestAnswer> = {
  reader: ({ types }, source) => types.get(source.type)?.receiveEvent ?? null,
  take: ({ options }, source, { data, key }) => takeEvent(options, source, data, key),
  async answer(context, request, taken) {
    const id = taken.kind === 'started' || taken.kind === 'known' ? taken.runId : null;
    // It is committed: what cannot be read of it now is no reason to send it again.
    const run = id === null ? undefined : await whenDone(context, request, id).catch(() => undefined);
    return JSON.stringify({
      runs: id === null ? [] : [run === undefined ? { id, status: 'pending', ...nothing } : shown(run, request)],
      reason: taken.kind === 'muted' ? taken.reason : null,
    });
  },
};

async function takeEvent(
  { sourceWorld: { intake } }: WebhookContext['options'],
  source: CatalogSource,
  data: Extract<EventResult, { readonly ok: true }>['data'],
  key: string | null,
): Promise<RequestAnswer> {
  const answer = await intake.request(source, { key: key ?? `request/${newId()}`, data, problem: null, tick: null });
  if (answer.kind === 'later') {
    const message = `the storm cap of Source ${source.namespace}/${source.name} leaves no room until ${answer.until}`;
    throw new AppError('StoreUnavailable', message, { reason: 'StormGuard', next: 'send it again then' });
  }
  if (answer.kind === 'known' && !answer.isSame) {
    throw new AppError('Conflict', 'the Idempotency-Key was sent before, with another body', {
      next: 'send another key',
    });
  }
  return answer;
}

/** The run when it has ended, or as it is when the time is over, the server is stopping, or too many wait already. */
async function whenDone(
  { options, waiting }: WebhookContext,
  request: FastifyRequest,
  id: string,
): Promise<RunRecord | undefined> {
  const { clock, reader, state } = options;
  const untilMs = clock.monotonic() + (waitOf(request) ?? 0);
  let run = await reader.runs.find(id);
  if (untilMs <= clock.monotonic() || !waiting.enter()) return run;
  try {
    const { socket } = request.raw;
    while (run !== undefined && !isFinal(run.status) && state() === 'ready' && !socket.destroyed) {
      const leftMs = untilMs - clock.monotonic();
      if (leftMs <= 0) break;
      await clock.sleep(Math.min(lookEveryMs, leftMs));
      run = await reader.runs.find(id);
    }
    return run;
  } finally {
    waiting.leave();
  }
}

const nothing = { outputs: {}, error: null } as const;

/** What came of a run of another namespace is for its readers alone, whoever may send to this Source. */
function shown({ id, namespace, status, outputs, error }: RunRecord, { webhookSource }: FastifyRequest) {
  return { id, status, ...(namespace === webhookSource?.namespace ? { outputs, error } : nothing) };
}
