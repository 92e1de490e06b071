// Bounds how many steps run at the same time; the others wait in order.

export function createGate(most: number): <T>(step: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (step) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running++;
    try {
      return await step();
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}
