/** The ends of the names of source files, as part of a pattern: `Pool.java:595`, `main.go:31`. */
export const sourceEnds = '\\.(?:java|kt|scala|go|rs|py|rb|php|[cm]?[jt]sx?|cs|exs?|erl|cpp|cc|c|h|pl):\\d';
