import { euros } from "./money";

export enum Kind {
  order = "order",
}

export const titled = (cents: number): string => `${Kind.order}: ${euros(cents)}`;
