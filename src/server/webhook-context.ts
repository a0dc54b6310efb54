import type { CatalogSource } from '../core/catalog.ts';
import type { Complain } from '../lib/complaints.ts';
import type { Turns } from '../lib/turns.ts';
import type { SourceDefinition } from '../sources/define.ts';
import type { Admission } from './admission.ts';
import type { Connections } from './connections.ts';
import type { ServerLimits, ServerOptions } from './options.ts';
import type { Pace } from './receive-body.ts';
import type { Rates } from './rates.ts';
import type { Refusals } from './refusals.ts';
import type { Waiting } from './waiting.ts';

/** What the webhooks share with the rest of the server. */
export interface ServerParts {
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly connections: Connections;
  readonly refusals: Refusals;
  readonly rates: Rates;
  readonly pace: Pace;
  readonly complain: Complain;
  readonly turns: Turns;
}

export interface WebhookContext extends ServerParts {
  readonly admission: Admission;
  readonly allowsAnonymous: boolean;
  /** Source types by name. */
  readonly types: ReadonlyMap<string, SourceDefinition>;
  /** Callers that wait for a run. */
  readonly waiting: Waiting;
}

/** Logs an error of our side about a Source; the same message at most once in a while, because anybody may cause it. */
export function complain(
  context: WebhookContext,
  source: CatalogSource,
  fields: Readonly<Record<string, unknown>>,
  message: string,
): void {
  const name = `${source.namespace}/${source.name}`;
  context.complain('error', `${name} ${message}`, { source: name, ...fields }, message);
}
