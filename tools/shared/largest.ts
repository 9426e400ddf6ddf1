/** The few largest of many things. */
export class Largest<T> {
  readonly #limit: number;
  readonly #found: { readonly size: number; readonly item: T }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a thing of this size would be kept. */
  wants(size: number): boolean {
    return this.#found.length < this.#limit || size > this.#found[this.#limit - 1].size;
  }

  add(size: number, item: T): void {
    const found = this.#found;
    let at = found.length;
    while (at > 0 && found[at - 1].size < size) at--;
    found.splice(at, 0, { size, item });
    if (found.length > this.#limit) found.pop();
  }

  /** From the largest down. */
  sorted(): T[] {
    return this.#found.map(({ item }) => item);
  }
}
