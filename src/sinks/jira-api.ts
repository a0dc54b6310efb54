import type { HttpResponse } from '../core/ports.ts';
import { parseSecretReference } from '../lib/secret-reference.ts';
import type { SinkIo } from './define.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { Failure, SinkRequest } from './http.ts';

// Jira's REST API: version 3 in the cloud (documents are ADF, search by token), version 2 on a server (texts are wiki markup).

export interface JiraAccess {
  readonly isCloud: boolean;
  /** Answers the parsed body of a 2xx. */
  call(request: JiraRequest): Promise<JiraAnswer>;
}

export interface JiraRequest extends Pick<SinkRequest, 'method' | 'body' | 'isIdempotent'> {
  /** After `/rest/api/3`. */
  readonly path: string;
}

export type JiraAnswer =
  | { readonly ok: true; readonly body: unknown }
  /** `status` null: no answer came. */
  | { readonly ok: false; readonly status: number | null; readonly verdict: Failure };

export interface JiraConfig {
  readonly endpoint: string;
  readonly deployment?: 'cloud' | 'server' | undefined;
  readonly email?: string | undefined;
  readonly credentialsSecret: string;
}

const mostAnswerBytes = 512 * 1024;

/** Throws SecretMissing. */
export function openJira(io: SinkIo, config: JiraConfig): JiraAccess {
  const { host } = new URL(config.endpoint);
  const isCloud = (config.deployment ?? (isCloudHost(host) ? 'cloud' : 'server')) === 'cloud';
  const base = below(config.endpoint, `/rest/api/${isCloud ? 3 : 2}`);
  const authorization = authorizationOf(config, io.secret(parseSecretReference(config.credentialsSecret)));
  return {
    isCloud,
    async call({ path, ...request }) {
      const answer = await sendRequest(io, {
        ...request,
        url: base + path,
        headers: { authorization, accept: 'application/json' },
        maxResponseBytes: mostAnswerBytes,
      });
      if (!answer.ok) {
        const { response, verdict } = answer;
        const hint = response === null ? '' : hintOf(response, config);
        return { ok: false, status: response?.status ?? null, verdict: { ...verdict, reason: verdict.reason + hint } };
      }
      const { body, status } = answer.response;
      if (body === '' && status === 204) return { ok: true, body: {} };
      const json = jsonOf(answer.response);
      if (json !== null && typeof json === 'object') return { ok: true, body: json };
      // A login page, or a proxy that answers for it.
      const reason = `${host} answered ${status} without JSON: is the endpoint the address of Jira?`;
      return {
        ok: false,
        status,
        verdict: { ok: false, retry: true, reason, ambiguous: request.isIdempotent !== true },
      };
    },
  };
}

function isCloudHost(host: string): boolean {
  return host.endsWith('.atlassian.net') || host === 'api.atlassian.com';
}

/** With an e-mail, or where the Secret has both: basic. Else a personal access token. */
function authorizationOf({ email }: JiraConfig, secret: string): string {
  const pair = email === undefined ? secret : `${email}:${secret}`;
  return pair.includes(':') ? `Basic ${Buffer.from(pair).toString('base64')}` : `Bearer ${secret}`;
}

/** What to look at. Names of fields are told, messages are not: they may quote what was sent. */
function hintOf(response: HttpResponse, { credentialsSecret }: JiraConfig): string {
  const { status } = response;
  if (status === 400) {
    const fields = refusedFields(response);
    return fields.length === 0 ? ': it refuses the request' : `: it refuses ${fields.join(', ')}`;
  }
  if (status === 401) return `: it does not know the credentials of Secret ${credentialsSecret}`;
  if (status === 403) return `: the user of Secret ${credentialsSecret} may not do this in the project`;
  return '';
}

function refusedFields(response: HttpResponse): readonly string[] {
  const { errors } = (jsonOf(response) ?? {}) as { readonly errors?: object | null };
  return Object.keys(errors ?? {})
    .filter((name) => /^[\w .-]{1,60}$/.test(name))
    .slice(0, 10);
}
