export const Letter = ({ name }: { name: string }) => (
  <p>
    Dear <b>{name}</b>
  </p>
);
