// Text laid out by somebody else. It scrolls where it is wide, by keyboard too.

export function Pre({ children, class: name }: { readonly children: string; readonly class?: string }) {
  return (
    <pre class={name} tabIndex={0}>
      {children}
    </pre>
  );
}
