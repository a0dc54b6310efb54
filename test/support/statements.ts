import { StatementSync } from 'node:sqlite';
import { Client } from 'pg';

const control = /^(?:BEGIN|COMMIT|SAVEPOINT|RELEASE)\b/;
/** The index of words, and the clock of the server, which is asked every ten seconds whatever is done. */
const beside = /alert_words|alert_labels_due|clock_timestamp\(\)\) \* 1000 AS now/;

/** Not one that begins or ends a transaction, nor of an index that is written beside the commits. */
export function isOfWork(text: string): boolean {
  return !control.test(text) && !beside.test(text);
}

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** Calls `heard` with each statement that is run on a database of this process. Returns what ends that. */
export function listenToStatements(heard: (text: string) => void): () => void {
  const undo: (() => void)[] = [];
  const wrap = (owner: object, name: string, textOf: (self: unknown, values: readonly unknown[]) => string): void => {
    const method = Reflect.get(owner, name) as Method;
    const wrapped: Method = function (...values) {
      heard(textOf(this, values));
      return method.apply(this, values);
    };
    Reflect.set(owner, name, wrapped);
    undo.push(() => Reflect.set(owner, name, method));
  };
  for (const name of ['run', 'all'])
    wrap(StatementSync.prototype, name, (statement) => (statement as StatementSync).sourceSQL);
  wrap(Client.prototype, 'query', (_client, [query]) =>
    typeof query === 'string' ? query : (query as { readonly text: string }).text,
  );
  return () => {
    for (const restore of undo) restore();
  };
}
