import type { TemplateChange } from '../analyzers/define.ts';
import { hasName } from '../analyzers/reading/names.ts';
import { timeText } from '../core/time.ts';
import { capital } from '../lib/words.ts';
import type { RankedFinding } from './findings.ts';

/** The cause's own sentence, with the object before it where the sentence does not name it. */
export function causeSentence({ draft }: RankedFinding): string {
  const text = draft.cause ?? '';
  const [kind = '', ...rest] = draft.object.split('/');
  const name = rest.at(-1) ?? '';
  return name === '' || hasName(text, name) ? text : `${capital(kind)} ${name}: ${text}`;
}

/** The cause, what it explains and the rollout behind it, as one text. */
export function rootCauseText(
  cause: RankedFinding,
  chain: readonly RankedFinding[],
  change: RankedFinding | null,
  fitting: readonly TemplateChange[],
): string {
  const [symptom] = chain;
  const led =
    symptom === undefined || symptom === cause || symptom.draft.cause === null
      ? ''
      : ` It explains this: ${symptom.draft.cause}`;
  const text = `${causeSentence(cause)}${led}`;
  return change === null ? text : `${text} ${changeSentence(cause, change, fitting)}`;
}

/** What the rollout that explains a cause changed, as a sentence after the cause's. */
export function changeSentence(
  cause: RankedFinding,
  change: RankedFinding,
  fitting: readonly TemplateChange[],
): string {
  const { facts, object } = change.draft;
  const revision = `revision ${facts['revision']} of ${object}, rolled out at ${timeText(facts['changed_at'] ?? null)},`;
  const changed = `changed: ${fitting.map((one) => one.text).join('; ')}.`;
  return cause.draft.object.startsWith('pod/')
    ? `The pod runs ${revision} which ${changed}`
    : `R${revision.slice(1)} ${changed}`;
}
