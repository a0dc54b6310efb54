import type { Condition } from '../../core/catalog.ts';
import type { ModelCheckRecord, ModelFinding, ModelFitness } from '../../core/model-check.ts';
import { timeText } from '../../core/time.ts';
import { canonicalSha256, sha256Hex } from '../../lib/hash.ts';
import type { ChosenModel } from './choose.ts';

/** Of the key, so many hexadecimal digits of a hash: enough to see another one, too few to guess one by. */
const keyDigits = 4;

/** Names what a check was of. */
export function fitnessHash({
  definition,
  model,
  endpoint,
  apiKey,
  variables,
}: Pick<ChosenModel, 'definition' | 'model' | 'endpoint' | 'apiKey' | 'variables'>): string {
  const secret = canonicalSha256({ apiKey, variables });
  const key = sha256Hex(secret).slice(0, keyDigits);
  return canonicalSha256({ provider: definition.name, model, endpoint, key });
}

/** What an investigation cannot do without. */
const needed: readonly ModelFinding['about'][] = ['tool call', 'form', 'both'];

/** What the findings of a check say of a model. Where it gave no answer in the end they say nothing. Pure. */
export function fitnessOf(findings: readonly ModelFinding[]): {
  readonly result: ModelFitness;
  readonly message: string;
} {
  const failed = findings.filter(({ result }) => result === 'failed');
  const unanswered = failed.find(({ about }) => about === 'answer' || about === 'settings');
  if (unanswered !== undefined) return { result: 'unanswered', message: unanswered.text };
  const unable = failed.filter(({ about }) => needed.includes(about));
  if (unable.length > 0) return { result: 'unfit', message: unable.map(({ text }) => text).join('; ') };
  const others = failed.map(({ text }) => `; ${text}`).join('');
  return { result: 'fit', message: `it calls tools and answers in the form of a report${others}` };
}

/** A model that a Workflow names, and what was found out about it; null = nobody has checked it. */
export interface KnownModel {
  /** `anthropic/claude-sonnet-5-5`. */
  readonly model: string;
  readonly check: Pick<ModelCheckRecord, 'result' | 'message' | 'at'> | null;
}

/** Why a model is not asked; null = it may be. Pure. */
export function unfitReason({ model, check }: KnownModel): string | null {
  if (check?.result !== 'unfit') return null;
  return `${model} is not asked: ${check.message} (checked at ${timeText(check.at)})`;
}

/** What a Workflow's status says of its models; null = it asks none. Pure. */
export function modelsChecked(models: readonly KnownModel[], workflow: string): Condition | null {
  if (models.length === 0) return null;
  const type = 'ModelsChecked';
  const next = `fist model check workflow/${workflow}`;
  const unfit = models.flatMap((one) => unfitReason(one) ?? []);
  if (unfit.length > 0) {
    const rest = unfit.length < models.length ? '' : '; agent steps report what the analyzers found, and fail';
    return { type, status: 'False', reason: 'ModelUnfit', message: `${unfit.join('; ')}${rest}; ${next} tries again` };
  }
  const unknown = models.filter(({ check }) => check === null).map(({ model }) => model);
  if (unknown.length > 0) {
    const message = `nobody has tried whether ${unknown.join(' and ')} can do what an investigation asks of it; ${next}, which asks three short questions of each`;
    return { type, status: 'Unknown', reason: 'NotChecked', message };
  }
  const message = models
    .map(({ model, check }) => `${model}: ${check?.message ?? ''} (checked at ${timeText(check?.at ?? '')})`)
    .join('; ');
  return { type, status: 'True', reason: 'Checked', message };
}
