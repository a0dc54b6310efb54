import type { Catalog } from '../core/catalog.ts';
import type { Log } from '../core/ports.ts';
import { secretKey } from './last-good.ts';
import type { Kept } from './last-good.ts';
import { objectKey, objectTitle } from './object.ts';

/** Names of a line; there may be thousands. */
const mostNames = 50;

/** Says what vanished and what goes when it does not come back, in one line each, with the URLs of which senders would hear 404. */
export function tellVanished(log: Log, before: Kept, kept: Kept, catalog: Catalog, publicUrl: string | null): void {
  const missed = [...kept.missedSince.keys()].filter((key) => !before.missedSince.has(key));
  if (missed.length > 0) {
    log.warn(
      {
        vanished: names(kept, missed),
        urls: urls(catalog, missed, publicUrl),
        next: 'put them back, or wait a minute',
      },
      'resources vanished: they stay in use for a minute, and webhooks of their Sources are answered 503',
    );
  }
  const inUse = new Set([...kept.objects.map(objectKey), ...kept.secrets.map(secretKey)]);
  const gone = [...before.missedSince.keys()].filter((key) => !inUse.has(key));
  if (gone.length > 0) log.warn({ removed: names(before, gone) }, 'resources that vanished a minute ago were removed');
}

function names({ objects }: Kept, keys: readonly string[]): readonly string[] {
  const titles = new Map(objects.map((object) => [objectKey(object), objectTitle(object)]));
  return cut(keys.map((key) => titles.get(key) ?? key.replace('/', ' ')));
}

function urls({ sources }: Catalog, keys: readonly string[], publicUrl: string | null): readonly string[] {
  const missed = new Set(keys);
  return cut(
    sources.flatMap(({ namespace, name, addresses }) =>
      missed.has(`Source/${namespace}/${name}`) ? addresses.map((address) => `${publicUrl ?? ''}${address}`) : [],
    ),
  );
}

function cut(all: readonly string[]): readonly string[] {
  return all.length > mostNames ? [...all.slice(0, mostNames), `and ${all.length - mostNames} more`] : all;
}
