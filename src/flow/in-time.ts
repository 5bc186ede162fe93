/**
 * Asks what may never answer: gives the answer if it comes in time, else the last one, else `null`. While a question is
 * unanswered it is not asked again, so that no more than one call hangs for each key.
 */
export function openInTime<Answer>(deadlineMs: number) {
  const last = new Map<string, Answer>();
  const asked = new Set<string>();
  return async (key: string, ask: () => Promise<Answer>): Promise<Answer | null> => {
    const lastAnswer = () => last.get(key) ?? null;
    if (asked.has(key)) return lastAnswer();
    asked.add(key);
    const answer = ask()
      .then((now) => {
        last.set(key, now);
        return now;
      })
      .finally(() => asked.delete(key));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    try {
      return await Promise.race([answer, late.then(lastAnswer)]);
    } finally {
      clearTimeout(timer);
    }
  };
}
