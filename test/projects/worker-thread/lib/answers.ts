export enum Answer {
  yes = "from a worker",
}
