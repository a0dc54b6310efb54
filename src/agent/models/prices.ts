import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, toAppError } from '../../core/errors.ts';
import type { ModelDefinition } from './define.ts';
import type { Price, Rates } from './model.ts';

const dollars = z.number().min(0).max(100_000);

const ratesFields = {
  input: dollars,
  cacheRead: dollars,
  cacheWrite: dollars,
  output: dollars,
};

const priceTable = z.object({
  /** When the prices were read. */
  date: z.iso.date(),
  models: z.array(
    z.object({
      /** A provider's own name, not another one. */
      provider: z.string().min(1),
      /** Without a date or version behind it: those of the same name cost the same. */
      model: z.string().min(1),
      contextTokens: z.int().min(1).max(100_000_000),
      price: z.strictObject({
        ...ratesFields,
        beyond: z.strictObject({ inputTokens: z.int().min(1), rates: z.strictObject(ratesFields) }).optional(),
      }),
    }),
  ),
});

/** What models cost, and how much they take, as it was on a day. */
export type PriceTable = z.output<typeof priceTable>;

/** What the table says of a model. */
export interface ListedModel {
  readonly contextTokens: number;
  readonly price: Price;
}

/** The table that comes with the program: the providers' list prices. */
export function builtInPrices(): PriceTable {
  return readPrices(readFileSync(new URL('prices.json', import.meta.url), 'utf8'), 'prices.json');
}

/** A table of one's own, in front of another one. Throws InvalidInput that names the field. */
export function withPrices(own: PriceTable, others: PriceTable): PriceTable {
  return { date: own.date, models: [...own.models, ...others.models] };
}

/** Reads a table. Throws InvalidInput. */
export function readPrices(text: string, file: string): PriceTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new AppError('InvalidInput', `${file} is not JSON: ${toAppError(thrown).message}`, { field: file });
  }
  const parsed = priceTable.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('InvalidInput', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
    field: file,
    next: 'the form is that of src/agent/models/prices.json: {date, models: [{provider, model, contextTokens, price}]}',
  });
}

/** What may stand behind a model's name without making it another one: dates, versions, `latest`, `preview`. */
const version = /^(?:[-@:.](?:latest|preview|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{2}-\d{4}|v\d+(?::\d+)?|\d{3}))*$/;

/** What the table knows of a model; null = nothing, so that nobody takes one model's price for another's. */
export function lookUpModel(
  table: PriceTable,
  { name, pricedAs }: Pick<ModelDefinition, 'name' | 'pricedAs'>,
  model: string,
): ListedModel | null {
  const own = findRow(table, name, model);
  if (own !== null || pricedAs === undefined) return own;
  const { provider, model: listed, times = 1 } = pricedAs(model);
  const found = findRow(table, provider, listed);
  return found === null || times === 1 ? found : { ...found, price: scaled(found.price, times) };
}

function findRow({ models }: PriceTable, provider: string, model: string): ListedModel | null {
  const own = models.filter((row) => row.provider === provider && model.startsWith(row.model));
  const fitting = own.filter((row) => version.test(model.slice(row.model.length)));
  const [best] = fitting.sort((one, other) => other.model.length - one.model.length);
  if (best === undefined) return null;
  const { beyond, ...rates } = best.price;
  return { contextTokens: best.contextTokens, price: beyond === undefined ? rates : { ...rates, beyond } };
}

function scaled({ beyond, ...rates }: Price, by: number): Price {
  return {
    ...scaledRates(rates, by),
    ...(beyond === undefined ? {} : { beyond: { ...beyond, rates: scaledRates(beyond.rates, by) } }),
  };
}

function scaledRates({ input, cacheRead, cacheWrite, output }: Rates, by: number): Rates {
  return { input: input * by, cacheRead: cacheRead * by, cacheWrite: cacheWrite * by, output: output * by };
}
