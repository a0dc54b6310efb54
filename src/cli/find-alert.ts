import { AppError } from '../core/errors.ts';
import { plain } from '../lib/printable.ts';
import { mostItems, readList } from '../lib/read-list.ts';
import { shortId } from '../lib/short-id.ts';
import { mostSimilar } from '../lib/similar.ts';
import { alertNamed, openOnes } from '../report/meant-alert.ts';
import type { ListedAlert } from '../report/meant-alert.ts';
import type { ApiClient } from './client.ts';
import { alerts } from './nouns/alerts.ts';
import { pathOf } from './nouns/index.ts';
import type { NamedObject } from './nouns/index.ts';

/** The same thing by its id, where an alert was named by what others may have too. */
export async function meantBy(client: ApiClient, object: NamedObject): Promise<NamedObject> {
  return object.noun === alerts ? { ...object, key: (await alertNamed(client, object.key)).id } : object;
}

/** All that the API has of one thing. Where there is no such alert, the error names the nearest open one. */
export async function readObject(client: ApiClient, object: NamedObject, namespace?: string): Promise<unknown> {
  try {
    return await client.get(pathOf(object));
  } catch (thrown) {
    if (object.noun !== alerts || !(thrown instanceof AppError) || thrown.code !== 'NotFound') throw thrown;
    const { items: open } = await readList<ListedAlert>(client, 'alerts', openOnes({ namespace }), mostItems);
    const meant = mostSimilar(object.key, [...new Set(open.map((alert) => alert.name))]);
    const near = open.find(({ name }) => name === meant);
    if (near === undefined) throw thrown;
    const next = `fist why alert/${shortId(near.id)}`;
    throw new AppError('NotFound', `${thrown.message}; did you mean ${plain(near.name)}?`, { cause: thrown, next });
  }
}
