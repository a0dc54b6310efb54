/** Where an object is that has a namespace. */
export interface ObjectPlace {
  readonly namespace: string;
  readonly name: string;
}
