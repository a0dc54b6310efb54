import { AppError } from '../../core/errors.ts';
import { requestWasSent } from '../../lib/http.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';
import { retryAfterMs } from '../../lib/retry-after.ts';
import { saidIn } from './error-body.ts';
import type { Said } from './error-body.ts';
import { reasonOf } from './failure-reason.ts';
import { ModelFailure, modelFailureReasons } from './model.ts';
import type { ModelFailureReason } from './model.ts';

export interface FailureContext {
  /** `openai/gpt-6`, for the message. */
  readonly model: string;
  /** Taken out of the message, wherever the provider quotes it. */
  readonly apiKey: string | null;
  /** How long was waited where our own time was over; null = it was not. */
  readonly timedOutAfterMs: number | null;
  readonly nowMs: number;
}

/** What an SDK throws for an answer that is none, as far as it is looked at. */
interface AnswerError {
  readonly statusCode: number;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly responseBody?: string;
}

/** Whatever an SDK or the HTTP client threw, as a failure with a reason. Holds nothing of the request. */
export function toModelFailure(thrown: unknown, context: FailureContext): ModelFailure {
  if (thrown instanceof ModelFailure) return thrown;
  const causes = causesOf(thrown);
  const ours = causes.find((each) => each instanceof AppError);
  if (context.timedOutAfterMs !== null) {
    const wasSent = ours === undefined || requestWasSent(ours);
    return failure('Timeout', context, `no answer within ${context.timedOutAfterMs / 1000} s`, { wasSent });
  }
  if (ours instanceof ModelFailure) return ours;
  if (ours !== undefined) return ofClient(ours, context);
  const answer = causes.find(isAnswerError);
  if (answer !== undefined) return ofAnswer(answer, context);
  if (causes.some((each) => each instanceof RangeError))
    return failure('BrokenAnswer', context, 'the answer is too long');
  return ofSdk(causes, context);
}

function causesOf(thrown: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let each = thrown; each !== undefined && causes.length < 8;) {
    causes.push(each);
    each = each instanceof Error ? each.cause : undefined;
  }
  return causes;
}

function isAnswerError(thrown: unknown): thrown is AnswerError {
  return thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number';
}

/** No answer came. */
function ofClient(error: AppError, context: FailureContext): ModelFailure {
  const wasSent = requestWasSent(error);
  const reason: ModelFailureReason =
    error.code === 'Forbidden'
      ? 'NotAllowed'
      : error.code === 'Timeout'
        ? 'Timeout'
        : error.code === 'InvalidInput'
          ? 'BadRequest'
          : 'Unreachable';
  const next = reason === 'NotAllowed' ? { next: '--allow-destination with its host or network' } : {};
  return failure(reason, context, error.message, { wasSent, ...next });
}

/** An answer came that is none. */
function ofAnswer(answer: AnswerError, context: FailureContext): ModelFailure {
  const { statusCode: status, responseHeaders: headers = {}, responseBody: body = '' } = answer;
  const said = saidIn(body, headers);
  if (status >= 300 && status < 400) {
    const host = URL.parse(headers['location'] ?? '')?.host ?? 'another address';
    return failure('BadRequest', context, `HTTP ${status}, a redirect to ${host}, which is not followed`, {
      next: 'name the address itself in llmConfig.endpoint',
    });
  }
  if (said === null && status < 300) {
    const what = /^\s*</.test(body) ? 'a page came instead of an answer: is the endpoint right?' : 'it is no answer';
    return failure('BrokenAnswer', context, `HTTP ${status}, and ${what}`);
  }
  const reason = reasonOf(status, said);
  const about = said === null || said.message === '' ? '' : `: ${said.message}`;
  const waitMs = reason === 'QuotaExhausted' ? null : askedToWait(said, headers, context.nowMs);
  return failure(reason, context, `${modelFailureReasons[reason]} (HTTP ${status})${about}`, {
    retryAfterMs: waitMs,
    wasSent: status < 400 || status >= 500,
  });
}

/** The SDK itself refused, or could not read what came. Its messages may quote the request, so only its name is told. */
function ofSdk(causes: readonly unknown[], context: FailureContext): ModelFailure {
  const names = causes.map((each) => (each instanceof Error ? each.name.replace(/^AI_/, '') : typeof each));
  const isUnread = names.some((name) =>
    /InvalidResponseData|JSONParse|TypeValidation|EmptyResponseBody|NoContent/.test(name),
  );
  if (isUnread) return failure('BrokenAnswer', context, modelFailureReasons.BrokenAnswer);
  return failure('BadRequest', context, `it could not be asked (${names[0] ?? 'unknown'})`, { wasSent: false });
}

/** What the answer asks to wait, in any of the forms that providers use. Milliseconds. */
function askedToWait(said: Said | null, headers: Readonly<Record<string, string>>, nowMs: number): number | null {
  const milliseconds = headers['retry-after-ms']?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(milliseconds)) return Math.ceil(Number(milliseconds));
  const header = headers['retry-after']?.trim();
  if (header !== undefined && /^\d+\.\d+$/.test(header)) return Math.ceil(Number(header) * 1000);
  return retryAfterMs(header, headers['date'], nowMs) ?? said?.retryAfterMs ?? null;
}

function failure(
  reason: ModelFailureReason,
  { model, apiKey }: FailureContext,
  text: string,
  details: ConstructorParameters<typeof ModelFailure>[2] = {},
): ModelFailure {
  const known = apiKey === null || apiKey.length < 6 ? text : text.replaceAll(apiKey, '[REDACTED]');
  return new ModelFailure(reason, oneLine(`${model}: ${redact(known)}`, 400), details);
}
