enum Power {
  two = 2,
}

export default (n: number): number => n ** Power.two;
