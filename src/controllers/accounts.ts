import type { AccountVerdict, AccountVerdicts } from '../core/account.ts';
import { toAppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import type { Clock, Log } from '../core/ports.ts';
import { checkAccount, notAllowed } from '../kube/accounts/account-check.ts';
import type { AccountCheck } from '../kube/accounts/account-check.ts';
import type { AccountClients } from '../kube/accounts/account-clients.ts';
import { createWorkQueue } from '../kube/watch/work-queue.ts';

/** What the accounts of Workflows are asked with. */
export interface AccountWorld {
  readonly clients: Pick<AccountClients, 'of' | 'isOwn'>;
  /** The one namespace that Workflows of a namespace look at, their own; null = they look at all. */
  readonly onlyNamespaceOf: (namespace: string) => string | null;
}

export interface NamedAccountsOptions extends AccountWorld {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** What is found of one is another thing than before. */
  readonly onChange: () => void;
}

/** The ServiceAccounts that Workflows name, and whether each can be used. Rights change, so they are asked again every while. */
export interface NamedAccounts extends AccountVerdicts {
  /** Just these are asked about from now on. */
  need(places: readonly ObjectPlace[]): void;
  /** Resolves when each of them was asked about, or could not be. */
  whenAsked(): Promise<void>;
  stop(): Promise<void>;
}

/** Who waits for a right to come waits so long at most; a right that went is seen in reports before. */
const againMs = { refused: 30_000, fine: 5 * 60_000 };

interface Asked {
  readonly place: ObjectPlace;
  verdict: AccountVerdict;
  readonly first: PromiseWithResolvers<void>;
}

/** Asks nothing before an account is needed, and of none that the installation does not list. */
export function createNamedAccounts(options: NamedAccountsOptions): NamedAccounts {
  const { clients, onlyNamespaceOf, clock, random, log, onChange } = options;
  const asked = new Map<string, Asked>();

  async function ask(place: ObjectPlace): Promise<AccountCheck> {
    const client = clients.of(place);
    if (client === null || (await clients.isOwn(place))) return notAllowed(place);
    return checkAccount(client, place, onlyNamespaceOf(place.namespace));
  }
  function note(one: Asked, verdict: AccountVerdict): void {
    const isNew = JSON.stringify(one.verdict) !== JSON.stringify(verdict);
    one.verdict = verdict;
    one.first.resolve();
    if (isNew) onChange();
  }
  async function handle(key: string): Promise<number | null> {
    const one = asked.get(key);
    if (one === undefined) return null;
    try {
      note(one, verdictOf(await ask(one.place)));
    } catch (thrown) {
      // What was found before holds until something else is.
      if (one.verdict.status === 'Unknown') note(one, unknown(one.place, toAppError(thrown).message));
      throw thrown;
    }
    return one.verdict.status === 'True' ? againMs.fine : againMs.refused;
  }
  const queue = createWorkQueue({
    name: 'accounts',
    handle,
    backOff: { firstMs: 1000, mostMs: againMs.refused },
    rate: { requestsPerMinute: 120, burst: 20 },
    clock,
    random,
    log,
  });
  return {
    verdict: (place) => asked.get(keyOf(place))?.verdict ?? unknown(place, 'it was not asked yet'),
    need(places) {
      const wanted = new Map(places.map((place) => [keyOf(place), place]));
      for (const [key, { first }] of asked)
        if (!wanted.has(key)) {
          asked.delete(key);
          queue.forget(key);
          first.resolve();
        }
      for (const [key, place] of wanted) {
        if (asked.has(key)) continue;
        // Any name may be in a Workflow; what is not listed is not worth a question.
        const isListed = clients.of(place) !== null;
        const first = Promise.withResolvers<void>();
        const verdict = isListed ? unknown(place, 'it was not asked yet') : verdictOf(notAllowed(place));
        asked.set(key, { place, verdict, first });
        if (isListed) queue.add(key);
        else first.resolve();
      }
    },
    async whenAsked() {
      await Promise.all([...asked.values()].map(({ first }) => first.promise));
    },
    async stop() {
      await queue.stop(5000, 1000);
    },
  };
}

function keyOf({ namespace, name }: ObjectPlace): string {
  return `${namespace}/${name}`;
}

/** A Condition has one text. */
function verdictOf({ status, reason, message, next }: AccountCheck): AccountVerdict {
  return { status, reason, message: next === null ? message : `${message}; ${next}` };
}

function unknown({ namespace, name }: ObjectPlace, why: string): AccountVerdict {
  const message = `whether ServiceAccount ${namespace}/${name} may read is not known: ${why}`;
  return { status: 'Unknown', reason: 'AccountNotAsked', message };
}
