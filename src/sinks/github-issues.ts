import type { HttpResponse } from '../core/ports.ts';
import { parseSecretReference } from '../lib/secret-reference.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { Failure } from './http.ts';
import type { Looked, TrackedIssue, Tracker } from './tracker.ts';
import { sha256Hex } from '../lib/hash.ts';

// Issues of a repository over GitHub's REST API (version 2022-11-28).

export interface GithubConfig {
  readonly endpoint: string;
  readonly repository: string;
  readonly credentialsSecret: string;
}

/** What an issue is made of; the body is that of a comment as well. */
export interface GithubText {
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
}

const mostAnswerBytes = 8 * 1024 * 1024;
/** The newest, of which each may be 64 KiB. */
const searchedIssues = 50;
/** Deliveries are tried for a week at most. */
const longestTryMs = 8 * 24 * 3_600_000;

type Called =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number | null; readonly verdict: Failure };

/** Throws SecretMissing. */
export function createGithubIssues(
  io: SinkIo,
  config: GithubConfig,
  delivery: SinkDelivery,
  text: GithubText,
): Tracker {
  const base = below(config.endpoint, `/repos/${config.repository}/issues`);
  const authorization = `Bearer ${io.secret(parseSecretReference(config.credentialsSecret))}`;
  const subject = shortHash(delivery.subjectKey);
  const mark = markOf(subject, shortHash(delivery.idempotencyKey));

  async function call(method: string, path: string, body?: object, isIdempotent = true): Promise<Called> {
    const answer = await sendRequest(io, {
      method,
      url: base + path,
      headers: { authorization, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
      body,
      maxResponseBytes: mostAnswerBytes,
      isIdempotent,
    });
    if (answer.ok) {
      const json = jsonOf(answer.response);
      if (json !== null && typeof json === 'object') return { ok: true, body: json };
      const reason = `${new URL(base).host} answered ${answer.response.status} without JSON: is the endpoint the address of the API?`;
      return { ok: false, status: null, verdict: { ok: false, retry: true, reason, ambiguous: !isIdempotent } };
    }
    const { response, verdict } = answer;
    if (response === null) return { ok: false, status: null, verdict };
    return { ok: false, status: response.status, verdict: refusalOf(response, verdict, config, io.now()) };
  }

  async function isCommented(number: string): Promise<boolean | Failure> {
    const since = encodeURIComponent(new Date(io.now() - longestTryMs).toISOString());
    const answer = await call('GET', `/${number}/comments?per_page=100&since=${since}`);
    if (!answer.ok) return answer.verdict;
    return (answer.body as readonly Written[]).some((comment) => lastLine(comment) === mark);
  }

  /** What it has now in place of what it had: a second time changes nothing. */
  async function change({ reference }: TrackedIssue, to: object): Promise<Failure | null> {
    const answer = await call('PATCH', `/${numberOf(reference)}`, to);
    return answer.ok ? null : answer.verdict;
  }

  return {
    searchLagMs: 0,
    async find(reference): Promise<Looked> {
      const number = numberOf(reference);
      if (number === null) return { ok: true, issue: null };
      const answer = await call('GET', `/${number}`);
      // 410: it was deleted.
      if (!answer.ok)
        return answer.status === 404 || answer.status === 410 ? { ok: true, issue: null } : answer.verdict;
      return { ok: true, issue: issueOf(answer.body as GithubIssue, subject, mark) };
    },
    async search() {
      if (!delivery.isRepeat) return { ok: true, issue: null };
      const answer = await call('GET', `?state=all&sort=created&direction=desc&per_page=${searchedIssues}`);
      if (!answer.ok) return answer.verdict;
      const found = (answer.body as readonly GithubIssue[]).map((issue) => issueOf(issue, subject, mark));
      return { ok: true, issue: found.find(({ isOwn }) => isOwn) ?? null };
    },
    async create() {
      const { title, labels, assignees } = text;
      const made = { title, body: `${text.body}\n\n${mark}`, labels, assignees };
      const answer = await call('POST', '', made, false);
      if (!answer.ok) return answer.verdict;
      return { ok: true, reference: `#${(answer.body as GithubIssue).number}` };
    },
    async comment({ reference }, note) {
      const number = numberOf(reference) ?? '';
      const known = delivery.isRepeat ? await isCommented(number) : false;
      if (typeof known === 'object') return known;
      // A second one is found by its mark.
      const body = [text.body, note, mark].filter((part) => part !== '').join('\n\n');
      const answer = known ? null : await call('POST', `/${number}/comments`, { body });
      return answer === null || answer.ok ? null : answer.verdict;
    },
    reopen: (issue) => change(issue, { state: 'open' }),
    close: (issue) => change(issue, { state: 'closed', state_reason: 'completed' }),
  };
}

interface Written {
  readonly body?: string | null;
}

interface GithubIssue extends Written {
  readonly number: number;
  readonly state: string;
  readonly closed_at?: string | null;
}

function issueOf(issue: GithubIssue, subject: string, mark: string): TrackedIssue & { readonly isOwn: boolean } {
  const line = lastLine(issue);
  return {
    reference: `#${issue.number}`,
    isDone: issue.state === 'closed',
    doneAtMs: Date.parse(issue.closed_at ?? '') || 0,
    isOwn: line.startsWith(`<!-- fist ${subject} `),
    isOfDelivery: line === mark,
  };
}

/** Which alert and which delivery wrote it. Nobody sees it, and it is the last line: what an alert writes stands before it. */
function markOf(subject: string, delivery: string): string {
  return `<!-- fist ${subject} ${delivery} -->`;
}

function lastLine({ body }: Written): string {
  return (body ?? '').trimEnd().split('\n').at(-1)?.trim() ?? '';
}

function shortHash(text: string): string {
  return sha256Hex(text).slice(0, 24);
}

/** Of `#12`; null = it is no reference of an issue. */
function numberOf(reference: string): string | null {
  return /^#(\d{1,12})$/.exec(reference)?.[1] ?? null;
}

/** A limit of the rate comes as 403 or 429; what else GitHub refuses is final. Names of fields are told, messages are not. */
function refusalOf(response: HttpResponse, verdict: Failure, config: GithubConfig, nowMs: number): Failure {
  const { status, headers } = response;
  const body = (jsonOf(response) ?? {}) as {
    readonly message?: string;
    readonly errors?: readonly { readonly field?: unknown }[];
  };
  if (status === 403 || status === 429) {
    const waitMs = limitMs(headers, verdict.retryAfterMs, body.message ?? '', nowMs);
    if (waitMs !== null)
      return { ...verdict, retry: true, reason: `${verdict.reason}: too many requests`, retryAfterMs: waitMs };
  }
  const { repository, credentialsSecret } = config;
  const fields = Array.isArray(body.errors)
    ? body.errors.map(({ field }) => String(field)).filter((name) => /^\w{1,40}$/.test(name))
    : [];
  const hints: Readonly<Record<number, string>> = {
    401: `it does not know the token of Secret ${credentialsSecret}`,
    403: `the token of Secret ${credentialsSecret} lacks "Issues: read and write" in ${repository}`,
    404: `there is no repository ${repository}, or the token of Secret ${credentialsSecret} does not see it`,
    410: `issues are switched off in ${repository}`,
    422: `it refuses ${fields.join(', ') || 'the request'}`,
  };
  const hint = hints[status];
  return hint === undefined ? verdict : { ...verdict, reason: `${verdict.reason}: ${hint}` };
}

/** How long to wait; null = it is no limit of the rate. */
function limitMs(
  headers: HttpResponse['headers'],
  askedMs: number | undefined,
  message: string,
  nowMs: number,
): number | null {
  if (askedMs !== undefined) return askedMs;
  const seconds = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(seconds)) return seconds * 1000;
  if (headers['x-ratelimit-remaining'] === '0')
    return Math.max(1000, Number(headers['x-ratelimit-reset']) * 1000 - nowMs) || 60_000;
  return /rate limit/i.test(message) ? 60_000 : null;
}
