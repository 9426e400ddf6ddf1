/**
 * JavaScript's WebAssembly, as far as it is used here: the types that TypeScript has of it come with a browser's.
 */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Throws if there is no room for so many more pages of 64 KB. */
  grow(pages: number): number;
}

export interface WasmTable {
  readonly length: number;
  get(place: number): unknown;
  set(place: number, fn: unknown): void;
  grow(places: number): number;
}

export type WasmImport = (...args: number[]) => number | void;

/** Compiled code. */
export interface WasmModule {
  readonly compiled?: never;
}

interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WebAssemblyApi {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): readonly { readonly module: string; readonly name: string }[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WasmInstance;
  /** A trap: the stack or the memory was left. */
  readonly RuntimeError: ErrorConstructor;
}

export const { WebAssembly: webAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
