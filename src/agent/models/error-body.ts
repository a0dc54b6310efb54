import type { JsonObject, JsonValue } from '../../core/json.ts';
import { objectOf } from '../../core/json.ts';

/** What a provider says is wrong, out of the many forms in which it is said. */
export interface Said {
  /** Codes, types and states, in lower case: `insufficient_quota`, `resource_exhausted`, `throttlingexception`. */
  readonly words: readonly string[];
  /** For people. Without what it quotes of the request. */
  readonly message: string;
  /** Status within the body; null = none. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
}

/** null: the body is no JSON, or says of no error. */
export function saidIn(body: string, headers: Readonly<Record<string, string>>): Said | null {
  const value = parse(body);
  const awsType = headers['x-amzn-errortype']?.split(':')[0];
  if (value === undefined) return awsType === undefined ? null : said([awsType], '', null, null);
  const whole = objectOf(Array.isArray(value) ? value[0] : value);
  const { error } = whole;
  if (typeof error === 'string') return said([awsType], error, null, null);
  const inner = error === undefined ? whole : objectOf(error);
  const message =
    textIn(inner['message']) ?? textIn(inner['detail']) ?? textIn(whole['message']) ?? textIn(whole['Message']);
  const details = Array.isArray(inner['details']) ? inner['details'].map((each) => objectOf(each)) : [];
  if (error === undefined && message === undefined) return null;
  const words = [
    inner['type'],
    inner['code'],
    inner['status'],
    inner['__type'],
    awsType,
    ...detailWords(inner, details),
  ];
  const statuses = [inner['code'], inner['status'], inner['statusCode']].map(Number);
  const status = statuses.find((each) => Number.isInteger(each) && each >= 400 && each < 600);
  return said(words, message ?? '', status ?? null, delayIn(details) ?? waitIn(message ?? ''));
}

/** What the answer of a request for an answer has one of. */
const answerFields = ['choices', 'content', 'output', 'candidates'];

/** The status that an error has which came as a good answer, as proxies send it; null = the body is no error. */
export function statusOfError(body: string): number | null {
  if (!body.includes('"error"')) return null;
  const whole = objectOf(parse(body));
  if (whole['error'] === undefined || whole['error'] === null || answerFields.some((field) => field in whole))
    return null;
  return saidIn(body, {})?.status ?? 500;
}

function parse(body: string): JsonValue | undefined {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    return undefined;
  }
}

function said(
  words: readonly (JsonValue | undefined)[],
  message: string,
  status: number | null,
  retryAfterMs: number | null,
): Said {
  const texts = words.filter((word) => typeof word === 'string').map((word) => word.toLowerCase());
  return { words: texts, message: withoutInput(message), status, retryAfterMs };
}

/** A text, or the texts of a list of problems as FastAPI writes it: without the input that it quotes. */
function textIn(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((each) => objectOf(each)['msg']).filter((text) => typeof text === 'string');
  return texts.length === 0 ? undefined : texts.join('; ');
}

/** Some servers quote the whole request behind what is wrong with it. */
function withoutInput(message: string): string {
  return message.replace(
    /[,;([]?\s*['"]?\b(?:input_value|input|request|messages|prompt)['"]?\s*[=:]\s*['"[{][\s\S]*$/i,
    '',
  );
}

/** Google names what was exhausted; Azure hides its filter one level below. */
function detailWords(error: JsonObject, details: readonly JsonObject[]): readonly (JsonValue | undefined)[] {
  const violations = details.flatMap(({ violations }) => (Array.isArray(violations) ? violations : []));
  const innerCode = objectOf(error['innererror'])['code'];
  return [innerCode, ...details.map(({ reason }) => reason), ...violations.map((each) => objectOf(each)['quotaId'])];
}

/** `google.rpc.RetryInfo`. */
function delayIn(details: readonly JsonObject[]): number | null {
  const delay = details.map(({ retryDelay }) => retryDelay).find((each) => typeof each === 'string');
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? '')?.[1];
  return seconds === undefined ? null : Math.ceil(Number(seconds) * 1000);
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `Please try again in 6m0s`. */
function waitIn(message: string): number | null {
  const text = /(?:try again|retry) in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)/i.exec(message)?.[1];
  if (text === undefined) return null;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
  return Math.ceil(
    [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit as keyof typeof units], 0),
  );
}
