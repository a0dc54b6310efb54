const adverb =
  'mostly|most likely|most probably|usually|probably|likely|possibly|perhaps|maybe|often|commonly|typically|generally';
/** To the end of a sentence: the points in names and addresses do not end it. */
const rest = '(?:[^.]|\\.(?=\\S)){0,300}';
const guesses = new RegExp(
  [
    `(?:\\b(?:this|that|it|which) )?(?:\\b(?:is|was|may be|might be|can be|could be) )?\\b(?:${adverb}) (?:is |was |be )?(?:caused by|due to|because|the (?:cause|reason))\\b${rest}`,
    `\\b(?:may|might|could|can) (?:also )?be (?:caused by|due to|because)\\b${rest}`,
  ].join('|'),
  'gi',
);
const questions = /\b(?:is|are|was|were) (?:the|your)\b[^?]{1,160}\?/gi;

/** A text without what it guesses at or asks: `This is usually caused by ...`, `Is the server running?`. */
export const withoutGuess = (text: string): string => text.replace(guesses, ' ').replace(questions, ' ');

/** Whether a text guesses at a reason, which whoever wrote it did not know. */
export const isGuess = (text: string): boolean => text.replace(guesses, ' ') !== text;
