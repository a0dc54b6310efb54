import { checkToken, loadOrCreateToken } from '../server/token.ts';
import type { ApiToken } from '../server/token.ts';
import type { AppOptions } from './options.ts';
import { tokenFileOf } from './store.ts';

export interface OpenedToken extends ApiToken {
  /** null = it was given. */
  readonly tokenFile: string | null;
}

/** The token that was given, else that of the file beside the database. Throws InvalidInput. */
export function openToken({ token, database }: Pick<AppOptions, 'token' | 'database'>): OpenedToken {
  if (token !== null) return { token: checkToken(token, 'FIST_TOKEN'), warning: null, tokenFile: null };
  const tokenFile = tokenFileOf(database);
  return { ...loadOrCreateToken(tokenFile), tokenFile };
}
