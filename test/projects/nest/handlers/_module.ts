import { Injectable, Module } from "@nestjs/common";

@Injectable()
export class Prices {
  of(item: string) {
    return item.length;
  }
}

@Injectable()
export class Orders {
  constructor(private readonly prices: Prices) {}

  total(items: readonly string[]) {
    return items.reduce((sum, item) => sum + this.prices.of(item), 0);
  }
}

@Module({ providers: [Prices, Orders] })
export class Shop {}
