/** The endings of source files, as part of a pattern. */
export const sourceEnding = 'java|kt|scala|go|rs|py|rb|php|[cm]?[jt]sx?|cs|exs?|erl|cpp|cc|c|h|pl';

/** The ends of their names where a line follows, as part of a pattern: `Pool.java:595`, `main.go:31`. */
export const sourceEnds = `\\.(?:${sourceEnding}):\\d`;

/** A place in a script, which Node shows above an error that nobody caught: `/app/server.js:12`. */
export const scriptPlace = /^(?:(?:file:\/\/|node:)?\S{1,300}\.[cm]?[jt]s|node:internal\S{0,100}):\d+$/;
