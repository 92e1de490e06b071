// Rules and injected services by decorators, as many applications have them.
import "reflect-metadata";
import { plainToInstance, Type } from "class-transformer";
import { IsEmail, IsInt, Min, ValidateNested, validate } from "class-validator";
import { container, injectable } from "tsyringe";

class Item {
  @IsInt() @Min(1) count!: number;
}

class Order {
  @IsEmail() to!: string;
  @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
}

@injectable()
class Counting {
  of(items: readonly Item[]) {
    return items.reduce((sum, { count }) => sum + count, 0);
  }
}

@injectable()
class Orders {
  constructor(private readonly counting: Counting) {}

  async take(value: object) {
    const order = plainToInstance(Order, value);
    const errors = await validate(order);
    return errors.length > 0 ? errors.map(({ property }) => property) : this.counting.of(order.items);
  }
}

export const metadata = { subject: "validation.order", kind: "request" } as const;
export default (value: object) => container.resolve(Orders).take(value);
