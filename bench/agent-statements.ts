import { systemClock } from '../src/lib/clock.ts';
import { openPostgresStore } from '../src/store/postgres/store.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { conversing } from '../test/support/agent-conversation.ts';
import { createEngineWorld, planOf, step } from '../test/support/engine.ts';
import { isOfWork, listenToStatements } from '../test/support/statements.ts';
import type { DatabaseKind, World } from './world.ts';

const turns = 20;
const callsOfTurn = 2;

/** What one turn with two calls costs the database, counted; test/contract/statements.test.ts holds the same. */
export async function countTurn(
  world: World,
  kind: DatabaseKind,
): Promise<{ readonly statements: number; readonly commits: number }> {
  const database = await world.database(kind);
  const clock = systemClock();
  const store =
    kind === 'SQLite'
      ? openSqliteStore({ path: database })
      : await openPostgresStore({ url: database, clock, onError: () => undefined });
  const deeds = { none: conversing(0, 0), many: conversing(turns, callsOfTurn) };
  const engine = createEngineWorld({ store, clock, deeds });
  const count = async (name: keyof typeof deeds): Promise<readonly string[]> => {
    const id = await engine.addRun(planOf([step(name)]));
    const heard: string[] = [];
    const stop = listenToStatements((text) => heard.push(text));
    await engine.engine.advance(id, new AbortController().signal);
    stop();
    return heard.filter((text) => isOfWork(text) || text === 'COMMIT');
  };
  try {
    const [none, many] = [await count('none'), await count('many')];
    const commits = (heard: readonly string[]): number => heard.filter((text) => text === 'COMMIT').length;
    return {
      statements: (many.length - commits(many) - none.length + commits(none)) / turns,
      commits: (commits(many) - commits(none)) / turns,
    };
  } finally {
    await store.close();
  }
}
