import { workflowFor } from '../../core/access.ts';
import { matchLabels } from '../../core/alert.ts';
import type { AlertItem } from '../../core/alert.ts';
import type { Catalog, CatalogSource } from '../../core/catalog.ts';
import { AppError } from '../../core/errors.ts';
import type { IntakeAnswer, Notification } from '../../core/event.ts';
import type { Intake } from '../../core/ports.ts';
import type { ListReader } from '../../core/lists.ts';
import { noTurns } from '../../lib/turns.ts';
import { api } from '../../sources/api.ts';
import type { SourceDefinition, SourceRequest } from '../../sources/define.ts';

export interface PostAlertOptions {
  readonly catalog: { current(): Catalog | null };
  readonly intake: Intake;
  readonly lists: ListReader;
  readonly sourceTypes: readonly SourceDefinition[];
  /** Counts a request of a Source. Throws RateLimited. */
  readonly countRequest: (source: CatalogSource) => void;
}

/**
 * Design 3.3: to the named Source, else to the first webhook or api Source (by namespace/name) whose filters accept,
 * else stored under Source `api` with nothing triggered. Answers after the commit. Throws InvalidInput, NotFound for
 * an unknown Source, Draining while the catalog is not read, RateLimited, and what the intake throws.
 */
export async function postAlert(
  options: PostAlertOptions,
  request: SourceRequest,
): Promise<{ readonly id: string; readonly message: string }> {
  const catalog = options.catalog.current();
  if (catalog === null) {
    throw new AppError('Draining', 'the server has not read its Sources yet', { next: 'send it again' });
  }
  const { notification, item } = await read(request);
  const reference = sourceOf(request.body);
  const source =
    reference === null
      ? (firstAccepting(options, catalog, item) ?? apiSource)
      : named(options, catalog, reference, item);
  if (source.leaving === true) {
    const message = `Source ${source.namespace}/${source.name} vanished from the resources just now`;
    throw new AppError('StoreUnavailable', message, { reason: 'SourceVanished', next: 'send it again' });
  }
  options.countRequest(source);
  const answer = await options.intake.accept(source, notification);
  const alert = await options.lists.alertByIdentity(source.namespace, source.name, item.fingerprint);
  if (alert === undefined) {
    throw new AppError('Conflict', 'the alert of this Idempotency-Key is no longer stored', {
      next: 'send another key',
    });
  }
  return { id: alert.id, message: messageOf(catalog, source, answer) };
}

async function read(
  request: SourceRequest,
): Promise<{ readonly notification: Notification; readonly item: AlertItem }> {
  const result = await api.receive?.(request, noTurns, null);
  if (result === undefined) throw new Error('the api source takes no requests');
  if (!result.ok)
    throw new AppError('InvalidInput', result.message, result.field === '' ? {} : { field: result.field });
  const [item] = result.notification.items;
  if (item === undefined) throw new AppError('InvalidInput', 'there is no alert in the body');
  return { notification: result.notification, item };
}

/** `source` of a body that was read already. */
function sourceOf(body: SourceRequest['body']): string | null {
  const { source } = JSON.parse(body.toString()) as { readonly source?: unknown };
  if (source == null) return null;
  if (typeof source === 'string' && source !== '') return source;
  throw new AppError('InvalidInput', 'source must be text, namespace/name', { field: 'source' });
}

function firstAccepting(
  { sourceTypes }: PostAlertOptions,
  catalog: Catalog,
  item: AlertItem,
): CatalogSource | undefined {
  const offered = matchLabels(item);
  return catalog.sources
    .filter((source) => asksItself(sourceTypes, source) === false)
    .sort((left, right) => (`${left.namespace}/${left.name}` < `${right.namespace}/${right.name}` ? -1 : 1))
    .find((source) => source.accepts(offered) === null);
}

/** Whether it takes only what an endpoint answers that it asks; undefined: it takes no alerts at all. */
function asksItself(types: PostAlertOptions['sourceTypes'], { type, settings }: CatalogSource): boolean | undefined {
  return types.find((one) => one.type === type && one.receive !== null)?.runs(settings);
}

function named({ sourceTypes }: PostAlertOptions, catalog: Catalog, reference: string, item: AlertItem): CatalogSource {
  const slash = reference.indexOf('/');
  const [namespace, name] =
    slash < 0 ? ['default', reference] : [reference.slice(0, slash), reference.slice(slash + 1)];
  const source = catalog.source(namespace, name);
  if (source === undefined) {
    throw new AppError('NotFound', `there is no Source ${namespace}/${name}`, {
      field: 'source',
      next: 'fist get sources',
    });
  }
  if (asksItself(sourceTypes, source) === true)
    throw new AppError(
      'InvalidInput',
      `Source ${namespace}/${name} takes only what the endpoint answers that it asks`,
      {
        field: 'source',
        next: 'name another one, or leave source out',
      },
    );
  const refusal = source.accepts(matchLabels(item));
  if (refusal === null) return source;
  throw new AppError('InvalidInput', `Source ${namespace}/${name} refuses this alert: ${refusal.message}`, {
    field: 'labels',
    next: 'change the labels, or leave source out',
  });
}

/** Stands for a Source where none accepts: keeps the alert, triggers nothing. */
const apiSource: CatalogSource = {
  namespace: 'default',
  name: 'api',
  type: 'api',
  ready: true,
  conditions: [],
  origin: '',
  config: {},
  path: null,
  addresses: [],
  authentication: null,
  accepts: () => null,
  mutes: () => null,
  mediaTypes: [],
  subpaths: [],
  settings: null,
  triggerWorkflow: '',
  context: {},
  expireAfterMs: 24 * 3_600_000,
  cooldownMs: 0,
  flapCapPerHour: 0,
  stormCapPerMinute: 0,
  rateLimit: null,
  grouping: null,
  suspend: true,
};

function messageOf(catalog: Catalog, source: CatalogSource, answer: IntakeAnswer): string {
  const what = whatBecame(answer);
  if (source === apiSource) return `${what}; no Source accepts it, so nothing was triggered`;
  const under = `${what} under Source ${source.namespace}/${source.name}`;
  if (answer.runs === 0) return `${under}; nothing was triggered`;
  const isReady = workflowFor(catalog, source.namespace, source.triggerWorkflow)?.plan != null;
  const triggered = `Workflow ${source.triggerWorkflow} was triggered`;
  return isReady
    ? `${under}; ${triggered}`
    : `${under}; ${triggered}, but it is not ready: the run failed and can be repeated`;
}

function whatBecame(answer: IntakeAnswer): string {
  if (answer.opened > 0) return 'Alert created';
  if (answer.repeated > 0) return 'Alert was open already and is counted';
  return answer.resolved > 0 ? 'Alert resolved' : 'Alert counted';
}
