import { Answer } from "./answers";

export const later: string = `${Answer.yes}, later`;
