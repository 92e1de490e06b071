// The headers of a message. Secrets among them are hidden by the server.

export function Headers({ pairs }: { readonly pairs: readonly (readonly [name: string, value: string])[] }) {
  if (pairs.length === 0) return null;
  return (
    <section class="card">
      <h2>Headers</h2>
      <dl class="headers">
        {pairs.map(([name, value]) => (
          <>
            <dt class="mono">{name}</dt>
            <dd class="mono">{value}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}
