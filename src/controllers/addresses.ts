import type { Catalog } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { Informer, InformerChange } from '../kube/watch/informer.ts';
import type { ResourceObject } from '../resources/object.ts';

/** At which addresses a Source is served, as its status says: whoever is there already keeps them. */
export function addressesIn({ status }: Pick<KubernetesObject, 'status'>): readonly string[] {
  const addresses = status?.['addresses'];
  return Array.isArray(addresses) ? addresses.filter((one): one is string => typeof one === 'string') : [];
}

/** At which addresses each of these Sources is served already. */
export function servedBy(sources: Informer | undefined): (source: ResourceObject) => readonly string[] {
  return ({ namespace, name }) => addressesIn(sources?.get(`${namespace}/${name}`) ?? {});
}

/** Whoever leads says in a status where a Source is served; one that decided otherwise, because it had not heard of it, decides again. */
export function isServedElsewhere(change: InformerChange, catalog: Catalog | undefined): boolean {
  if (change.type !== 'updated' || change.object.kind !== 'Source') return false;
  const { namespace = '', name } = change.object.metadata;
  const [was, is] = [change.before, change.object].map((object) => addressesIn(object).join(' '));
  return is !== was && is !== catalog?.source(namespace, name)?.addresses.join(' ');
}
