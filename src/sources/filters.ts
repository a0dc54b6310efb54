import { z } from 'zod';
import type { Labels, Matcher } from '../core/alert.ts';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import { matchesAll, parseMatchers } from '../lib/matchers.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { map } from '../lib/schema.ts';

/** Map of label name to accepted values (the contract's form). */
export const filters = map(z.string().min(1).max(1024), z.array(z.string().max(65_536)).min(1).max(1000), 100).meta({
  description: 'Label name to accepted values: the label must exist and have one of them. All names must hold.',
});

export const matcherText = z.string().max(65_536);

/** Matchers as Alertmanager writes them. */
export const matchers = z
  .union([matcherText, z.array(matcherText).max(100)])
  .meta({ description: 'Alertmanager matchers, one text or a list: severity="critical", team=~"a|b". All must hold.' });

type Filters = z.infer<typeof filters>;
type Refuse = (labels: Labels) => { readonly reason: string; readonly message: string } | null;

/** The filter chain of a Source over an alert's labels. Throws InvalidResource, with the field, for matchers that do not parse. */
export function compileFilters(
  given: Filters | undefined,
  texts: string | readonly string[] | undefined,
): CatalogSource['accepts'] {
  const chain = [filterMap(given ?? {}), matcherList(texts ?? [])].filter((refuse) => refuse !== null);
  return (labels) => {
    for (const refuse of chain) {
      const refusal = refuse(labels);
      if (refusal !== null) return refusal;
    }
    return null;
  };
}

function filterMap(given: Filters): Refuse | null {
  const accepted = Object.entries(given).map(([name, values]) => ({ name, values: new Set(values) }));
  if (accepted.length === 0) return null;
  return (labels) => {
    const failed = accepted.find(({ name, values }) => !Object.hasOwn(labels, name) || !values.has(labels[name] ?? ''));
    return failed === undefined
      ? null
      : { reason: 'FilterMismatch', message: `label ${failed.name} has none of the accepted values` };
  };
}

/** All matchers of a text or a list of texts, `field` of the config. Throws InvalidResource, with the field, where they do not parse. */
export function allMatchers(texts: string | readonly string[], field: string): readonly Matcher[] {
  if (typeof texts === 'string') return parsedMatchers(texts, field);
  return texts.flatMap((text, place) => parsedMatchers(text, `${field}[${place}]`));
}

function matcherList(texts: string | readonly string[]): Refuse | null {
  const parsed = allMatchers(texts, 'matchers');
  if (parsed.length === 0) return null;
  return (labels) =>
    matchesAll(parsed, labels) ? null : { reason: 'MatcherMismatch', message: 'the matchers do not match' };
}

function parsedMatchers(text: string, field: string): readonly Matcher[] {
  try {
    return parseMatchers(text);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError('InvalidResource', message, { field, cause: thrown, reason: 'Matchers' satisfies BeyondKind });
  }
}
