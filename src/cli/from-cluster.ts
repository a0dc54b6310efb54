import { namespaceOfContext, withInstallWorld, withTransport } from '../app/install/connect.ts';
import type { ContextFlags } from '../app/install/connect.ts';
import { readObjectTable, withoutManagers } from '../app/objects/tables.ts';
import type { ObjectTable } from '../app/objects/tables.ts';
import { kindByPlural, objectKindOf } from '../app/objects/kinds.ts';
import { AppError } from '../core/errors.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { ResourceKind } from '../resources/object.ts';
import type { ListFormat } from './formats.ts';
import { givenFilters } from './get-words.ts';
import type { RepeatedFlags } from './get-words.ts';
import { longFlag } from './nouns/filters.ts';
import { nounOf, objectsOf } from './nouns/index.ts';
import type { AnyNoun, NamedObject } from './nouns/index.ts';
import { printItems } from './output.ts';
import type { Terminal } from './output.ts';
import type { Column } from './table.ts';

/** The kind of a noun that a cluster has. Throws InvalidInput for rows of a server. */
export function kindOfNoun({ plural }: AnyNoun): ResourceKind {
  const found = kindByPlural(plural);
  if (found !== undefined) return found;
  throw new AppError('InvalidInput', `${plural} are of a server, no cluster has them`, {
    field: '--context',
    next: '--server URL, or FIST_SERVER, instead',
  });
}

interface Place {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
}

/** What names objects of a cluster; those without a namespace are in that of the context. */
export async function placesOf(flags: ContextFlags, named: readonly NamedObject[]): Promise<readonly Place[]> {
  const isWhole = named.every(({ key }) => key.includes('/'));
  const own = isWhole ? '' : await namespaceOfContext(flags);
  return named.map(({ noun, key }) => {
    const [namespace = '', name = ''] = key.includes('/') ? key.split('/') : [own, key];
    return { kind: kindOfNoun(noun), namespace, name };
  });
}

/** Objects of a cluster by their names. Throws NotFound for the first that is not there. */
export async function readFromCluster(
  flags: ContextFlags,
  named: readonly NamedObject[],
): Promise<readonly KubernetesObject[]> {
  const places = await placesOf(flags, named);
  return withInstallWorld(flags, async ({ writer }) => {
    const found = [];
    for (const { kind, namespace, name } of places) {
      const object = await writer.get(objectKindOf(kind), { namespace, name });
      if (object === null) throw notThere(kind, namespace, name);
      found.push(withoutManagers(object));
    }
    return found;
  });
}

export function notThere(kind: ResourceKind, namespace: string, name: string): AppError {
  return new AppError('NotFound', `there is no ${kind} ${namespace}/${name} in the cluster`, {
    next: `fist get ${objectKindOf(kind).plural} --context NAME`,
  });
}

type ClusterGetFlags = ContextFlags & RepeatedFlags & { readonly namespace?: string; readonly watch?: boolean };

/** `fist get sources --context NAME`: with the columns of the CRDs. */
export async function getFromCluster(
  terminal: Terminal,
  flags: ClusterGetFlags,
  format: ListFormat,
  sort: (items: readonly never[]) => readonly never[],
  words: readonly string[],
): Promise<number> {
  checkFlags(flags);
  const [first = '', ...rest] = words;
  const named = rest.length > 0 || first.includes('/') ? objectsOf(words, flags.namespace) : null;
  const nouns = named === null ? [nounOf(first)] : [...new Set(named.map(({ noun }) => noun))];
  const given = flags.namespace === undefined ? null : [flags.namespace];
  const isTable = format.as === 'table' || format.as === 'wide';
  const shown = await withTransport(flags, async (transport) => {
    const tables = [];
    for (const noun of nouns) {
      const places =
        named === null
          ? undefined
          : await placesOf(
              flags,
              named.filter((one) => one.noun === noun),
            );
      const namespaces = places?.map(({ namespace }) => namespace) ?? given;
      const table = await readObjectTable(transport, kindOfNoun(noun), namespaces);
      tables.push({ noun, table: places === undefined ? table : only(table, places) });
    }
    return tables;
  });
  for (const [index, { noun, table }] of shown.entries()) {
    const cells = new Map(table.rows.map(({ object, cells }) => [object, cells]));
    const items = sort(
      table.rows.map(({ object }) => object) as unknown as readonly never[],
    ) as readonly KubernetesObject[];
    if (index > 0 && isTable) terminal.out('\n');
    await printItems(
      terminal,
      format,
      items,
      {
        columns: columnsOf(table, cells),
        name: ({ metadata }) => `${noun.singular}/${metadata.namespace ?? ''}/${metadata.name}`,
        empty: `no ${noun.plural} in the cluster; fist apply -f FILE makes one`,
      },
      { document: named?.length === 1 ? items[0] : { items }, headings: flags.headers },
    );
  }
  return 0;
}

function checkFlags(flags: ClusterGetFlags): void {
  const unused = givenFilters(flags).find((name) => name !== 'namespace');
  const field = flags.watch === true ? '--watch' : unused === undefined ? undefined : longFlag(unused);
  if (field === undefined) return;
  throw new AppError('InvalidInput', `${field} is of a server, not of a cluster`, {
    field,
    next: 'without --context, or kubectl get',
  });
}

/** Throws NotFound for the first that is not there. */
function only(table: ObjectTable, places: readonly Place[]): ObjectTable {
  const rows = places.map(({ kind, namespace, name }) => {
    const row = table.rows.find(
      ({ object: { metadata } }) => metadata.namespace === namespace && metadata.name === name,
    );
    if (row === undefined) throw notThere(kind, namespace, name);
    return row;
  });
  return { ...table, rows };
}

function columnsOf(
  { columns }: ObjectTable,
  cells: ReadonlyMap<KubernetesObject, readonly unknown[]>,
): readonly Column<KubernetesObject>[] {
  return [
    { heading: 'NAMESPACE', text: ({ metadata }) => metadata.namespace ?? '' },
    ...columns.map(({ name, isWide }, index): Column<KubernetesObject> => ({
      heading: name.toUpperCase(),
      text: (object) => cellText(cells.get(object)?.[index]),
      wide: isWide,
    })),
  ];
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  return typeof cell === 'string' ? cell : JSON.stringify(cell);
}
