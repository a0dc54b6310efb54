import type { Said } from './error-body.ts';
import type { ModelFailureReason } from './model.ts';

/** What is looked at: all in lower case. */
interface Facts {
  readonly status: number;
  readonly words: readonly string[];
  readonly message: string;
}

interface Rule {
  readonly reason: ModelFailureReason;
  holds(facts: Facts): boolean;
}

/** Rules about what was said; the first that holds decides, then the status does. */
const rules: readonly Rule[] = [
  {
    // Google says the same words for both, and RetryInfo for a limit that passes.
    reason: 'QuotaExhausted',
    holds: ({ words }) => words.includes('resource_exhausted') && words.some((word) => /perday|daily/.test(word)),
  },
  { reason: 'RateLimited', holds: ({ words }) => words.includes('resource_exhausted') },
  {
    reason: 'QuotaExhausted',
    holds: ({ status, words, message }) =>
      status === 402 ||
      has(words, /insufficient_(?:quota|balance|credits|funds)|billing|servicequotaexceeded|quota_exceeded/) ||
      /credit balance|insufficient (?:credits?|balance|quota|funds)|exceeded your (?:current|monthly) quota|api usage limits|spend(?:ing)? limit|purchase credits|too many tokens per day/.test(
        message,
      ),
  },
  {
    reason: 'ContextTooLong',
    holds: ({ status, words, message }) =>
      status !== 429 &&
      (status === 413 ||
        has(words, /context_length_exceeded|exceed_context_size|request_too_large|contextwindowexceeded/) ||
        /maximum context length|context ?window|context[ _](?:size|length)|prompt is too long|input (?:is|was) too long|too long for (?:the )?requested model|input token count|exceed(?:s)? context limit|input length exceeds|too large for model|maximum number of tokens allowed|reduce the length|must have less than \d+ tokens/.test(
          message,
        )),
  },
  {
    reason: 'ContentFiltered',
    holds: ({ status, words, message }) =>
      status < 500 &&
      status !== 429 &&
      (has(words, /content_filter|content_policy|responsibleaipolicy|safety/) ||
        /content (?:management|filter(?:ing)?|safety) policy|content policy|blocked by content|flagged as (?:potentially )?(?:violating|unsafe)|violat\w+ (?:our|the) usage polic|guardrail/.test(
          message,
        )),
  },
  {
    reason: 'BrokenAnswer',
    holds: ({ words, message }) =>
      has(words, /tool_use_failed|json_validate_failed|malformed_function_call/) ||
      /does not match the expected|failed to (?:parse|call a function|generate json|validate json)/.test(message),
  },
  {
    reason: 'Unauthorized',
    holds: ({ status, words, message }) =>
      status === 401 ||
      has(
        words,
        /invalid_api_key|api_key_invalid|authentication_error|unrecognizedclient|expiredtoken|invalidsignature/,
      ) ||
      (status === 400 && /api key not valid|invalid api key|security token .* (?:invalid|expired)/.test(message)),
  },
  {
    reason: 'ModelNotFound',
    holds: ({ status, words, message }) =>
      has(words, /model_not_found|deploymentnotfound|model_not_available/) ||
      (status === 404 &&
        (has(words, /not_found/) || /model|deployment/.test(message)) &&
        !/404 page|^not found$/.test(message)) ||
      (status < 429 &&
        /(?:model|deployment)[^.]{0,120}(?:not found|does not exist|not exist|not (?:a )?valid|is invalid|not supported|unknown)|invalid model|unknown model|no (?:such )?model|access to the model/.test(
          message,
        )),
  },
  { reason: 'Unauthorized', holds: ({ status }) => status === 403 },
  {
    reason: 'Overloaded',
    holds: ({ status, words, message }) =>
      status === 529 ||
      has(words, /overloaded|modelnotready|slow_down|serviceunavailable/) ||
      (status >= 500 &&
        /overloaded|at capacity|no capacity|loading model|model is (?:currently )?loading/.test(message)) ||
      status === 503,
  },
  { reason: 'RateLimited', holds: ({ status, words }) => status === 429 || has(words, /throttling|rate_limit/) },
  {
    reason: 'Timeout',
    holds: ({ status, words }) => [408, 504, 524].includes(status) || has(words, /modeltimeout|deadline_exceeded/),
  },
];

function has(words: readonly string[], pattern: RegExp): boolean {
  return words.some((word) => pattern.test(word));
}

/** Why a provider gave no answer. Pure. An answer with a good status that holds an error has the status that stands in it. */
export function reasonOf(answered: number, said: Said | null): ModelFailureReason {
  const status = answered < 400 ? (said?.status ?? 500) : answered;
  const facts = { status, words: said?.words ?? [], message: said?.message.toLowerCase() ?? '' };
  const rule = rules.find((each) => each.holds(facts));
  if (rule !== undefined) return rule.reason;
  return status >= 500 || status === 424 || status === 409 ? 'ServerError' : 'BadRequest';
}
